/** Groups as a person reads them. */
import type {
  GroupMemberRow,
  GroupRow,
  GroupsReport,
} from '../../application/operator/groups-report.ts';
import { duration } from './duration.ts';
import { tableText, type Column } from './text-table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'GROUP', widthMin: 8 },
  { title: 'MEMBER', widthMin: 8 },
  { title: 'STATE' },
  { title: 'IN ROTATION' },
  { title: 'WEIGHT', leaveOut: 4 },
  { title: 'PRIORITY', leaveOut: 3 },
  { title: 'CALLS', leaveOut: 2 },
  { title: 'CHOSEN', leaveOut: 5 },
  { title: 'LAST ERROR', widthMin: 16, leaveOut: 1 },
];

/** A line for each group and one for each of its members. @param widthMax cells of the terminal; undefined where it is none */
export function groupsText(report: GroupsReport, widthMax: number | undefined): string {
  if (report.groups.length === 0) return 'No group is configured.';
  const nowMs = Date.parse(report.as_of);
  const rows = report.groups.flatMap((group) => [
    groupCells(group),
    ...group.members.map((member) => memberCells(member, nowMs)),
  ]);
  return tableText(COLUMNS, rows, widthMax);
}

function groupCells(group: GroupRow): readonly string[] {
  const circuit = group.circuit_open ? 'the circuit is open' : '';
  const calls = group.members.reduce((sum, { in_flight: inFlight }) => sum + inFlight, 0);
  const rotation = `${group.healthy_count} of ${group.total_members}`;
  return [group.id, group.strategy, group.state, rotation, '', '', String(calls), '', circuit];
}

const memberCells = (member: GroupMemberRow, nowMs: number): readonly string[] => [
  '',
  member.id,
  member.state,
  member.in_rotation ? 'yes' : 'no',
  String(member.weight),
  String(member.priority),
  String(member.in_flight),
  member.last_selected_at === null
    ? '-'
    : `${duration(nowMs - Date.parse(member.last_selected_at))} ago`,
  member.last_error ?? '',
];

/** What became of a group. */
export const groupLine = ({ id, state, ...group }: GroupRow): string =>
  `${id}: ${state}, ${group.healthy_count} of ${group.total_members} members in rotation`;
