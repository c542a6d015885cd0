/** The ends of streams, and what their events come to: for states of which the last events say everything. */
import type { Decider } from '@mcp-hangar/kernel/decider';
import type { EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { z } from 'zod';
import { atMost } from '../at-most.ts';
import { lifted } from './upcast.ts';

/** Streams that are read at one time. */
const READS_MAX = 4;

/**
 * Does something with each stream whose name begins so, a few at one time.
 * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
 */
export async function eachStream(
  store: EventStore,
  prefix: string,
  work: (stream: string, id: string, version: number) => Promise<void>,
): Promise<void> {
  await atMost(READS_MAX, await store.streams(prefix), ({ stream, version }) =>
    work(stream, stream.slice(prefix.length), version),
  );
}

/** The last `count` events of a stream of that version. */
export const tailOf = (
  store: EventStore,
  stream: string,
  { version, count }: { readonly version: number; readonly count: number },
): Promise<readonly StoredEvent[]> => store.read(stream, Math.max(1, version - count + 1), count);

/** The state after some events; one that a later version of the gateway wrote says nothing to this one. */
export function evolved<State, Event>(
  events: readonly StoredEvent[],
  schema: z.ZodType<Event>,
  { initial, evolve }: Pick<Decider<never, State, Event, never>, 'initial' | 'evolve'>,
): State {
  return events.reduce((state, event) => {
    const known = schema.safeParse(lifted(event));
    return known.success ? evolve(state, known.data) : state;
  }, initial);
}
