/** The events of the failover of one server, as they are stored in its stream: none is renamed or removed. */
import { z } from 'zod';

const id = z.string();
/** The event that caused it; null where the process itself did. */
const cause = z.string().nullable();
const pair = { mcp_server_id: id, backup_id: id };
const until = {
  reason: z.string(),
  /** Calls go to the server again from then on, whatever is known of it; 0 = never by itself. */
  expires_at_ms: z.number(),
  cause_event_id: cause,
};

/** Made when the first one is read: most starts read none. */
export const FailoverEvent = z.lazy(() =>
  z.discriminatedUnion('type', [
    /** Calls go to the backup. */
    z.object({ type: z.literal('FailoverStarted'), data: z.object({ ...pair, ...until }) }),
    /** The server runs again; calls go back to it when it is due. */
    z.object({
      type: z.literal('FailbackScheduled'),
      data: z.object({ ...pair, due_at_ms: z.number(), cause_event_id: cause }),
    }),
    /** It failed again before that. */
    z.object({ type: z.literal('FailbackCancelled'), data: z.object({ ...pair, ...until }) }),
    z.object({
      type: z.literal('FailoverEnded'),
      data: z.object({
        ...pair,
        outcome: z.enum(['failed_back', 'expired', 'cancelled']),
        cause_event_id: cause,
      }),
    }),
  ]),
);
export type FailoverEvent = z.infer<typeof FailoverEvent>;
export type FailoverOutcome = Extract<FailoverEvent, { type: 'FailoverEnded' }>['data']['outcome'];
