import type {
  ParkedCallRow,
  ParkedCallsReport,
} from '../../application/operator/parked-calls-report.ts';
import { splitPublicName } from '../../domain/catalog/public-names.ts';
import { duration } from './duration.ts';
import { tableText, type Column } from './text-table.ts';

const PRINCIPAL_CHARS_MAX = 14;

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'WAITS FOR', widthMin: 11 },
  { title: 'SERVER', widthMin: 8, leaveOut: 1 },
  { title: 'TOOL', widthMin: 16 },
  { title: 'PRINCIPAL', widthMin: 9, leaveOut: 4 },
  { title: 'ROUND', leaveOut: 3 },
  { title: 'PARKED', leaveOut: 2 },
  { title: 'EXPIRES IN' },
];

/** Parked calls as a person reads them. @param widthMax cells of the terminal; undefined where it is none */
export function parkedCallsText(report: ParkedCallsReport, widthMax: number | undefined): string {
  const { calls, total, as_of: asOf } = report;
  if (calls.length === 0) return 'No call is parked.';
  const nowMs = Date.parse(asOf);
  const rows = calls.map((call) => rowOf(call, nowMs));
  const rest = total - calls.length;
  return `${tableText(COLUMNS, rows, widthMax)}${rest > 0 ? `\n… and ${rest} more` : ''}`;
}

function rowOf(call: ParkedCallRow, nowMs: number): readonly string[] {
  const leftMs = Date.parse(call.expires_at) - nowMs;
  return [
    call.id,
    waitsFor(call),
    call.mcp_server ?? '-',
    toolOf(call),
    short(call.principal),
    String(call.round),
    `${duration(nowMs - Date.parse(call.parked_at))} ago`,
    leftMs > 0 ? duration(leftMs) : 'expired',
  ];
}

/** Without the server in front, which stands in a column of its own; behind the method where it is no tool. */
function toolOf({ method, name, mcp_server: server }: ParkedCallRow): string {
  const split = name === null ? undefined : splitPublicName(name);
  const short = split?.server === server ? split.name : (name ?? '-');
  return method === 'tools/call' ? short : `${method} ${short}`;
}

/** `elicitation, roots` for what the client is asked, else the reason. */
function waitsFor({ waits_for: reason, asks }: ParkedCallRow): string {
  const subjects = new Set(asks.map((method) => method.split('/', 1)[0] ?? method));
  return subjects.size === 0 ? reason : [...subjects].join(', ');
}

const short = (principal: string): string =>
  principal.length <= PRINCIPAL_CHARS_MAX
    ? principal
    : `${principal.slice(0, PRINCIPAL_CHARS_MAX - 1)}…`;
