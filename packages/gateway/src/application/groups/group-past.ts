/** What the event log knows of the groups from before this start. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { GroupEvent, groupStream } from '../../domain/group/events.ts';
import { evolveGroup, NO_HISTORY, type GroupHistory } from '../../domain/group/history.ts';
import { eachStream, evolved, tailOf } from '../recording/tails.ts';

/** What is further back concerns members that have been left alone since. */
const TAIL_EVENTS = 1_024;
const GROUP = { initial: NO_HISTORY, evolve: evolveGroup };

/** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
export async function readGroupPast(store: EventStore): Promise<ReadonlyMap<string, GroupHistory>> {
  const past = new Map<string, GroupHistory>();
  await eachStream(store, groupStream(''), async (stream, id, version) => {
    const tail = await tailOf(store, stream, { version, count: TAIL_EVENTS });
    past.set(id, evolved(tail, GroupEvent, GROUP));
  });
  return past;
}
