/** The events of the recovery of one server, as they are stored in its stream: none is renamed or removed. */
import { z } from 'zod';

const id = z.string();
/** The event that caused it; null where the process itself did. */
const cause = z.string().nullable();

/** Made when the first one is read: most starts read none. */
export const RecoveryEvent = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('RecoveryScheduled'),
      data: z.object({
        mcp_server_id: id,
        attempt: z.int(),
        attempts_max: z.int(),
        /** Milliseconds since the Unix epoch. */
        due_at_ms: z.number(),
        reason: z.string(),
        cause_event_id: cause,
      }),
    }),
    z.object({
      type: z.literal('RecoveryAttempted'),
      data: z.object({ mcp_server_id: id, attempt: z.int() }),
    }),
    z.object({
      type: z.literal('RecoveryEnded'),
      data: z.object({
        mcp_server_id: id,
        outcome: z.enum(['recovered', 'cancelled', 'gave_up', 'skipped']),
        attempts: z.int(),
        reason: z.string(),
        cause_event_id: cause,
      }),
    }),
  ]),
);
export type RecoveryEvent = z.infer<typeof RecoveryEvent>;
export type RecoveryOutcome = Extract<RecoveryEvent, { type: 'RecoveryEnded' }>['data']['outcome'];
