import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../../test-kit/cpu-time.ts';
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';

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
      expect(decodeHeaderValue(header)).toBe(Buffer.from(value, 'utf8').toString('utf8'));
    }),
  );
});

const encode = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;

describe('a header value', () => {
  test('is what it is, unless it says that it is encoded', () => {
    for (const plain of [
      '',
      'get_weather',
      'base64',
      '=?',
      '=?base64?',
      '=?base64?eA==',
      'x=?base64?eA==?=',
    ])
      expect(decodeHeaderValue(plain)).toBe(plain);
    expect(decodeHeaderValue(undefined)).toBeUndefined();
  });

  test('that is encoded is any text at all', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'ß', '日', '🙂', '=', '?', '\0', '\n') }),
        (text) => {
          expect(decodeHeaderValue(encode(text))).toBe(text);
        },
      ),
    );
    expect(decodeHeaderValue(encode('=?base64?eA==?='))).toBe('=?base64?eA==?=');
  });

  test.each([
    ['no base64', '=?base64?größe?='],
    ['base64 without its padding', '=?base64?eA?='],
    ['base64 of URLs', '=?base64?_-8=?='],
    ['base64 with spaces', '=?base64?eA= =?='],
    ['no UTF-8', '=?base64?/w==?='],
    ['half a character', '=?base64?4oI=?='],
  ])('that is broken is none: %s', (_what, value) => {
    expect(decodeHeaderValue(value)).toBeUndefined();
  });

  test('of hostile length is read in linear time', () => {
    const value = `=?base64?${'A'.repeat(100_001)}?=`;
    expect(cpuMs(() => decodeHeaderValue(value))).toBeLessThan(200);
    expect(decodeHeaderValue(value)).toBeUndefined();
  });
});
