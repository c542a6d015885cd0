import fc from 'fast-check';
import { assert, expect, test } from 'vitest';
import { envFileLine, parseEnvFile } from './env-file.ts';

test('reads names and values, with comments, quotes and export', () => {
  const text = [
    '\uFEFF# ours',
    'PLAIN=abc=def # is part of it',
    'export SINGLE=\'a "b" \\n\'',
    'DOUBLE="a \\"b\\"\\nc\\\\d" # not part',
    '',
    'EMPTY=',
    '  SPACED = x  ',
    'PLAIN=last',
  ].join('\r\n');
  expect(parseEnvFile(text)).toEqual({
    ok: true,
    value: {
      PLAIN: 'last',
      SINGLE: 'a "b" \\n',
      DOUBLE: 'a "b"\nc\\d',
      EMPTY: '',
      SPACED: 'x',
    },
  });
});

test('names what it cannot read by its line, and never shows it', () => {
  const result = parseEnvFile("A=1\nhunter2\nB=\"hunter2\nC='x' hunter2\n");
  assert(!result.ok);
  expect(result.error).toEqual([
    { line: 2, message: 'not NAME=value' },
    { line: 3, message: 'the value of B has no closing quote' },
    { line: 4, message: 'the value of C has no closing quote' },
  ]);
});

test('reads back what it wrote', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const result = parseEnvFile(`${envFileLine('NAME', value)}\n`);
      assert(result.ok);
      expect(result.value).toEqual({ NAME: value });
    }),
  );
  for (const value of [
    'a\nb',
    "it's",
    'a"\'\\n',
    '\\',
    ' x ',
    '#x',
    '$X',
    '\r\n',
    'a\u2028b',
    '\u2029',
  ]) {
    const result = parseEnvFile(envFileLine('NAME', value));
    expect(result).toEqual({ ok: true, value: { NAME: value } });
  }
});
