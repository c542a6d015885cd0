/**
 * Carries facts to the event log, off the path of calls.
 *
 * Invariants
 * 1. `record` and `callSettled` never wait and never throw.
 * 2. The events of a stream are stored in the order in which they were recorded.
 * 3. At most `callsMax` calls wait. What is beyond that is counted and told by one `CallsNotRecorded`; calls go on.
 * 4. While the log cannot be written, what waits is kept and tried again; `problem` says so.
 * 5. What the log will never take is given up: logged, and calls among it are counted.
 * 6. What is recorded under a fence is stored under it or not at all; who recorded it is told which.
 */
import { DuplicateEvent, type EventStore, type NewEvent } from '@mcp-hangar/kernel/event-store';
import { LeaseLost } from '@mcp-hangar/kernel/lease';
import type { Clock, DomainEvent, EventSink, Fence, Fencing, Logger } from '../ports.ts';
import { settlesWithin } from '../settles-within.ts';
import {
  callEvent,
  callerLabel,
  callsNotRecorded,
  toolCallStream,
  type SettledCall,
} from './call-event.ts';
import { versionOf } from './upcast.ts';

export interface RecorderOptions {
  readonly store: Pick<EventStore, 'append'> & AsyncDisposable;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Host and a random part: who wrote an event. */
  readonly producedBy: string;
  /** A UUID. */
  readonly newId: () => string;
  /** Calls that wait to be written (`event_store.call_log_queue_max`). */
  readonly callsMax: number;
  /** Events of a stream are stored. Must not throw. */
  readonly onStored?: (stream: string, eventsCount: number) => void;
  /** What is to be done with the store behind the last event and before it is closed. */
  readonly beforeClose?: () => Promise<void>;
}

/** Events of one transaction. */
const BATCH_MAX = 1_024;
/** From here on a batch is written without waiting for more. */
const BATCH_FULL = 512;
/** How long settled calls wait to be made into events. */
const MAKING_MS = 10;
/** Arguments that are held meanwhile. Characters. */
const FRESH_CHARS_MAX = 1_048_576;
/** How long the first event of a batch waits for others. */
const LINGER_MS = 50;
/** Of what the gateway does itself: starts and stops are few. */
const FACTS_MAX = 10_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;
const CLOSE_MS_MAX = 5_000;
const LABELS_MAX = 1_000;

interface Waiting {
  readonly stream: string;
  readonly event: NewEvent;
  readonly isCall: boolean;
  readonly fence?: Fence;
  readonly onEnd?: (isStored: boolean) => void;
  /** The append that it was part of: one that may be stored is made again as it was, so that all of it is, or none. */
  tried?: number;
}

