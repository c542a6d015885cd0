/** What everybody is told of a group who asks for it: MCP tools no more than this, operators' commands more. */
import type { GroupMemberRow, GroupRow } from '../operator/groups-report.ts';
import type { GroupFacts, GroupMemberFacts } from './group-facts.ts';

export const groupBasics = (
  group: GroupFacts,
): Omit<GroupRow, 'id' | 'state_since' | 'members'> => ({
  description: group.description ?? null,
  state: group.state,
  strategy: group.strategy,
  min_healthy: group.minHealthy,
  healthy_count: group.healthyCount,
  total_members: group.totalCount,
  is_available: group.isAvailable,
  circuit_open: group.isCircuitOpen,
});

export const memberBasics = (
  member: GroupMemberFacts,
): Omit<GroupMemberRow, 'in_flight' | 'last_selected_at' | 'last_error'> => ({
  id: member.id,
  state: member.state,
  in_rotation: member.inRotation,
  weight: member.weight,
  priority: member.priority,
  consecutive_failures: member.consecutiveFailures,
});
