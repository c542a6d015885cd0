import { describe, expect, it } from 'vitest';
import { linesOf, unifiedDiff } from './unified-diff.ts';

const side = (name: string, text: string) => ({ name, lines: linesOf(text) });
const diff = (old: string, now: string): string => unifiedDiff(side('old', old), side('new', now));

describe('A diff', () => {
  it('of equal texts is empty', () => {
    expect(diff('a\nb\n', 'a\nb\n')).toBe('');
    expect(diff('', '')).toBe('');
  });

  it('begins a new file and ends a removed one', () => {
    expect(diff('', 'a\nb\n')).toBe('--- old\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b');
    expect(diff('a\n', '')).toBe('--- old\n+++ new\n@@ -1 +0,0 @@\n-a');
  });

  it('shows three lines around a change, and near changes together', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
    const now = lines.toSpliced(4, 1, 'five').toSpliced(7, 0, 'new').toSpliced(25, 1);
    expect(diff(lines.join('\n'), now.join('\n'))).toBe(
      `--- old
+++ new
@@ -2,9 +2,10 @@
 line 2
 line 3
 line 4
-line 5
+five
 line 6
 line 7
+new
 line 8
 line 9
 line 10
@@ -22,7 +23,6 @@
 line 22
 line 23
 line 24
-line 25
 line 26
 line 27
 line 28`,
    );
  });

  it('tells lines apart by what they are and shows what may be shown', () => {
    const old = { name: 'old', lines: ['a', 'TOKEN: one'], shown: ['a', 'TOKEN: [secret]'] };
    const now = { name: 'new', lines: ['a', 'TOKEN: two'], shown: ['a', 'TOKEN: [secret]'] };
    expect(unifiedDiff(old, now)).toBe(
      '--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-TOKEN: [secret]\n+TOKEN: [secret]',
    );
  });
});
