import { expect, test } from 'vitest';
import { FIGURES, type FigureId, type Sample, type Samples } from './figures.ts';
import { judge, tableOf, type Line, type Standard } from './report.ts';

const IDS = Object.keys(FIGURES) as FigureId[]; // the keys of an object literal

/** Three rounds of every figure, with one ratio for those that are better low and one for the other. */
function samplesWith(lower: number, higher: number): Samples {
  const rounds = (ratio: number): Sample[] =>
    Array.from({ length: 3 }, () => ({
      direct: undefined,
      floor: 100,
      gateway: 100 * ratio,
      ratio,
    }));
  return Object.fromEntries(
    IDS.map((id) => [id, rounds(FIGURES[id].better === 'lower' ? lower : higher)]),
  ) as Record<FigureId, Sample[]>; // one entry for each id
}

const STANDARD: Standard = { baseline: {}, tolerance: 0.15, enforcesTargets: true };
const failuresOf = (lines: readonly Line[]): string[] =>
  lines.filter((line) => line.isFailure).map((line) => `${line.id}: ${line.verdict}`);

test('a gateway as fast as the floor passes', () => {
  expect(failuresOf(judge(samplesWith(1, 1), STANDARD))).toEqual([]);
});

test('a missed target fails where targets count, and is told where they do not', () => {
  const samples = samplesWith(1.4, 0.5);
  const missed = ['addedP50', 'callsPerSecond', 'result1Mb', 'toolsList', 'cpuGates'];
  expect(failuresOf(judge(samples, STANDARD))).toEqual(missed.map((id) => `${id}: target missed`));
  const told = judge(samples, { ...STANDARD, enforcesTargets: false });
  expect(failuresOf(told)).toEqual([]);
  expect(tableOf(told)).toContain('target missed (not enforced)');
});

test('a ratio that is more than the tolerance worse than its baseline fails, in either direction', () => {
  const baseline = { addedP50: 1, callsPerSecond: 1, cpuConcurrent: 1 };
  const standard = { ...STANDARD, baseline };
  expect(failuresOf(judge(samplesWith(1.14, 0.86), standard))).toEqual([]);
  expect(failuresOf(judge(samplesWith(1.16, 0.84), standard))).toEqual([
    'addedP50: worse than baseline',
    'callsPerSecond: worse than baseline',
    'cpuConcurrent: worse than baseline',
  ]);
});

test('the table names figures, medians, ratio, spread, target and baseline', () => {
  const [line] = judge(samplesWith(1.1, 1), { ...STANDARD, baseline: { addedP50: 1.05 } });
  expect(
    tableOf(line ? [line] : [])
      .split('\n')[1]
      ?.split(/ {2,}/),
  ).toEqual([
    'added p50, echo 100 B',
    '–',
    '100.0 µs',
    '110.0 µs',
    '1.10',
    '1.10 … 1.10',
    '≤ 1.30',
    '1.05',
    'ok',
  ]);
});
