/**
 * The events of a circuit breaker. `CircuitBreakerStateChanged` is stored, with the id of whose breaker it is beside
 * these members; the others are counted in memory only: they are as many as calls.
 */
import { z } from 'zod';

const phase = z.enum(['closed', 'open', 'half_open']);
export type BreakerPhase = z.infer<typeof phase>;

/** Made when the first one is read: most starts read none. */
export const BreakerStateChanged = z.lazy(() =>
  z.object({
    type: z.literal('CircuitBreakerStateChanged'),
    data: z.object({
      old_state: phase,
      new_state: phase,
      reason: z.string(),
      /** What opened it last; null where it is closed. */
      opened_by: z.string().nullable(),
      /** In a row. */
      failure_count: z.int().min(0),
      /** Times that it opened. */
      trips: z.int().min(0),
      changed_at_ms: z.number(),
      /** Nothing is let through before; 0 where it is not open. Milliseconds since the Unix epoch. */
      retry_at_ms: z.number(),
    }),
  }),
);
export type BreakerStateChanged = z.infer<typeof BreakerStateChanged>;

export type BreakerEvent =
  | BreakerStateChanged
  | { readonly type: 'ProbePassed' }
  | { readonly type: 'CallCounted'; readonly isFailure: boolean };

const PREFIX = 'circuit_breaker:';

/** The stream of the breaker of what has the stream `owner`; all of them where that is empty. */
export const circuitStream = (owner: string): string => `${PREFIX}${owner}`;
