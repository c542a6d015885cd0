/** Every key of the configuration has a test that sees its effect: none is missing, and none is made up. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { activeKeys, OBSERVATIONS } from './config-keys-page.ts';
import { ROOT } from './run-command.ts';

const keys = activeKeys();

test('every active key is seen by one test, and every key that a test is to see is one', () => {
  expect(keys.length).toBeGreaterThan(150);
  expect(OBSERVATIONS.flatMap((test_) => test_.keys).toSorted()).toEqual(keys.toSorted());
});

test('reading a schema or a document is no effect', () => {
  const files = OBSERVATIONS.map(({ file }) => file);
  expect(files.filter((file) => file.includes('bootstrap/config/'))).toEqual([]);
});

describe.each(OBSERVATIONS)('"$title" of $file', ({ file, title, keys: seen }) => {
  test(`sets ${seen.join(', ')}`, () => {
    expect(file).toMatch(/\.test\.ts$/);
    const path = join(ROOT, file);
    expect(existsSync(path)).toBe(true);
    const text = textOf(readFileSync(path, 'utf8').split('\n'), title);
    const missing = seen.filter((key) => !wordsOf(key).every((word) => isSet(text, word)));
    expect(missing).toEqual([]);
  });
});

/** The parts of a key that a test writes itself: servers and groups are often made by a function of all tests. */
const wordsOf = (key: string): readonly string[] =>
  key
    .replace(/^mcp_servers\.NAME\.(?:members\[\]\.)?/, '')
    .split('.')
    .map((word) => word.replace('[]', ''))
    .filter((word) => word !== 'NAME');

/** As `word: …`, in JavaScript, JSON or YAML, or as `{ word }`. */
const isSet = (text: string, word: string): boolean =>
  new RegExp(String.raw`(?<![\w$])\$?${word.replace('$', '')}['"]?:|[{,]\s*${word}\s*[,}]`).test(
    text,
  );

/** What a test says, and what all tests of its file share. Each ends where the formatter puts its last line. */
function textOf(lines: readonly string[], title: string): string {
  const kept: string[] = [];
  let isThere = false;
  for (let at = 0; at < lines.length; at += 1) {
    const indent = /^( *)(?:it|test)[.(]/.exec(lines[at] ?? '')?.[1];
    if (indent === undefined) {
      kept.push(lines[at] ?? '');
      continue;
    }
    const isLast = (line: string, index: number): boolean =>
      index >= at && (line === `${indent}});` || line === `${indent});`);
    const end = lines.findIndex(isLast);
    const own = lines.slice(at, end + 1);
    if (own.some((line) => line.includes(`'${title}'`))) {
      isThere = true;
      kept.push(...own);
    }
    at = end;
  }
  if (!isThere) throw new Error(`there is no test "${title}"`);
  return kept.join('\n');
}
