/** What a replay of the event log comes to, as a person reads it. */
import { tableText, type Column } from './text-table.ts';

/** Members may be added; none is renamed or removed. */
export interface ReplayRow {
  readonly id: string;
  readonly state: string;
  readonly consecutive_failures: number;
  readonly last_error: string | null;
  /** Events that were read, and the version of the last one. */
  readonly events: number;
  readonly version: number;
  /** Older events are gone: what they said is in the snapshot that was begun with. */
  readonly is_pruned: boolean;
  /** What the other side says where it says something else; null where it says the same, or nothing. */
  readonly difference: string | null;
}

const COLUMNS: readonly Column[] = [
  { title: 'ID', widthMin: 8 },
  { title: 'STATE' },
  { title: 'FAILURES', leaveOut: 2 },
  { title: 'EVENTS' },
  { title: 'VERSION', leaveOut: 1 },
  { title: 'COMPARED', widthMin: 12 },
];

/** @param other whom it was compared with: `the gateway`, `the snapshots` */
export function replayText(
  rows: readonly ReplayRow[],
  other: string,
  widthMax: number | undefined,
): string {
  if (rows.length === 0) return 'No event of a server is stored.';
  const cells = rows.map((row) => [
    row.id,
    row.state,
    String(row.consecutive_failures),
    row.is_pruned ? `${row.events} and older` : String(row.events),
    String(row.version),
    row.difference ?? 'same',
  ]);
  const count = rows.filter(({ difference }) => difference !== null).length;
  const verdict = count === 0 ? `the same as ${other}` : `${count} differ from ${other}`;
  return `${tableText(COLUMNS, cells, widthMax)}\n${verdict}`;
}