export class EventRecorder implements EventSink, AsyncDisposable {
  readonly #options: RecorderOptions;
  /** Calls that wait as long as they may are no reason to lose others. */
  readonly #batchFull: number;
  /** Calls not yet made into events. They hold their arguments. */
  #fresh: SettledCall[] = [];
  #waiting: Waiting[] = [];
  #callsWaiting = 0;
  /** Events of the batch that is being written. */
  #inHand = 0;
  #lost = 0;
  #factsLost = 0;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #freshChars = 0;
  #making: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #retryMs = RETRY_MS_MIN;
  /** Of callers, which call more than once. */
  readonly #labels = new Map<string, string>();
  #problem: string | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#batchFull = Math.min(BATCH_FULL, options.callsMax);
  }

  /** Why the log is not written; undefined while it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  record(stream: string, event: DomainEvent, id?: string): void {
    if (this.#hasNoRoom()) return;
    this.#add({ stream, event: this.#stamped(event, id), isCall: false });
  }

  recordFenced: Fencing['record'] = (stream, event, fence, onEnd) => {
    if (this.#hasNoRoom()) {
      queueMicrotask(() => onEnd(false));
      return;
    }
    this.#add({ stream, event: this.#stamped(event), isCall: false, fence, onEnd });
  };

  /** Of what clients do as often as they like: it shares the room of calls, and is counted where there is none. */
  recordActivity(stream: string, event: DomainEvent): void {
    if (this.#callsWaiting + this.#fresh.length >= this.#options.callsMax) {
      this.#lost += 1;
      return;
    }
    this.#callsWaiting += 1;
    this.#add({ stream, event: this.#stamped(event), isCall: true });
  }

  callSettled(call: SettledCall): void {
    if (this.#callsWaiting + this.#fresh.length >= this.#options.callsMax) {
      this.#lost += 1;
      return;
    }
    this.#fresh.push(call);
    this.#freshChars += call.requestChars;
    // Many at a time: what is done after every answer makes every next request wait.
    if (this.#fresh.length >= this.#batchFull || this.#freshChars > FRESH_CHARS_MAX)
      this.#makeEvents();
    else this.#making ??= setTimeout(() => this.#makeEvents(), MAKING_MS).unref();
  }

  /** Writes what waits, as far as that is possible in a few seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#makeEvents();
    clearTimeout(this.#timer);
    await settlesWithin(this.#writeAll(), CLOSE_MS_MAX);
    this.#tellWhatIsLeft();
    await settlesWithin(this.#options.beforeClose?.() ?? Promise.resolve(), CLOSE_MS_MAX);
    await this.#options.store[Symbol.asyncDispose]();
  }

  /** What is not written by now never will be. */
  #tellWhatIsLeft(): void {
    const events = this.#inHand + this.#waiting.length + this.#lost + this.#factsLost;
    if (events === 0) return;
    this.#options.logger.error({ events, reason: this.#problem }, 'events_not_recorded');
  }

  async #writeAll(): Promise<void> {
    await this.#writing;
    while (this.#waiting.length > 0 || this.#lost > 0) {
      if (!(await this.#writeBatch())) return;
    }
  }

  /** Where there is none for a fact it is counted. */
  #hasNoRoom(): boolean {
    const isFull = this.#waiting.length - this.#callsWaiting >= FACTS_MAX;
    if (isFull) this.#factsLost += 1;
    return isFull;
  }

  #makeEvents(): void {
    clearTimeout(this.#making);
    this.#making = undefined;
    const calls = this.#fresh;
    this.#fresh = [];
    this.#freshChars = 0;
    for (const call of calls) {
      this.#callsWaiting += 1;
      const id = this.#options.newId();
      const event = this.#stamped(callEvent(call, id, this.#labelOf(call.caller)), id);
      this.#add({ stream: toolCallStream(call.mcpServerId), event, isCall: true });
    }
  }

  #labelOf(caller: string): string {
    const known = this.#labels.get(caller);
    if (known !== undefined) return known;
    if (this.#labels.size >= LABELS_MAX) this.#labels.clear();
    const label = callerLabel(caller);
    this.#labels.set(caller, label);
    return label;
  }

  #stamped({ type, data }: DomainEvent, id = this.#options.newId()): NewEvent {
    const { clock, producedBy } = this.#options;
    return {
      id,
      type,
      schemaVersion: versionOf(type),
      occurredAtMs: clock.nowMs(),
      producedBy,
      data,
    };
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#writing !== undefined || this.#problem !== undefined) return;
    if (this.#waiting.length >= this.#batchFull) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), LINGER_MS).unref();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeBatch().then((isWritten) => {
      this.#writing = undefined;
      if (!isWritten) this.#retryLater();
      else if (this.#waiting.length >= this.#batchFull || this.#lost > 0) this.#write();
      else if (this.#waiting.length > 0)
        this.#timer ??= setTimeout(() => this.#write(), LINGER_MS).unref();
    });
  }

  #retryLater(): void {
    this.#timer = setTimeout(() => this.#write(), this.#retryMs).unref();
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  /** False where something of it could not be stored; that waits in its place. */
  async #writeBatch(): Promise<boolean> {
    if (this.#lost > 0) {
      const event = this.#stamped(callsNotRecorded(this.#lost));
      this.#lost = 0;
      this.#waiting.push({ stream: toolCallStream(undefined), event, isCall: false });
    }
    const batch = this.#waiting.splice(0, BATCH_MAX);
    this.#inHand = batch.length;
    const byStream = grouped(batch);
    const outcomes = await Promise.all(
      [...byStream].map(([stream, waiting]) => this.#store(stream, waiting)),
    );
    const failed = outcomes.filter((outcome) => outcome !== undefined);
    const kept = failed.flatMap(({ waiting }) => waiting);
    this.#inHand = 0;
    this.#waiting.unshift(...kept);
    this.#callsWaiting -= countCalls(batch) - countCalls(kept);
    this.#tell(failed[0]?.error);
    return failed.length === 0;
  }

  /** The events of one stream, in their order. */
  async #store(stream: string, waiting: readonly Waiting[]): Promise<Failed | undefined> {
    for (let from = 0; from < waiting.length;) {
      const { tried, fence } = waiting[from] ?? {};
      const end = waiting.findIndex(
        (one, at) => at > from && (one.tried !== tried || one.fence !== fence),
      );
      const part = waiting.slice(from, end === -1 ? undefined : end);
      const failed = await this.#append(stream, part);
      if (failed !== undefined) return { ...failed, waiting: waiting.slice(from) };
      from += part.length;
    }
    return undefined;
  }

  /** Answers what could not be stored, and why; undefined where all of it is. */
  async #append(stream: string, waiting: readonly Waiting[]): Promise<Failed | undefined> {
    const events = waiting.map(({ event }) => event);
    const guard = waiting[0]?.fence;
    try {
      await this.#options.store.append({
        stream,
        expected: 'any',
        events,
        ...(guard && { guard }),
      });
    } catch (error) {
      if (error instanceof LeaseLost) {
        for (const { onEnd } of waiting) onEnd?.(false);
        return undefined;
      }
      if (error instanceof TypeError) {
        this.#giveUp(waiting, error);
        return undefined;
      }
      // Stored by an append that could not say so any more: it was all or nothing, and is the same.
      const isStored = error instanceof DuplicateEvent && waiting[0]?.tried !== undefined;
      if (!isStored) {
        this.#tries += 1;
        for (const one of waiting) one.tried ??= this.#tries;
        return { waiting, error };
      }
    }
    this.#options.onStored?.(stream, events.length);
    for (const { onEnd } of waiting) onEnd?.(true);
    return undefined;
  }

  /** They can never be stored: kept, they would hold up everything that comes after them. */
  #giveUp(waiting: readonly Waiting[], { message: reason }: TypeError): void {
    this.#lost += countCalls(waiting);
    this.#options.logger.error({ reason, events: waiting.length }, 'events_cannot_be_stored');
  }

  #tell(error: unknown): void {
    const { logger } = this.#options;
    if (error === undefined) {
      if (this.#problem !== undefined) logger.info({}, 'event_log_works_again');
      if (this.#factsLost > 0) logger.error({ events: this.#factsLost }, 'events_not_recorded');
      this.#factsLost = 0;
      this.#problem = undefined;
      this.#retryMs = RETRY_MS_MIN;
      return;
    }
    const reason = error instanceof Error ? error.message : 'it failed without saying why';
    if (this.#problem === undefined) logger.warn({ reason }, 'event_log_not_written');
    this.#problem = reason;
  }
}

interface Failed {
  readonly waiting: readonly Waiting[];
  readonly error: unknown;
}

function grouped(batch: readonly Waiting[]): ReadonlyMap<string, readonly Waiting[]> {
  const groups = new Map<string, Waiting[]>();
  for (const waiting of batch) {
    const group = groups.get(waiting.stream);
    if (group === undefined) groups.set(waiting.stream, [waiting]);
    else group.push(waiting);
  }
  return groups;
}

const countCalls = (waiting: readonly Waiting[]): number =>
  waiting.reduce((count, { isCall }) => count + (isCall ? 1 : 0), 0);
