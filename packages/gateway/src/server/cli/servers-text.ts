/** Servers as a person reads them. */
import type { ServerReport, ServerRow } from '../../application/operator/servers-report.ts';
import { duration } from './duration.ts';
import { tableText, type Column } from './text-table.ts';

interface Cell {
  readonly column: Column;
  /** Shown with `--details` only. */
  readonly isDetail?: boolean;
  readonly text: (row: ServerRow, nowMs: number) => string;
}

const ICONS: Readonly<Record<string, string>> = {
  ready: 'OK',
  cold: '--',
  disabled: '--',
  initializing: '..',
  degraded: '!!',
  dead: 'XX',
  healthy: 'OK',
  partial: '!!',
  inactive: 'XX',
};

const LIST: readonly Cell[] = [
  { column: { title: 'ID', widthMin: 12 }, text: ({ id }) => id },
  { column: { title: 'BY', leaveOut: 2 }, text: ({ transport }) => transport },
  { column: { title: 'STATE' }, text: ({ state }) => state },
  { column: { title: 'HEALTH', leaveOut: 3 }, text: ({ health }) => health },
  { column: { title: 'TOOLS' }, text: ({ tools }) => String(tools ?? '-') },
  {
    column: { title: 'DESCRIPTION', widthMin: 16, leaveOut: 4 },
    text: ({ description }) => description ?? '',
  },
];

const STATUS: readonly Cell[] = [
  { column: { title: '' }, text: ({ state }) => ICONS[state] ?? '??' },
  { column: { title: 'ID', widthMin: 12 }, text: ({ id }) => id },
  { column: { title: 'STATE' }, text: ({ state }) => state },
  { column: { title: 'FOR', leaveOut: 3 }, text: (row, nowMs) => since(row.state_since, nowMs) },
  { column: { title: 'HEALTH', leaveOut: 6 }, text: ({ health }) => health },
  { column: { title: 'TOOLS', leaveOut: 4 }, text: ({ tools }) => String(tools ?? '-') },
  {
    column: { title: 'CALLS/PROCS', leaveOut: 5 },
    text: ({ in_flight: calls, processes }) => `${calls}/${processes.length}`,
  },
  { column: { title: 'BY', leaveOut: 9 }, isDetail: true, text: ({ transport }) => transport },
  {
    column: { title: 'UP', leaveOut: 7 },
    isDetail: true,
    text: ({ processes }, nowMs) =>
      since(processes.map(({ started_at: at }) => at).toSorted()[0] ?? null, nowMs),
  },
  {
    column: { title: 'USED', leaveOut: 8 },
    isDetail: true,
    text: ({ last_used_at: at }, nowMs) => (at === null ? '-' : `${since(at, nowMs)} ago`),
  },
  { column: { title: 'CALLS GO TO', leaveOut: 3 }, text: ({ calls_go_to: id }) => id ?? '' },
  { column: { title: 'NEXT', leaveOut: 2 }, text: (row, nowMs) => nextText(row, nowMs) },
  { column: { title: 'LAST ERROR', widthMin: 16, leaveOut: 1 }, text: (row) => shortError(row) },
];

/** @param widthMax cells of the terminal; undefined where it is none */
export const listText = (rows: readonly ServerRow[], widthMax: number | undefined): string =>
  rowsText(LIST, rows, { nowMs: 0, widthMax });

export interface StatusView {
  readonly nowMs: number;
  readonly isDetailed: boolean;
  /** Cells of the terminal; undefined where it is none. */
  readonly widthMax: number | undefined;
}

export function statusText(rows: readonly ServerRow[], view: StatusView): string {
  const cells = STATUS.filter(({ isDetail }) => view.isDetailed || isDetail !== true);
  // A column in which there is nothing takes the place of those in which there is something.
  const used = cells.filter(
    ({ column, text }) =>
      column.title === '' || rows.some((row) => !['', '-'].includes(text(row, view.nowMs))),
  );
  return rowsText(used, rows, view);
}

