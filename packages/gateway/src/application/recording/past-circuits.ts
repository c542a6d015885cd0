/** What the event log knows of circuit breakers from before this start, by the stream of what each belongs to. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { breakerOf, type Breaker } from '../../domain/breaker/breaker.ts';
import { BreakerStateChanged, circuitStream } from '../../domain/breaker/events.ts';
import { eachStream, evolved, tailOf } from './tails.ts';

/** Evolving by a stored event asks nothing of the policy. */
const BREAKER = breakerOf({
  failureThreshold: 1,
  resetTimeoutMs: 1,
  probeCount: 1,
  window: undefined,
});

/** The last change says it all. @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
export async function readCircuits(store: EventStore): Promise<ReadonlyMap<string, Breaker>> {
  const past = new Map<string, Breaker>();
  await eachStream(store, circuitStream(''), async (stream, id, version) => {
    const last = await tailOf(store, stream, { version, count: 1 });
    past.set(id, evolved(last, BreakerStateChanged, BREAKER));
  });
  return past;
}
