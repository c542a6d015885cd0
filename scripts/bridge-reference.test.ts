/** The page of the bridge names the test of everything that it says: none is missing, and none is made up. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './run-command.ts';

const PAGE = readFileSync(join(ROOT, 'docs/reference/protocol-bridge.md'), 'utf8');
const [said = '', listed = ''] = PAGE.split('\n## Tests\n');
const DEFINITION = /^- (T\d+): (\S+), "(.+)"$/;

const definitions = listed
  .split('\n')
  .filter((line) => line.startsWith('- '))
  .map((line) => DEFINITION.exec(line)?.slice(1) ?? [line, '', '']);
const rows = said
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.split(' | ').length === 5)
  .filter((line) => !/^\| (Feature|---)/.test(line));

test('it has rows for what the specification names, and tests', () => {
  expect(rows.length).toBeGreaterThan(50);
  expect(definitions.length).toBeGreaterThan(50);
});

test('every cell names a test, or says where one is', () => {
  const empty = rows.flatMap((row) => {
    const [feature = '', ...cells] = row.replace(/^\| | \|$/g, '').split(' | ');
    return cells.filter((cell) => !/\bT\d+\b|\b[Ss]ee /.test(cell)).map((cell) => [feature, cell]);
  });
  expect(empty).toEqual([]);
});

test('every test that it names is in its list, once, and the other way round', () => {
  const named = new Set(said.replaceAll('`T1`, `T2`', '').match(/\bT\d+\b/g));
  const defined = definitions.map(([id = '']) => id);
  expect(new Set(defined)).toEqual(named);
  expect(new Set(defined).size).toBe(defined.length);
});

describe.each(definitions)('%s', (_id, file = '', title = '') => {
  test(`is a test of ${file}`, () => {
    const path = join(ROOT, file);
    expect(file).toMatch(/\.test\.ts$/);
    expect(existsSync(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain(title);
  });
});
