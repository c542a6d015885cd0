/**
 * Keeps snapshots of servers whose streams grow, so that neither a start nor retention depends on old events.
 *
 * Invariants
 * 1. One snapshot is made at one time, off the path of calls, by reading what is stored.
 * 2. One that cannot be made costs nothing but a longer replay: the next events try again.
 */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import type { SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import { mcpServerStream } from '../../domain/mcp-server/events.ts';
import { fromSnapshot, replayServer, snapshotOf, unreplayed } from './server-replay.ts';

/** Events of a stream that a start reads at most, about. */
const SNAPSHOT_EVERY = 256;

type Store = Pick<EventStore, 'read' | 'streams'> & SnapshotStore;

export class SnapshotKeeper {
  readonly #store: Store;
  readonly #prefix = mcpServerStream('');
  /** Events since the last snapshot, as far as this process knows. */
  readonly #counts = new Map<string, number>();
  #working: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Events of a stream were stored. */
  stored(stream: string, eventsCount: number): void {
    if (!stream.startsWith(this.#prefix)) return;
    const count = (this.#counts.get(stream) ?? 0) + eventsCount;
    this.#counts.set(stream, count);
    if (count < SNAPSHOT_EVERY) return;
    this.#counts.set(stream, 0);
    this.#working = this.#working.then(() => this.#keep(stream)).catch(() => undefined);
  }

  /** Before old events go: what they say of servers is kept. @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async keepAll(): Promise<void> {
    const kept = new Map(
      (await this.#store.snapshots(this.#prefix)).map((one) => [one.stream, one.version]),
    );
    for (const { stream, version } of await this.#store.streams(this.#prefix)) {
      if (kept.get(stream) !== version) await this.#keep(stream);
    }
  }

  async #keep(stream: string): Promise<void> {
    const [last] = await this.#store.snapshots(stream);
    const before = last?.stream === stream ? fromSnapshot(last) : undefined;
    const snapshot = snapshotOf(await replayServer(this.#store, before ?? unreplayed(stream)));
    if (snapshot !== undefined) await this.#store.saveSnapshots([snapshot]);
  }
}
