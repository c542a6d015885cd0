/** What the event log knows of circuit breakers from before this start, by the stream of what each belongs to. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { breakerOf, type Breaker } from '../../domain/breaker/breaker.ts';
import { BreakerStateChanged, circuitStream } from '../../domain/breaker/events.ts';

/** Evolving by a stored event asks nothing of the policy. */
const { initial, evolve } = breakerOf({
  failureThreshold: 1,
  resetTimeoutMs: 1,
  probeCount: 1,
  window: undefined,
});

/** The last change says it all. @throws Fault EVENT_STORE_UNAVAILABLE */
export async function readCircuits(store: EventStore): Promise<ReadonlyMap<string, Breaker>> {
  const past = new Map<string, Breaker>();
  const prefix = circuitStream('');
  for (const { stream, version } of await store.streams(prefix)) {
    const [last] = await store.read(stream, version, 1);
    const known = BreakerStateChanged.safeParse(last);
    if (known.success) past.set(stream.slice(prefix.length), evolve(initial, known.data));
  }
  return past;
}
