/** Every input of the repository, and a short run of each target with a fixed seed. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { slopeOf } from './engine/memory.ts';
import type { TargetResult } from './engine/run-target.ts';
import { loadTarget, seedsOf, TARGETS } from './engine/seeds.ts';

const RUN = join(import.meta.dirname, 'run.ts');
/** About two seconds. */
const EXECUTIONS = 200;
/** A process starts, and the machine may be busy. */
const MS_MAX = 60_000;

describe.each(TARGETS)('the target %s', (name) => {
  test('finds nothing in what is in the repository', { timeout: MS_MAX }, async () => {
    const target = await loadTarget(name);
    const subject = await target.open();
    try {
      for (const seed of seedsOf(name, target))
        await expect(Promise.resolve(subject.run(seed))).resolves.toBeUndefined();
    } finally {
      await subject.close();
    }
  });

  test(
    'finds nothing in a short run, and goes where no seed has been',
    { timeout: MS_MAX },
    async () => {
      const options = [
        '--target',
        name,
        '--executions',
        String(EXECUTIONS),
        '--seed',
        '2026',
        '--json',
      ];
      const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...options]);
      const [result] = JSON.parse(stdout) as readonly TargetResult[];
      expect(result?.findings).toEqual([]);
      expect(result?.report?.executions).toBeGreaterThanOrEqual(EXECUTIONS);
      expect(result?.report?.blocks).toBeGreaterThan(result?.report?.blocksOfSeeds ?? 0);
    },
  );
});

test('the slope of memory is that of the line through the marks', () => {
  const marks = [0, 1, 2, 3].map((at) => ({ atMs: at * 1_000, mib: 50 + at / 2 + (at % 2) / 100 }));
  expect(slopeOf(marks) * 1_000).toBeCloseTo(0.502, 3);
  expect(slopeOf([{ atMs: 1, mib: 1 }])).toBe(0);
});
