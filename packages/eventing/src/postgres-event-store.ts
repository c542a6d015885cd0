/**
 * Events in a PostgreSQL database, durable when `append` resolves. Appends that wait while a group is under way are
 * the next group, which is one statement; all processes take turns, so that positions are visible in their order.
 *
 * Invariants
 * 1. At most one group of this store is under way.
 * 2. Every append that was accepted settles: it waits for `waitMsMax`, and its group is given up after a limit.
 * 3. Once closing has begun nothing is accepted, and what was accepted before is written while there is time.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import {
  DuplicateEvent,
  type Append,
  type Appended,
  type EventPage,
  type EventStore,
  type Position,
  type StoredEvent,
} from '@mcp-hangar/kernel/event-store';
import type { Lease, LeaseStore } from '@mcp-hangar/kernel/lease';
import type { Secret } from '@mcp-hangar/kernel/secret';
import type { Snapshot, SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import { AppendQueue, type WaitingAppend } from './append-queue.ts';
import { checkLeaseName, checkStream, encodeAppend } from './encoded-append.ts';
import { encodeSnapshot } from './encoded-snapshot.ts';
import { checkTtl } from './lease-time.ts';
import { checkPageSize, READ_EVENTS_MAX } from './page.ts';
import { countOf } from './position.ts';
import { ownDuplicate } from './postgres-group.ts';
import { acquireLease, heldLeases, releaseLease, renewLease } from './postgres-lease.ts';
import { PostgresLog } from './postgres-log.ts';
import { prunable } from './postgres-prune.ts';
import type { StreamVersion } from './postgres-reader.ts';
import { readSnapshots, saveSnapshots } from './postgres-snapshot.ts';
import { Pruning } from './pruning.ts';
import { settleAppend } from './settle-append.ts';
import type { Prunable, PruneLimits, PruneStep } from './writer-messages.ts';

const QUEUE_EVENTS_MAX = 16_384;
const QUEUE_CHARS_MAX = 67_108_864;
const WAIT_MS_MAX = 10_000;
const ANSWER_MS_MAX = 10_000;
const CONNECTIONS_MAX = 4;
const CLOSE_MS_MAX = 10_000;
/** How often it is looked for appends that waited for too long: so often in the time that they may wait. */
const LOOKS = 10;
/** Streams that are listed by one question. */
const STREAMS_PAGE = 500;
const SCHEMA = 'hangar';

export interface PostgresEventStoreOptions {
  /** `postgresql://user:password@host:port/database?sslmode=…` */
  readonly url: Secret;
  /** `hangar` unless given; it is made where it does not exist. */
  readonly schema?: string;
  /** Connections of this store; one of them appends. */
  readonly connectionsMax?: number;
  /** Events that may wait to be written; beyond them `append` rejects with EVENT_STORE_BUSY. */
  readonly queueEventsMax?: number;
  /** The same in characters. */
  readonly queueCharsMax?: number;
  /** How long an append may wait for the groups before it; beyond it rejects with EVENT_STORE_BUSY. */
  readonly waitMsMax?: number;
  /** How long the server may take for a group or a question. */
  readonly answerMsMax?: number;
}

interface TimedAppend extends WaitingAppend {
  readonly sinceMs: number;
}

