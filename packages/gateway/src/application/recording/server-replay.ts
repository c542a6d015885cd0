/** What the events of one server come to: from their beginning, or from a snapshot on. */
import { isDeepStrictEqual } from 'node:util';
import type { EventStore, JsonValue, StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { Snapshot } from '@mcp-hangar/kernel/snapshot';
import { McpServerEvent } from '../../domain/mcp-server/events.ts';
import { evolveLife, NO_LIFE, type Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import { lifted } from './upcast.ts';

const PAGE_EVENTS = 1_000;
const SNAPSHOT_VERSION = 1;

export interface ReplayedServer {
  readonly stream: string;
  readonly state: Lifecycle;
  /** Of the last event that is in it; 0 without any. */
  readonly version: number;
  /** Who wrote the last one of those that this program knows. */
  readonly producedBy: string | undefined;
  /** Events that were read for it. */
  readonly eventsCount: number;
}

/** Before any event. */
export const unreplayed = (stream: string): ReplayedServer => ({
  stream,
  state: NO_LIFE,
  version: 0,
  producedBy: undefined,
  eventsCount: 0,
});

/**
 * Goes on from what was replayed before, to the end of the stream.
 * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
 */
export async function replayServer(
  store: Pick<EventStore, 'read'>,
  before: ReplayedServer,
): Promise<ReplayedServer> {
  let replayed = before;
  for (;;) {
    const page = await store.read(replayed.stream, replayed.version + 1, PAGE_EVENTS);
    if (page.length === 0) return replayed;
    replayed = page.reduce(withEvent, replayed);
  }
}

function withEvent(replayed: ReplayedServer, event: StoredEvent): ReplayedServer {
  const known = McpServerEvent.safeParse(lifted(event));
  const read = { version: event.version, eventsCount: replayed.eventsCount + 1 };
  // An event of a later version of the gateway says nothing to this one.
  if (!known.success) return { ...replayed, ...read };
  const state = evolveLife(replayed.state, known.data);
  return { ...replayed, ...read, state, producedBy: event.producedBy };
}

/** Undefined where there is nothing to keep, or the state is nothing that JSON can keep. */
export function snapshotOf({
  stream,
  state,
  version,
  producedBy,
}: ReplayedServer): Snapshot | undefined {
  if (version === 0 || producedBy === undefined) return undefined;
  const text = JSON.stringify({ lifecycle: state, produced_by: producedBy });
  const kept = JSON.parse(text) as Snapshot['state']; // it was an object a line above
  const snapshot = { stream, version, schemaVersion: SNAPSHOT_VERSION, state: kept };
  return isDeepStrictEqual(fromSnapshot(snapshot)?.state, state) ? snapshot : undefined;
}

/** Undefined where it was made by a program whose states are others: then the events say it. */
export function fromSnapshot(snapshot: Snapshot): ReplayedServer | undefined {
  const { stream, version, schemaVersion, state: kept } = snapshot;
  const { lifecycle, produced_by: producedBy } = kept;
  if (schemaVersion !== SNAPSHOT_VERSION || typeof producedBy !== 'string') return undefined;
  if (!isStateLike(lifecycle)) return undefined;
  const state: Lifecycle = { ...NO_LIFE, ...(lifecycle as Partial<Lifecycle>) }; // just checked
  return { stream, state, version, producedBy, eventsCount: 0 };
}

/** Whether it has exactly the members of a state, each of the type that it has at first. */
function isStateLike(value: JsonValue | undefined): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const kept = new Map(Object.entries(value));
  const members = Object.entries(NO_LIFE);
  const fits = ([key, first]: [string, unknown]): boolean =>
    first === undefined || typeof kept.get(key) === typeof first;
  return members.every(fits) && [...kept.keys()].every((key) => key in NO_LIFE);
}
