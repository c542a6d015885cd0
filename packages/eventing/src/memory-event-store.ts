/**
 * Events in memory: for tests, and for gateways without a state folder. The oldest go when there are more than
 * `eventsMax`; versions and positions go on, also of streams whose events are all gone, of which at most
 * `eventsMax` are remembered.
 */
import {
  DuplicateEvent,
  VersionConflict,
  type Append,
  type Appended,
  type EventPage,
  type EventStore,
  type Position,
  type StoredEvent,
} from '@mcp-hangar/kernel/event-store';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Lease, LeaseStore } from '@mcp-hangar/kernel/lease';
import type { Snapshot, SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import {
  checkLeaseName,
  checkStream,
  encodeAppend,
  isExpected,
  type EncodedAppend,
  type EncodedEvent,
} from './encoded-append.ts';
import { encodeSnapshot, type EncodedSnapshot } from './encoded-snapshot.ts';
import { checkTtl } from './lease-time.ts';
import { checkPageSize, READ_EVENTS_MAX } from './page.ts';
import { countOf, positionOf } from './position.ts';
import { MemoryLeases } from './memory-leases.ts';
import { parseData } from './stored-row.ts';

const EVENTS_MAX = 10_000;
/** Gone events leave a hole at the front of the array; it is closed when it is this part of the whole. */
const HOLE_SHARE_MAX = 0.5;

interface Kept {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly event: EncodedEvent;
}

interface Stream {
  version: number;
  keptCount: number;
}

export interface MemoryEventStoreOptions {
  readonly eventsMax?: number;
}

function storedOf({ position, stream, version, event }: Kept): StoredEvent {
  const [id, type, schemaVersion, occurredAtMs, producedBy, data] = event;
  const at = { position: positionOf(position), stream, version };
  return { ...at, id, type, schemaVersion, occurredAtMs, producedBy, data: parseData(data) };
}

export class MemoryEventStore implements EventStore, LeaseStore, SnapshotStore {
  readonly #eventsMax: number;
  /** In order; positions are consecutive. Those before `#first` are gone. */
  #kept: Kept[] = [];
  #first = 0;
  #lastPosition = 0;
  #isClosed = false;
  readonly #leases = new MemoryLeases();
  readonly #snapshots = new Map<string, EncodedSnapshot>();
  readonly #ids = new Set<string>();
  readonly #streams = new Map<string, Stream>();
  /** Streams without events, the longest empty first. */
  readonly #empty = new Set<string>();

  constructor({ eventsMax = EVENTS_MAX }: MemoryEventStoreOptions = {}) {
    this.#eventsMax = eventsMax;
  }

  async append(append: Append): Promise<Appended> {
    this.#checkOpen();
    const encoded = encodeAppend(append);
    const { stream, expected, events, guard } = encoded;
    if (guard !== undefined) this.#leases.check(guard);
    const actual = this.#streams.get(stream)?.version ?? 0;
    const duplicate = this.#duplicateIn(encoded);
    if (duplicate !== undefined) throw new DuplicateEvent(duplicate);
    if (!isExpected(expected, actual)) throw new VersionConflict(stream, expected, actual);
    for (const event of events) this.#store(stream, event);
    this.#forget();
    return { version: actual + events.length, position: positionOf(this.#lastPosition) };
  }

  async read(stream: string, from = 1, max = READ_EVENTS_MAX): Promise<readonly StoredEvent[]> {
    this.#checkOpen();
    checkStream(stream);
    checkPageSize(max);
    const events: StoredEvent[] = [];
    for (let index = this.#first; index < this.#kept.length && events.length < max; index += 1) {
      const kept = this.#kept[index];
      if (kept?.stream === stream && kept.version >= from) events.push(storedOf(kept));
    }
    return events;
  }

  async readAll(after: Position | undefined, max: number): Promise<EventPage> {
    this.#checkOpen();
    const last = after === undefined ? 0 : countOf(after);
    const begin = Math.max(this.#first, this.#indexOf(last) + 1);
    const page = this.#kept.slice(begin, begin + checkPageSize(max)).map(storedOf);
    const isHead = begin + page.length >= this.#kept.length;
    return { events: page, next: page.at(-1)?.position ?? after, isHead };
  }

  async readAllBackward(before: Position | undefined, max: number): Promise<EventPage> {
    this.#checkOpen();
    const limit = before === undefined ? this.#lastPosition + 1 : countOf(before);
    const end = Math.min(this.#kept.length, Math.max(this.#first, this.#indexOf(limit)));
    const begin = Math.max(this.#first, end - checkPageSize(max));
    const page = this.#kept.slice(begin, end).toReversed().map(storedOf);
    return { events: page, next: page.at(-1)?.position ?? before, isHead: begin === this.#first };
  }

  async streams(
    prefix: string,
  ): Promise<readonly { readonly stream: string; readonly version: number }[]> {
    this.#checkOpen();
    return [...this.#streams]
      .filter(([stream]) => stream.startsWith(prefix))
      .map(([stream, { version }]) => ({ stream, version }));
  }

  async version(stream: string): Promise<number> {
    this.#checkOpen();
    return this.#streams.get(checkStream(stream))?.version ?? 0;
  }

  async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    this.#checkOpen();
    return this.#leases.acquire(checkLeaseName(name), checkLeaseName(holder), checkTtl(ttlMs));
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    this.#checkOpen();
    return this.#leases.renew(lease, checkTtl(ttlMs));
  }

  async release(lease: Lease): Promise<void> {
    this.#checkOpen();
    this.#leases.release(lease);
  }

  async heldLeases(prefix: string): Promise<readonly Lease[]> {
    this.#checkOpen();
    return this.#leases.held(prefix);
  }

  async snapshots(prefix: string): Promise<readonly Snapshot[]> {
    this.#checkOpen();
    return [...this.#snapshots.values()]
      .filter(([stream]) => stream.startsWith(prefix))
      .map(([stream, version, schemaVersion, state]) => ({
        stream,
        version,
        schemaVersion,
        state: parseData(state),
      }));
  }

  async saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    this.#checkOpen();
    for (const encoded of snapshots.map(encodeSnapshot)) {
      const [stream, version] = encoded;
      const kept = this.#snapshots.get(stream);
      if (kept === undefined || kept[1] <= version) this.#snapshots.set(stream, encoded);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }

  /** Where the event of a position is, or would be. */
  #indexOf(position: number): number {
    return this.#kept.length - 1 - (this.#lastPosition - position);
  }

  #store(name: string, event: EncodedEvent): void {
    const stream = this.#streams.get(name) ?? { version: 0, keptCount: 0 };
    stream.version += 1;
    stream.keptCount += 1;
    this.#streams.set(name, stream);
    this.#empty.delete(name);
    this.#lastPosition += 1;
    this.#ids.add(event[0]);
    const position = this.#lastPosition;
    this.#kept.push({ position, stream: name, version: stream.version, event });
  }

  #forget(): void {
    while (this.#kept.length - this.#first > this.#eventsMax) {
      const kept = this.#kept[this.#first];
      this.#first += 1;
      if (kept !== undefined) this.#forgetOne(kept);
    }
    if (this.#first <= this.#kept.length * HOLE_SHARE_MAX) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }

  #forgetOne({ stream: name, event }: Kept): void {
    this.#ids.delete(event[0]);
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    stream.keptCount -= 1;
    if (stream.keptCount > 0) return;
    this.#empty.add(name);
    for (const oldest of this.#empty) {
      if (this.#empty.size <= this.#eventsMax) return;
      this.#empty.delete(oldest);
      this.#streams.delete(oldest);
    }
  }

  #duplicateIn({ events }: EncodedAppend): string | undefined {
    const ids = new Set<string>();
    for (const [id] of events) {
      if (ids.has(id) || this.#ids.has(id)) return id;
      ids.add(id);
    }
    return undefined;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Fault('EVENT_STORE_UNAVAILABLE', 'The event log is closed');
  }
}