export class PostgresEventStore implements EventStore, LeaseStore, SnapshotStore {
  readonly #log: PostgresLog;
  readonly #queue: AppendQueue<TimedAppend>;
  readonly #waitMsMax: number;
  #isScheduled = false;
  #sweep: NodeJS.Timeout | undefined;
  readonly #pruning = new Pruning();
  #closing: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  /**
   * Connects to nothing yet: the first use does, or `open`.
   * @throws Fault CONFIG_INVALID where the URL is none; TypeError where the name of the schema is none
   */
  constructor(options: PostgresEventStoreOptions) {
    const { url, schema = SCHEMA, connectionsMax = CONNECTIONS_MAX } = options;
    const { answerMsMax = ANSWER_MS_MAX, waitMsMax = WAIT_MS_MAX } = options;
    this.#waitMsMax = waitMsMax;
    this.#log = new PostgresLog({ url, schema, connectionsMax, answerMsMax });
    this.#queue = new AppendQueue({
      eventsMax: options.queueEventsMax ?? QUEUE_EVENTS_MAX,
      charsMax: options.queueCharsMax ?? QUEUE_CHARS_MAX,
    });
  }

  /**
   * Makes the schema, or brings it to the version of this program: at boot, so that what is wrong is known then. An
   * append does it too, within its own limit.
   * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY
   */
  async open(): Promise<void> {
    this.#checkOpen();
    await this.#log.open();
  }

  async append(append: Append): Promise<Appended> {
    this.#checkOpen();
    const encoded = encodeAppend(append);
    const duplicate = ownDuplicate(encoded);
    if (duplicate !== undefined) throw new DuplicateEvent(duplicate);
    return new Promise<Appended>((resolve, reject) => {
      const sinceMs = performance.now();
      if (this.#queue.push({ append: encoded, resolve, reject, sinceMs })) this.#schedule();
      else reject(new Fault('EVENT_STORE_BUSY', 'Too many events wait to be stored'));
    });
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async read(stream: string, from = 1, max = READ_EVENTS_MAX): Promise<readonly StoredEvent[]> {
    this.#checkOpen();
    checkStream(stream);
    checkPageSize(max);
    return this.#log.ask([], (client, reader) => reader.read(client, stream, from, max));
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async readAll(after: Position | undefined, max: number): Promise<EventPage> {
    this.#checkOpen();
    checkPageSize(max);
    const nothing = { events: [], next: after, isHead: true };
    if (after !== undefined) countOf(after);
    return this.#log.ask(nothing, (client, reader) => reader.readAll(client, after, max));
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async readAllBackward(before: Position | undefined, max: number): Promise<EventPage> {
    this.#checkOpen();
    checkPageSize(max);
    const nothing = { events: [], next: before, isHead: true };
    if (before !== undefined) countOf(before);
    return this.#log.ask(nothing, (client, reader) => reader.readAllBackward(client, before, max));
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async streams(prefix: string): Promise<readonly StreamVersion[]> {
    const all: StreamVersion[] = [];
    for (;;) {
      this.#checkOpen();
      const after = all.at(-1)?.stream ?? '';
      const page = await this.#log.ask<readonly StreamVersion[]>([], (client, reader) =>
        reader.streams(client, prefix, after, STREAMS_PAGE),
      );
      all.push(...page);
      if (page.length < STREAMS_PAGE) return all;
    }
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async version(stream: string): Promise<number> {
    this.#checkOpen();
    checkStream(stream);
    return this.#log.ask(0, (client, reader) => reader.version(client, stream));
  }

  /**
   * Deletes what the limits let go, in steps that appends do not wait for; answers how many events went. `onStep`
   * is told how many have, after each step.
   * @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY; what earlier steps deleted stays deleted
   */
  async prune(limits: PruneLimits, onStep?: (deletedCount: number) => void): Promise<number> {
    this.#checkOpen();
    const step = (from: number): Promise<PruneStep> => {
      this.#checkOpen();
      return this.#log.prune(from, limits);
    };
    return this.#pruning.run(step, onStep);
  }

  /** What `prune` would let go now. @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async prunable(limits: PruneLimits): Promise<Prunable> {
    this.#checkOpen();
    const nothing = { prunableCount: 0, eventsCount: 0 };
    return this.#log.ask(nothing, (client, _reader, schema) => prunable(client, schema, limits));
  }

  async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    this.#checkOpen();
    const wanted = { name: checkLeaseName(name), holder: checkLeaseName(holder) };
    checkTtl(ttlMs);
    return this.#log.change((client, schema) => acquireLease(client, schema, wanted, ttlMs));
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    this.#checkOpen();
    checkTtl(ttlMs);
    return this.#log.change((client, schema) => renewLease(client, schema, lease, ttlMs));
  }

  async release(lease: Lease): Promise<void> {
    this.#checkOpen();
    await this.#log.change((client, schema) => releaseLease(client, schema, lease));
  }

  async heldLeases(prefix: string): Promise<readonly Lease[]> {
    this.#checkOpen();
    return this.#log.ask([], (client, _reader, schema) => heldLeases(client, schema, prefix));
  }

  async snapshots(prefix: string): Promise<readonly Snapshot[]> {
    this.#checkOpen();
    return this.#log.ask([], (client, _reader, schema) => readSnapshots(client, schema, prefix));
  }

  async saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    this.#checkOpen();
    const encoded = snapshots.map(encodeSnapshot);
    if (encoded.length === 0) return;
    await this.#log.change((client, schema) => saveSnapshots(client, schema, encoded));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** In a later turn, so that whoever has an event now gets into the same group. */
  #schedule(): void {
    if (this.#isScheduled || this.#queue.isWriting || !this.#queue.hasWaiting) return;
    this.#isScheduled = true;
    this.#sweep ??= setInterval(() => {
      this.#giveUpLate();
    }, this.#waitMsMax / LOOKS).unref();
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#queue.hasWaiting) void this.#writeGroup();
    });
  }

  async #writeGroup(): Promise<void> {
    const appends = this.#queue.takeGroup();
    try {
      const outcomes = await this.#log.append(appends);
      for (const [index, waiting] of this.#queue.finishGroup().entries()) {
        const outcome = outcomes[index];
        if (outcome instanceof Error) waiting.reject(outcome);
        else if (outcome !== undefined) settleAppend(waiting, outcome);
      }
    } catch (error) {
      const reason = this.#log.faultOf(error);
      for (const { reject } of this.#queue.finishGroup()) reject(reason);
    }
    this.#afterGroup();
  }

  #afterGroup(): void {
    this.#schedule();
    if (!this.#queue.isEmpty) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.#onDrained?.();
  }

  #giveUpLate(): void {
    const limitMs = performance.now() - this.#waitMsMax;
    const late = this.#queue.giveUpWaiting(({ sinceMs }) => sinceMs < limitMs);
    for (const { reject } of late) {
      reject(new Fault('EVENT_STORE_BUSY', `No turn to be stored for ${this.#waitMsMax} ms`));
    }
  }

  async #close(): Promise<void> {
    if (!this.#queue.isEmpty) await this.#drain();
    await this.#log.close();
  }

  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        for (const { reject } of this.#queue.giveUpWaiting()) reject(this.#log.closedFault());
        resolve();
      }, CLOSE_MS_MAX);
      this.#onDrained = (): void => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#log.closedFault();
  }
}
