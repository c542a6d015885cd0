import { expect, test } from 'vitest';
import { matchesGlob } from './glob.ts';

test.each([
  ['read_file', 'read_file', true],
  ['read_file', 'read', false],
  ['read_file', 'read_*', true],
  ['read_file', '*_file', true],
  ['read_file', '*a*f*e', true],
  ['read_file', '*', true],
  ['', '*', true],
  ['', '', true],
  ['', '?', false],
  ['read', 're?d', true],
  ['read', 'read?', false],
  ['tool1', 'tool[0-9]', true],
  ['toolx', 'tool[0-9]', false],
  ['toolx', 'tool[!0-9]', true],
  ['a-b', 'a[-_]b', true],
  ['a]b', 'a[]]b', true],
  ['a[b', 'a[b', true],
  ['Read', 'read', false],
  ['a.b', 'a?b', true],
  ['dörte', 'd?rte', true],
])('%j against %j is %s', (name, glob, expected) => {
  expect(matchesGlob(name, [glob])).toBe(expected);
});

test('one of several globs is enough, none matches nothing', () => {
  expect(matchesGlob('b', ['a', 'b'])).toBe(true);
  expect(matchesGlob('b', [])).toBe(false);
});

test('many stars cost no time that grows with their number', () => {
  const startedMs = performance.now();
  expect(matchesGlob('a'.repeat(128), [`${'*a'.repeat(60)}*b`])).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(200);
});
