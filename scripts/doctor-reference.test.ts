/** The page of `doctor` lists every finding, as the code has it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FINDINGS } from '../packages/gateway/src/domain/doctor/finding.ts';
import { ROOT } from './run-command.ts';

const PAGE = readFileSync(join(ROOT, 'docs/reference/doctor.md'), 'utf8');

/** The rows of the table below a heading. */
const rowsBelow = (heading: string): readonly string[] =>
  (PAGE.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'));

test.each([
  ['Findings of a server', 'server'],
  ['Findings of the installation', 'installation'],
])('%s', (heading, about) => {
  const expected = Object.entries(FINDINGS)
    .filter(([, kind]) => kind.about === about)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([id, { level, meaning, risk }]) => `| \`${id}\` | ${level} | ${meaning} | ${risk} |`);
  expect(rowsBelow(heading)).toEqual(expected);
});
