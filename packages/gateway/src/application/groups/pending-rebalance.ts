/** What is done by itself until a group is whole again: members that are tried, and circuits that wait. */
import type { GroupHistory } from '../../domain/group/history.ts';
import type { PendingStep } from '../../domain/processes/pending-step.ts';

const REBALANCE = 'rebalance';

interface Absent {
  readonly groupId: string;
  readonly memberId: string;
  readonly reason: string;
  /** When it is tried; undefined where that is left to the next call. Milliseconds since the Unix epoch. */
  readonly dueAtMs: number | undefined;
}

export const absentMember = ({ groupId, memberId, reason, dueAtMs }: Absent): PendingStep => ({
  process: REBALANCE,
  subject: memberId,
  status: 'waiting',
  attempt: undefined,
  attemptsMax: undefined,
  dueAtMs,
  reason: `it is out of group "${groupId}": ${reason}`,
});

export const openCircuit = (groupId: string, retryAtMs: number): PendingStep => ({
  process: REBALANCE,
  subject: groupId,
  status: 'waiting',
  attempt: undefined,
  attemptsMax: undefined,
  dueAtMs: retryAtMs,
  reason: 'its circuit is open: where no member is in rotation one call is let through then',
});

/** What a gateway that goes on from there would wait for. */
export const rebalancesIn = (past: ReadonlyMap<string, GroupHistory>): readonly PendingStep[] =>
  [...past].flatMap(([groupId, { out, retryAtMs }]) => [
    ...[...out].map(([memberId, reason]) =>
      absentMember({ groupId, memberId, reason, dueAtMs: undefined }),
    ),
    ...(retryAtMs === undefined ? [] : [openCircuit(groupId, retryAtMs)]),
  ]);
