/** What the event log knows of the groups from before this start. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { GroupEvent, groupStream } from '../../domain/group/events.ts';
import { evolveGroup, NO_HISTORY, type GroupHistory } from '../../domain/group/history.ts';

/** What is further back concerns members that have been left alone since. */
const TAIL_EVENTS = 1_024;

/** @throws Fault EVENT_STORE_UNAVAILABLE */
export async function readGroupPast(store: EventStore): Promise<ReadonlyMap<string, GroupHistory>> {
  const past = new Map<string, GroupHistory>();
  const prefix = groupStream('');
  for (const { stream, version } of await store.streams(prefix)) {
    const tail = await store.read(stream, Math.max(1, version - TAIL_EVENTS + 1), TAIL_EVENTS);
    let history = NO_HISTORY;
    for (const { type, data } of tail) {
      // An event of a later version of the gateway says nothing to this one.
      const known = GroupEvent.safeParse({ type, data });
      if (known.success) history = evolveGroup(history, known.data);
    }
    past.set(stream.slice(prefix.length), history);
  }
  return past;
}
