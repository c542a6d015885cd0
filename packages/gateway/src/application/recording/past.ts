/** What the event log knows of the servers from before this start, and the truth about what was alive then. */
import type { EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { McpServerEvent, mcpServerStream } from '../../domain/mcp-server/events.ts';
import { lifecycleOf, type Lifecycle } from '../../domain/mcp-server/lifecycle.ts';
import type { EventSink } from '../ports.ts';

/** Every attempt to start changes the state, and that event carries all of it: no need to read from the beginning. */
const TAIL_EVENTS = 64;

/**
 * Reads the state of every server and closes what the log believes alive with `gateway_restarted`: nothing
 * outlives the process that wrote it.
 * @throws Fault EVENT_STORE_UNAVAILABLE
 */
export async function readPast(
  store: EventStore,
  events: EventSink,
): Promise<ReadonlyMap<string, Lifecycle>> {
  const past = new Map<string, Lifecycle>();
  const prefix = mcpServerStream('');
  for (const { stream, version } of await store.streams(prefix)) {
    const id = stream.slice(prefix.length);
    const tail = await store.read(stream, Math.max(1, version - TAIL_EVENTS + 1), TAIL_EVENTS);
    const { decide, evolve, initial } = lifecycleOf(id, Number.MAX_SAFE_INTEGER);
    let state = stateAt(tail, evolve, initial);
    const closing = decide({ type: 'stopped', reason: 'gateway_restarted' }, state);
    for (const event of closing.ok ? closing.value : []) {
      state = evolve(state, event);
      events.record(stream, event);
    }
    past.set(id, state);
  }
  return past;
}

function stateAt(
  tail: readonly StoredEvent[],
  evolve: (state: Lifecycle, event: McpServerEvent) => Lifecycle,
  initial: Lifecycle,
): Lifecycle {
  let state = initial;
  for (const { type, data } of tail) {
    // An event of a later version of the gateway says nothing to this one.
    const known = McpServerEvent.safeParse({ type, data });
    if (known.success) state = evolve(state, known.data);
  }
  return state;
}
