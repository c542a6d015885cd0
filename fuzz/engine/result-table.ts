/** The report, a line for each target. */
import type { TargetResult } from './run-target.ts';

const COLUMNS = [
  ['target', 14],
  ['executions', 11],
  ['per second', 11],
  ['blocks', 8],
  ['new', 6],
  ['corpus', 7],
  ['slowest ms', 11],
  ['MiB', 7],
  ['MiB/min', 8],
  ['findings', 9],
] as const;

const row = (cells: readonly string[]): string =>
  cells
    .map((cell, at) =>
      at === 0 ? cell.padEnd(COLUMNS[0][1]) : cell.padStart(COLUMNS[at]?.[1] ?? 0),
    )
    .join('');

export const TABLE_HEAD = row(COLUMNS.map(([name]) => name));

export function resultLine({ target, report, findings }: TargetResult): string {
  if (report === undefined) return `${target}: no report, ${findings.length} findings`;
  const { executions, seconds, blocks, blocksOfSeeds, corpus, slowestMs, memory } = report;
  return row([
    target,
    String(executions),
    (executions / seconds).toFixed(0),
    String(blocks),
    `+${blocks - blocksOfSeeds}`,
    String(corpus),
    slowestMs.toFixed(0),
    memory.mib.toFixed(0),
    memory.slopeMibPerMinute?.toFixed(2) ?? '-',
    String(findings.length),
  ]);
}
