/** What gateway tools answer about groups. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import { groupBasics, memberBasics } from '../groups/group-basics.ts';
import type { GroupFacts } from '../groups/group-facts.ts';
import type { GroupList } from '../queries/list-groups.ts';
import { valueAnswer } from './value-answer.ts';

/** A group with all that a client is told of it. */
export const groupStatus = (group: GroupFacts): JsonObject => ({
  group_id: group.id,
  ...groupBasics(group),
  members: group.members.map(memberBasics),
});

export const groupListAnswer = ({ groups }: GroupList): ToolAnswer =>
  valueAnswer({ groups: groups.map(groupStatus) });

export const rebalanceAnswer = (group: GroupFacts): ToolAnswer =>
  valueAnswer({
    group_id: group.id,
    state: group.state,
    healthy_count: group.healthyCount,
    total_members: group.totalCount,
    members_in_rotation: group.members.filter(({ inRotation }) => inRotation).map(({ id }) => id),
  });

/** All groups in a few numbers. */
export function groupCounts(groups: readonly GroupFacts[]): JsonObject {
  const byState: Record<string, number> = {};
  for (const { state } of groups) byState[state] = (byState[state] ?? 0) + 1;
  const sum = (count: (group: GroupFacts) => number): number =>
    groups.reduce((total, group) => total + count(group), 0);
  return {
    total: groups.length,
    by_state: byState,
    total_members: sum(({ totalCount }) => totalCount),
    healthy_members: sum(({ healthyCount }) => healthyCount),
  };
}
