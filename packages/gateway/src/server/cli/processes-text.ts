import type { ProcessesReport } from '../../application/operator/processes-report.ts';
import { duration } from './duration.ts';
import { tableText, type Column } from './text-table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'SAGA' },
  { title: 'SERVER', widthMin: 8 },
  { title: 'STATUS' },
  { title: 'ATTEMPT', leaveOut: 2 },
  { title: 'DUE' },
  { title: 'REASON', widthMin: 16, leaveOut: 1 },
];

/** What is done later as a person reads it. @param widthMax cells of the terminal; undefined where it is none */
export function processesText(report: ProcessesReport, widthMax: number | undefined): string {
  const { sagas, as_of: asOf } = report;
  if (sagas.length === 0) return 'Nothing is pending.';
  const nowMs = Date.parse(asOf);
  const rows = sagas.map((saga) => [
    saga.type,
    saga.subject,
    saga.status.replace('_', ' '),
    saga.attempt === null ? '-' : `${saga.attempt} of ${saga.attempts_max}`,
    dueText(saga.due_at, nowMs),
    saga.reason,
  ]);
  return tableText(COLUMNS, rows, widthMax);
}

function dueText(dueAt: string | null, nowMs: number): string {
  if (dueAt === null) return '-';
  const leftMs = Date.parse(dueAt) - nowMs;
  return leftMs > 0 ? `in ${duration(leftMs)}` : 'now';
}
