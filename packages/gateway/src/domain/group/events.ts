/**
 * The events of one group, as they are stored in its stream. Types and members are stored for ever: none is renamed or
 * removed; members that are added later have a default.
 */
import { z } from 'zod';

const GROUP_STATES = ['inactive', 'partial', 'healthy', 'degraded'] as const;
const state = z.enum(GROUP_STATES);
const id = z.string();
const count = z.int().min(0);

/** Made when the first one is read: most starts read none. */
export const GroupEvent = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('GroupCreated'),
      data: z.object({ group_id: id, strategy: z.string(), min_healthy: count }),
    }),
    z.object({
      type: z.literal('GroupUpdated'),
      data: z.object({ group_id: id, strategy: z.string(), min_healthy: count }),
    }),
    z.object({ type: z.literal('GroupDeleted'), data: z.object({ group_id: id }) }),
    z.object({
      type: z.literal('GroupMemberAdded'),
      data: z.object({ group_id: id, member_id: id, weight: count, priority: count }),
    }),
    z.object({
      type: z.literal('GroupMemberRemoved'),
      data: z.object({ group_id: id, member_id: id }),
    }),
    z.object({
      type: z.literal('GroupMemberHealthChanged'),
      data: z.object({ group_id: id, member_id: id, in_rotation: z.boolean(), reason: z.string() }),
    }),
    z.object({
      type: z.literal('GroupStateChanged'),
      data: z.object({
        group_id: id,
        old_state: state,
        new_state: state,
        healthy_count: count,
        total_count: count,
      }),
    }),
    z.object({
      type: z.literal('GroupCircuitOpened'),
      data: z.object({
        group_id: id,
        failure_count: count,
        /** No trial before; milliseconds since the Unix epoch. */
        retry_at_ms: z.number(),
      }),
    }),
    z.object({ type: z.literal('GroupCircuitClosed'), data: z.object({ group_id: id }) }),
  ]),
);
export type GroupEvent = z.infer<typeof GroupEvent>;
export type GroupState = z.infer<typeof state>;

/** The stream of one group. */
export const groupStream = (groupId: string): string => `group:${groupId}`;
