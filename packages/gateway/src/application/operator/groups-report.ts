/** Groups as operators' commands get them: members are added, never renamed or removed. */
import { z } from 'zod';
import { groupBasics, memberBasics } from '../groups/group-basics.ts';
import type { GroupFacts, GroupMemberFacts } from '../groups/group-facts.ts';
import type { GroupList } from '../queries/list-groups.ts';

const time = z.iso.datetime();

export const GroupRow = z.object({
  id: z.string(),
  description: z.string().nullable(),
  state: z.string(),
  /** When the state changed last, at the earliest when the gateway began. */
  state_since: time,
  strategy: z.string(),
  min_healthy: z.number(),
  /** Members in rotation. */
  healthy_count: z.number(),
  total_members: z.number(),
  is_available: z.boolean(),
  circuit_open: z.boolean(),
  members: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      in_rotation: z.boolean(),
      weight: z.number(),
      priority: z.number(),
      consecutive_failures: z.number(),
      in_flight: z.number(),
      last_selected_at: time.nullable(),
      last_error: z.string().nullable(),
    }),
  ),
});
export type GroupRow = z.infer<typeof GroupRow>;
export type GroupMemberRow = GroupRow['members'][number];

/** What `mcp-hangar groups --json` prints. */
export const GroupsReport = z.object({ as_of: time, groups: z.array(GroupRow) });
export type GroupsReport = z.infer<typeof GroupsReport>;

export const groupsReport = ({ groups, nowMs }: GroupList): GroupsReport => ({
  as_of: iso(nowMs),
  groups: groups.map(groupRow),
});

export const groupRow = (group: GroupFacts): GroupRow => ({
  id: group.id,
  ...groupBasics(group),
  state_since: iso(group.stateSinceMs),
  members: group.members.map(memberRow),
});

const memberRow = (member: GroupMemberFacts): GroupMemberRow => ({
  ...memberBasics(member),
  in_flight: member.inFlight,
  last_selected_at: member.lastSelectedAtMs === undefined ? null : iso(member.lastSelectedAtMs),
  last_error: member.lastFailure ?? null,
});

const iso = (ms: number): string => new Date(ms).toISOString();
