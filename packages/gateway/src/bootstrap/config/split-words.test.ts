import { describe, expect, it } from 'vitest';

import { splitWords } from './split-words.ts';

describe('a command line', () => {
  it.each([
    ['a b  c', ['a', 'b', 'c']],
    ['  a\tb\n', ['a', 'b']],
    [`a "b c" 'd e'`, ['a', 'b c', 'd e']],
    [`a""b ''`, ['ab', '']],
    [String.raw`a\ b \"c`, ['a b', '"c']],
    [String.raw`"a\"b\n" 'c\d'`, [String.raw`a"b\n`, String.raw`c\d`]],
    ['a; b && $(c) > d', ['a;', 'b', '&&', '$(c)', '>', 'd']],
  ])('%j is split into %j', (line, words) => {
    expect(splitWords(line)).toEqual({ ok: true, value: words });
  });

  it.each([
    ['a "b', 'has an unclosed "'],
    ["a 'b", "has an unclosed '"],
    ['a\\', 'ends with a backslash'],
    ['  ', 'has no words'],
  ])('%j is refused', (line, error) => {
    expect(splitWords(line)).toEqual({ ok: false, error });
  });
});
