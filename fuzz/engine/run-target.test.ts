import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runTarget, type TargetResult } from './run-target.ts';

const MS_MAX = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'hangar-fuzz-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @param inputs tried in place of a run that makes its own */
const trouble = (inputs?: readonly string[]): Promise<TargetResult> =>
  runTarget({
    target: '../fixtures/trouble',
    seed: 1,
    ms: MS_MAX,
    executionsMax: 400,
    inputs: inputs?.map((text) => Buffer.from(text).toString('base64')),
    folder,
    findings: folder,
    silenceMsMax: 8_000,
  });

test.each([
  ['an exception', 'throw it', 'Error: cannot read'],
  ['a rejection that nobody waits for', 'reject it', 'Error: nobody waits'],
  ['an exception in a callback', 'later', 'Error: in a callback'],
  ['much work', 'slow', 'slow:'],
  ['waiting for nothing', 'wait', 'slow:'],
  ['a hang', 'hang', 'hangs: nothing was heard'],
  ['the death of the process', 'die', 'the process ended with SIGABRT'],
])(
  '%s is a finding, with the input that shows it',
  { timeout: MS_MAX },
  async (_what, text, told) => {
    const { findings } = await trouble(['plain', text]);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.what).toContain(told);
  },
);

test('what chance finds is made short, and kept in a file', { timeout: MS_MAX }, async () => {
  const { findings, report } = await trouble();
  expect(findings.map(({ what }) => what)).toEqual([expect.stringContaining('found by chance')]);
  const file = findings[0]?.file ?? '';
  expect(existsSync(file) && readFileSync(file, 'latin1')).toBe('ZX');
  expect(report?.executions).toBeGreaterThanOrEqual(400);
});

test('a target that is well says so', { timeout: MS_MAX }, async () => {
  expect(await trouble(['plain'])).toMatchObject({ findings: [], report: { executions: 1 } });
});
