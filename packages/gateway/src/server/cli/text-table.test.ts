import { describe, expect, test } from 'vitest';
import { tableText } from './text-table.ts';

const COLUMNS = [
  { title: 'ID' },
  { title: 'NAME', widthMin: 6 },
  { title: 'NOTE', widthMin: 4, leaveOut: 1 },
];
const ROWS = [
  ['a1', 'short', 'first'],
  ['b22', 'a-very-long-name', 'second note'],
];

describe('A table', () => {
  test('is as wide as what it holds where there is no terminal', () => {
    expect(tableText(COLUMNS, ROWS, undefined)).toBe(
      [
        'ID   NAME              NOTE',
        'a1   short             first',
        'b22  a-very-long-name  second note',
      ].join('\n'),
    );
  });

  test('cuts its widest columns where the terminal is narrow, never those that may not be cut', () => {
    expect(tableText(COLUMNS, ROWS, 24)).toBe(
      ['ID   NAME      NOTE', 'a1   short     first', 'b22  a-very-…  second n…'].join('\n'),
    );
  });

  test('leaves columns out where cutting is not enough', () => {
    expect(tableText(COLUMNS, ROWS, 14)).toBe(
      ['ID   NAME', 'a1   short', 'b22  a-very-l…'].join('\n'),
    );
  });

  test('shows what may not be cut, however narrow the terminal', () => {
    expect(tableText(COLUMNS, ROWS, 1)).toBe(['ID   NAME', 'a1   short', 'b22  a-ver…'].join('\n'));
  });

  test('has its titles without rows', () => {
    expect(tableText(COLUMNS, [], 80)).toBe('ID  NAME  NOTE');
  });

  test('counts what takes two cells as two, and what takes none as none', () => {
    const rows = [
      ['1', '日本語', 'x'],
      ['2', 'e\u0301a', 'x'],
      ['3', '👩‍👩‍👧', 'x'],
    ];
    expect(tableText(COLUMNS, rows, undefined).split('\n')).toEqual([
      'ID  NAME    NOTE',
      '1   日本語  x',
      '2   e\u0301a      x',
      '3   👩‍👩‍👧      x',
    ]);
    expect(tableText([{ title: 'N', widthMin: 4 }], [['日本語']], 4)).toBe('N\n日…');
  });

  test('never steers the terminal', () => {
    const text = tableText(
      COLUMNS,
      [['\u001b[2J', 'a\nb\u2028c', '\u202egnp.exe\u0007']],
      undefined,
    );
    expect(text.split('\n')).toHaveLength(2);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/u);
  });
});
