/**
 * Events in a SQLite file, durable when `append` resolves. A worker thread writes: whatever waits while it is busy
 * goes into its next transaction, so that one `fsync` serves many. Reads block the event loop for one page each.
 *
 * Invariants
 * 1. At most one group and one step of a prune are with the worker.
 * 2. Every append that was accepted settles: with its outcome, when the worker is gone, or when it is silent for
 *    `answerMsMax`.
 * 3. Once closing has begun nothing is accepted, and what was accepted before is written.
 */
import { existsSync } from 'node:fs';
import { Fault } from '@mcp-hangar/kernel/errors';
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
import { AppendQueue, type WaitingAppend } from './append-queue.ts';
import { checkStream, encodeAppend } from './encoded-append.ts';
import { READ_EVENTS_MAX } from './page.ts';
import { positionOf } from './position.ts';
import { SqliteReader, type StreamVersion } from './sqlite-reader.ts';
import { SqliteWriterThread } from './sqlite-writer-thread.ts';
import type { AppendOutcome, FromWriter, PruneLimits, PruneStep } from './writer-messages.ts';

const QUEUE_EVENTS_MAX = 16_384;
const QUEUE_CHARS_MAX = 67_108_864;
/** Longer than a writer waits for other processes. */
const ANSWER_MS_MAX = 30_000;
const CLOSE_MS_MAX = 10_000;
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

interface WaitingPrune {
  readonly resolve: (step: PruneStep) => void;
  readonly reject: (error: Error) => void;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function settle({ append, resolve, reject }: WaitingAppend, outcome: AppendOutcome): void {
  switch (outcome.kind) {
    case 'stored':
      resolve({ version: outcome.version, position: positionOf(outcome.position) });
      return;
    case 'conflict':
      reject(new VersionConflict(append.stream, append.expected, outcome.actual));
      return;
    case 'duplicate':
      reject(new DuplicateEvent(outcome.id));
  }
}

export class SqliteEventStore implements EventStore {
  readonly #path: string;
  readonly #answerMsMax: number;
  readonly #queue: AppendQueue;
  readonly #reader: SqliteReader;
  readonly #thread: SqliteWriterThread;
  #isScheduled = false;
  #pruneStep: WaitingPrune | undefined;
  #pruning: Promise<unknown> = Promise.resolve();
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
   * Deletes what the limits let go, in steps between which appends are written; answers how many events went.
   * @throws Fault EVENT_STORE_UNAVAILABLE; what earlier steps deleted stays deleted
   */
  async prune(limits: PruneLimits): Promise<number> {
    this.#checkOpen();
    if (!existsSync(this.#path)) return 0;
    const before = this.#pruning;
    const pruning = (async (): Promise<number> => {
      await before.catch(() => undefined); // its own caller learns of it
      return this.#prune(limits);
    })();
    this.#pruning = pruning;
    return pruning;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #prune(limits: PruneLimits): Promise<number> {
    let deletedCount = 0;
    for (let from: number | undefined = 1; from !== undefined;) {
      const at: number = from;
      this.#checkOpen();
      const step = await new Promise<PruneStep>((resolve, reject) => {
        this.#pruneStep = { resolve, reject };
        this.#post({ kind: 'prune', from: at, limits });
      });
      deletedCount += step.deletedCount;
      from = step.next;
    }
    return deletedCount;
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
      case 'pruned':
        this.#takePruneStep()?.resolve(message.step);
        break;
      case 'prune-failed':
        this.#takePruneStep()?.reject(this.#cannotWrite(message.problem));
    }
    this.#afterAnswer();
  }

  #onAppended(outcomes: readonly AppendOutcome[]): void {
    for (const [index, waiting] of this.#queue.finishGroup().entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) waiting.reject(this.#cannotWrite('no outcome', 'unknown'));
      else settle(waiting, outcome);
    }
  }

  #onGone(problem: string): void {
    const text = `its worker is gone: ${problem}`;
    for (const { reject } of this.#queue.finishGroup()) reject(this.#cannotWrite(text, 'unknown'));
    for (const { reject } of this.#queue.giveUpWaiting()) reject(this.#cannotWrite(text));
    this.#takePruneStep()?.reject(this.#cannotWrite(text, 'unknown'));
    this.#afterAnswer();
  }

  #afterAnswer(): void {
    if (!this.#queue.isWriting && this.#pruneStep === undefined) {
      clearTimeout(this.#silence);
      this.#thread.rest();
    }
    this.#schedule();
    if (this.#queue.isEmpty) this.#onDrained?.();
  }

  #takePruneStep(): WaitingPrune | undefined {
    const waiting = this.#pruneStep;
    this.#pruneStep = undefined;
    return waiting;
  }

  async #close(): Promise<void> {
    this.#reader.close();
    if (!this.#queue.isEmpty) await this.#drain();
    clearTimeout(this.#silence);
    // The last one to close the file folds the WAL into it.
    await this.#thread.end();
    this.#takePruneStep()?.reject(this.#cannotWrite('it is closed'));
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
