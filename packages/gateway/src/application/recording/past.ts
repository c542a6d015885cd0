/** What the event log knows of the servers from before this start, and the truth about what was alive then. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import type { Snapshot, SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import { mcpServerStream } from '../../domain/mcp-server/events.ts';
import { lifecycleOf } from '../../domain/mcp-server/lifecycle.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import type { EventSink } from '../ports.ts';
import {
  fromSnapshot,
  replayServer,
  snapshotOf,
  unreplayed,
  type ReplayedServer,
} from './server-replay.ts';
import { eachStream } from './tails.ts';

/**
 * Of a stream without a snapshot: a log of before there were any may be long, and a start does not wait for all of it.
 * Every attempt to start changes the state, and that event carries what counts.
 */
const TAIL_EVENTS = 256;
/** A state that cost more than this is worth keeping. */
const SNAPSHOT_EVENTS_MIN = 32;

export interface PastOptions {
  /** Whether who wrote an event may still run; nobody but this process unless given. */
  readonly isAlive?: (producedBy: string) => boolean;
  /** What is worth keeping for the next start. */
  readonly onSnapshots?: (snapshots: readonly Snapshot[]) => void;
}

/**
 * Reads the state of every server and closes what the log believes alive with `gateway_restarted`: no child outlives
 * the process that wrote it. What belongs to another gateway that runs is not closed; here it is cold all the same.
 * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
 */
export async function readPast(
  store: EventStore & Partial<SnapshotStore>,
  events: EventSink,
  { isAlive = () => false, onSnapshots }: PastOptions = {},
): Promise<ReadonlyMap<string, Lifecycle>> {
  const past = new Map<string, Lifecycle>();
  const prefix = mcpServerStream('');
  const replayed = await replayAll(store, prefix);
  for (const { stream, state, producedBy } of replayed) {
    const id = stream.slice(prefix.length);
    const { decide, evolve } = lifecycleOf(id, Number.MAX_SAFE_INTEGER);
    const closing = decide({ type: 'stopped', reason: 'gateway_restarted' }, state);
    const facts = closing.ok ? closing.value : [];
    past.set(id, facts.reduce(evolve, state));
    if (producedBy !== undefined && isAlive(producedBy)) continue;
    for (const event of facts) events.record(stream, event);
  }
  const costly = replayed.filter(({ eventsCount }) => eventsCount >= SNAPSHOT_EVENTS_MIN);
  const snapshots = costly.flatMap((one) => snapshotOf(one) ?? []);
  if (snapshots.length > 0) onSnapshots?.(snapshots);
  return past;
}

async function replayAll(
  store: EventStore & Partial<SnapshotStore>,
  prefix: string,
): Promise<readonly ReplayedServer[]> {
  const kept = (await store.snapshots?.(prefix)) ?? [];
  const begun = new Map(kept.flatMap((one) => fromSnapshot(one) ?? []).map((s) => [s.stream, s]));
  const replayed: ReplayedServer[] = [];
  await eachStream(store, prefix, async (stream, _id, version) => {
    const before = begun.get(stream) ?? behindTail(stream, version);
    replayed.push(before.version === version ? before : await replayServer(store, before));
  });
  return replayed.toSorted((one, other) => (one.stream < other.stream ? -1 : 1));
}

const behindTail = (stream: string, version: number): ReplayedServer => ({
  ...unreplayed(stream),
  version: Math.max(0, version - TAIL_EVENTS),
});
