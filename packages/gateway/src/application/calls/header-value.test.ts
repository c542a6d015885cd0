import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeHeaderValue } from './header-value.ts';

test.each([
  ['plain', 'plain'],
  ['with spaces inside', 'with spaces inside'],
  ['', ''],
  [' led', '=?base64?IGxlZA==?='],
  ['trailed\t', '=?base64?dHJhaWxlZAk=?='],
  ['line\nbreak', '=?base64?bGluZQpicmVhaw==?='],
  ['Grüße', '=?base64?R3LDvMOfZQ==?='],
  ['=?base64?eA==?=', '=?base64?PT9iYXNlNjQ/ZUE9PT89?='],
])('%j stands in a header as %j', (value, header) => {
  expect(encodeHeaderValue(value)).toBe(header);
});

test('every value can be read back, and none breaks a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const header = encodeHeaderValue(value);
      expect(header).toMatch(/^[\x20-\x7e]*$/);
      const encoded = /^=\?base64\?(.*)\?=$/.exec(header)?.[1];
      const read = encoded === undefined ? header : Buffer.from(encoded, 'base64').toString('utf8');
      expect(read).toBe(Buffer.from(value, 'utf8').toString('utf8'));
    }),
  );
});
