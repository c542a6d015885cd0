/**
 * Events in a SQLite file, durable when `append` resolves. A worker thread writes: whatever waits while it is busy
 * goes into its next transaction, so that one `fsync` serves many. Reads block the event loop for one page each.
 *
 * Invariants
 * 1. At most one group and `TASKS_MAX` other tasks are with the worker, which answers them in their order.
 * 2. Every append that was accepted settles: with its outcome, when the worker is gone, or when it is silent for
 *    `answerMsMax`.
 * 3. Once closing has begun nothing is accepted, and what was accepted before is written.
 */
import { existsSync } from 'node:fs';
import { Fault } from '@mcp-hangar/kernel/errors';
import type {
  Append,
  Appended,
  EventPage,
  EventStore,
  Position,
  StoredEvent,
} from '@mcp-hangar/kernel/event-store';
import type { Lease, LeaseStore } from '@mcp-hangar/kernel/lease';
import type { Snapshot, SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import { AppendQueue } from './append-queue.ts';
import { checkLeaseName, checkStream, encodeAppend } from './encoded-append.ts';
import { encodeSnapshot } from './encoded-snapshot.ts';
import { checkTtl } from './lease-time.ts';
import { READ_EVENTS_MAX } from './page.ts';
import { Pruning } from './pruning.ts';
import { settleAppend } from './settle-append.ts';
import { SqliteReader, type StreamVersion } from './sqlite-reader.ts';
import { SqliteWriterThread } from './sqlite-writer-thread.ts';
import type {
  AppendOutcome,
  FromWriter,
  Prunable,
  PruneLimits,
  TaskResults,
  WriterTask,
} from './writer-messages.ts';

const QUEUE_EVENTS_MAX = 16_384;
const QUEUE_CHARS_MAX = 67_108_864;
/** Longer than a writer waits for other processes. */
const ANSWER_MS_MAX = 30_000;
const CLOSE_MS_MAX = 10_000;
/** Leases, snapshots and steps of a prune that are asked for at one time. */
const TASKS_MAX = 256;
/** Streams that are listed before the event loop has a turn. */
const STREAMS_PAGE = 500;

export interface SqliteEventStoreOptions {
  readonly path: string;
  /** Events that may wait to be written; beyond them `append` rejects with EVENT_STORE_BUSY. */
  readonly queueEventsMax?: number;
  /** The same in characters. */
  readonly queueCharsMax?: number;
  /** A worker that is silent for longer has a disk that hangs, and is given up. */
  readonly answerMsMax?: number;
}

interface WaitingTask {
  readonly resolve: (result: TaskResults[WriterTask['kind']]) => void;
  readonly reject: (error: Error) => void;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class SqliteEventStore implements EventStore, LeaseStore, SnapshotStore {
  readonly #path: string;
  readonly #answerMsMax: number;
  readonly #queue: AppendQueue;
  readonly #reader: SqliteReader;
  readonly #thread: SqliteWriterThread;
  #isScheduled = false;
  #tasks: WaitingTask[] = [];
  readonly #pruning = new Pruning();
  #silence: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  /** Touches nothing: the file is made, and the worker started, by the first append. */
  constructor(options: SqliteEventStoreOptions) {
    const { path, queueEventsMax, queueCharsMax, answerMsMax } = options;
    this.#path = path;
    this.#answerMsMax = answerMsMax ?? ANSWER_MS_MAX;
    this.#reader = new SqliteReader(path);
    this.#queue = new AppendQueue({
      eventsMax: queueEventsMax ?? QUEUE_EVENTS_MAX,
      charsMax: queueCharsMax ?? QUEUE_CHARS_MAX,
    });
    this.#thread = new SqliteWriterThread(path, {
      onMessage: (message) => {
        this.#onMessage(message);
      },
      onGone: (problem) => {
        this.#onGone(problem);
      },
    });
  }

  async append(append: Append): Promise<Appended> {
    this.#checkOpen();
    const encoded = encodeAppend(append);
    return new Promise<Appended>((resolve, reject) => {
      if (this.#queue.push({ append: encoded, resolve, reject })) this.#schedule();
      else reject(new Fault('EVENT_STORE_BUSY', 'Too many events wait to be stored'));
    });
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE */
  async read(stream: string, from = 1, max = READ_EVENTS_MAX): Promise<readonly StoredEvent[]> {
    this.#checkOpen();
    return this.#reader.read(checkStream(stream), from, max);
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE */
  async readAll(after: Position | undefined, max: number): Promise<EventPage> {
    this.#checkOpen();
    return this.#reader.readAll(after, max);
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE */
  async readAllBackward(before: Position | undefined, max: number): Promise<EventPage> {
    this.#checkOpen();
    return this.#reader.readAllBackward(before, max);
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE */
  async streams(prefix: string): Promise<readonly StreamVersion[]> {
    const all: StreamVersion[] = [];
    for (;;) {
      this.#checkOpen();
      const page = this.#reader.streams(prefix, all.at(-1)?.stream ?? '', STREAMS_PAGE);
      all.push(...page);
      if (page.length < STREAMS_PAGE) return all;
      await nextTurn();
    }
  }

  /** @throws TypeError; Fault EVENT_STORE_UNAVAILABLE */
  async version(stream: string): Promise<number> {
    this.#checkOpen();
    return this.#reader.version(checkStream(stream));
  }

  /**
   * Deletes what the limits let go, in steps between which appends are written; answers how many events went. `onStep`
   * is told how many have, after each step.
   * @throws Fault EVENT_STORE_UNAVAILABLE; what earlier steps deleted stays deleted
   */
  async prune(limits: PruneLimits, onStep?: (deletedCount: number) => void): Promise<number> {
    this.#checkOpen();
    if (!existsSync(this.#path)) return 0;
    return this.#pruning.run((from) => this.#run({ kind: 'prune', from, limits }), onStep);
  }

  /** What `prune` would let go now. @throws Fault EVENT_STORE_UNAVAILABLE */
  async prunable(limits: PruneLimits): Promise<Prunable> {
    this.#checkOpen();
    return this.#reader.prunable(limits);
  }

  async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    checkLeaseName(holder);
    return this.#run({
      kind: 'acquire',
      name: checkLeaseName(name),
      holder,
      ttlMs: checkTtl(ttlMs),
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.#run({ kind: 'renew', lease, ttlMs: checkTtl(ttlMs) });
  }

  async release(lease: Lease): Promise<void> {
    await this.#run({ kind: 'release', lease });
  }

  async heldLeases(prefix: string): Promise<readonly Lease[]> {
    this.#checkOpen();
    return this.#reader.heldLeases(prefix);
  }

  async snapshots(prefix: string): Promise<readonly Snapshot[]> {
    this.#checkOpen();
    return this.#reader.snapshots(prefix);
  }

  async saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    await this.#run({ kind: 'save-snapshots', snapshots: snapshots.map(encodeSnapshot) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  async #run<K extends WriterTask['kind']>(
    task: Extract<WriterTask, { readonly kind: K }>,
  ): Promise<TaskResults[K]> {
    this.#checkOpen();
    if (this.#tasks.length >= TASKS_MAX)
      throw new Fault('EVENT_STORE_BUSY', 'Too many leases and snapshots are asked for');
    return new Promise((resolve, reject) => {
      // The worker answers tasks in their order, so the result is that of this kind.
      this.#tasks.push({ resolve: resolve as WaitingTask['resolve'], reject });
      this.#post({ kind: 'task', task });
    });
  }

  /** In a later turn, so that whoever has an event now gets into the same transaction. */
  #schedule(): void {
    if (this.#isScheduled || this.#queue.isWriting || !this.#queue.hasWaiting) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#queue.hasWaiting) this.#post({ kind: 'append', appends: this.#queue.takeGroup() });
    });
  }

  #post(message: Parameters<SqliteWriterThread['post']>[0]): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#thread.abandon(`no answer for ${this.#answerMsMax} ms`);
    }, this.#answerMsMax).unref();
    this.#thread.post(message);
  }

  #onMessage(message: FromWriter): void {
    switch (message.kind) {
      case 'appended':
        this.#onAppended(message.outcomes);
        break;
      case 'append-failed':
        for (const { reject } of this.#queue.finishGroup())
          reject(this.#cannotWrite(message.problem));
        break;
      case 'task-done':
        this.#tasks.shift()?.resolve(message.result);
        break;
      case 'task-failed':
        this.#tasks.shift()?.reject(this.#cannotWrite(message.problem));
    }
    this.#afterAnswer();
  }

  #onAppended(outcomes: readonly AppendOutcome[]): void {
    for (const [index, waiting] of this.#queue.finishGroup().entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) waiting.reject(this.#cannotWrite('no outcome', 'unknown'));
      else settleAppend(waiting, outcome);
    }
  }

  #onGone(problem: string): void {
    const text = `its worker is gone: ${problem}`;
    for (const { reject } of this.#queue.finishGroup()) reject(this.#cannotWrite(text, 'unknown'));
    for (const { reject } of this.#queue.giveUpWaiting()) reject(this.#cannotWrite(text));
    this.#rejectTasks(this.#cannotWrite(text, 'unknown'));
    this.#afterAnswer();
  }

  #afterAnswer(): void {
    if (!this.#queue.isWriting && this.#tasks.length === 0) {
      clearTimeout(this.#silence);
      this.#thread.rest();
    }
    this.#schedule();
    if (this.#queue.isEmpty) this.#onDrained?.();
  }

  #rejectTasks(reason: Fault): void {
    for (const { reject } of this.#tasks.splice(0)) reject(reason);
  }

  async #close(): Promise<void> {
    this.#reader.close();
    if (!this.#queue.isEmpty) await this.#drain();
    clearTimeout(this.#silence);
    // The last one to close the file folds the WAL into it.
    await this.#thread.end();
    this.#rejectTasks(this.#cannotWrite('it is closed'));
  }

  async #drain(): Promise<void> {
    const limit = setTimeout(() => {
      this.#thread.abandon(`closing took over ${CLOSE_MS_MAX} ms`);
    }, CLOSE_MS_MAX);
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    clearTimeout(limit);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#cannotWrite('it is closed');
  }

  #cannotWrite(problem: string, outcome?: 'unknown'): Fault {
    const detail = `Cannot use event log "${this.#path}": ${problem}`;
    const data = outcome === undefined ? {} : { data: { outcome } };
    return new Fault('EVENT_STORE_UNAVAILABLE', detail, data);
  }
}