function rowsText(
  cells: readonly Cell[],
  rows: readonly ServerRow[],
  { nowMs, widthMax }: Pick<StatusView, 'nowMs' | 'widthMax'>,
): string {
  if (rows.length === 0) return 'No MCP server is configured.';
  const columns = cells.map(({ column }) => column);
  const table = rows.map((row) => cells.map(({ text }) => text(row, nowMs)));
  return tableText(columns, table, widthMax);
}

/** All about one server, one fact a line. */
export function serverText({ as_of: asOf, server }: ServerReport): string {
  const nowMs = Date.parse(asOf);
  const ago = (at: string | null): string | null =>
    at === null ? null : `${since(at, nowMs)} ago`;
  const { calls, processes, cannot_cross: crossings } = server;
  const facts: readonly (readonly [name: string, value: string | null])[] = [
    [
      'state',
      `${ICONS[server.state] ?? '??'} ${server.state}${server.state_since === null ? '' : ` for ${since(server.state_since, nowMs)}`}`,
    ],
    ['health', healthText(server)],
    ['description', server.description],
    [
      'reached by',
      server.transport === server.mode ? server.mode : `${server.transport} (${server.mode})`,
    ],
    [server.transport === 'http' ? 'endpoint' : 'command', server.target],
    ...(server.group?.members ?? []).map(
      ({ id, state, in_rotation: isIn }) =>
        ['member', `${id}: ${state}${isIn ? '' : ', out of rotation'}`] as const,
    ),
    [
      'calls itself',
      [server.name, server.version].filter((part) => part !== null).join(' ') || null,
    ],
    ['speaks', server.era],
    ['tools', toolsText(server)],
    [
      'calls',
      `${server.in_flight} in flight${waiting(server)}, ${calls.total} made, ${calls.failed} failed`,
    ],
    ['last success', ago(calls.last_success_at)],
    ['last failure', ago(calls.last_failure_at)],
    ['last used', ago(server.last_used_at)],
    ...processes.map(
      (each) =>
        [
          each.pid === null ? 'connection' : `process ${each.pid}`,
          `up ${since(each.started_at, nowMs)}, used ${since(each.last_used_at, nowMs)} ago, ${each.in_flight} in flight`,
        ] as const,
    ),
    ['calls go to', server.calls_go_to],
    ['next', nextText(server, nowMs) || null],
    ['last error', server.last_error],
    ['suggestion', server.suggestion],
    ...crossings.map(
      ({ clients, feature, reason }) => [`not for ${clients}`, `${feature}: ${reason}`] as const,
    ),
  ];
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(([name, value]) => `  ${name.padEnd(width)}  ${oneLine(value)}`);
  return [server.id, ...lines].join('\n');
}

function toolsText({ tools, hidden_tools: hidden }: ServerReport['server']): string {
  if (tools === null) return 'not known yet';
  return `${tools}${hidden > 0 ? `, ${hidden} hidden` : ''}`;
}

const waiting = ({ queued }: ServerRow): string => (queued === 0 ? '' : `, ${queued} waiting`);

function healthText({ health, consecutive_failures: failures }: ServerRow): string {
  if (failures === 0) return health;
  return `${health}, ${failures} failure${failures === 1 ? '' : 's in a row'}`;
}

function nextText({ next, state }: ServerRow, nowMs: number): string {
  if (next === null) return '';
  const inMs = Date.parse(next.at) - nowMs;
  if (next.kind === 'idle_stop') return inMs > 0 ? `idle stop in ${duration(inMs)}` : 'idle stop';
  if (next.kind !== 'retry') return '';
  if (inMs <= 0) return state === 'dead' || state === 'degraded' ? 'retry on next call' : '';
  return `retry ${next.attempt ?? ''} in ${duration(inMs)}`;
}

const since = (at: string | null, nowMs: number): string =>
  at === null ? '-' : duration(nowMs - Date.parse(at));

/** Without what the row says already. */
function shortError({ id, last_error: error }: ServerRow): string {
  const beginning = `Cannot start MCP server "${id}": `;
  return oneLine(
    error?.startsWith(beginning) === true ? error.slice(beginning.length) : (error ?? ''),
  );
}

/** What a server wrote must not steer the terminal. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]+/gu, ' ');
