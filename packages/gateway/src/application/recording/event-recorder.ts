/**
 * Carries facts to the event log, off the path of calls.
 *
 * Invariants
 * 1. `record` and `callSettled` never wait and never throw.
 * 2. The events of a stream are stored in the order in which they were recorded.
 * 3. At most `callsMax` calls wait. What is beyond that is counted and told by one `CallsNotRecorded`; calls go on.
 * 4. While the log cannot be written, what waits is kept and tried again; `problem` says so.
 * 5. What the log will never take is given up: logged, and calls among it are counted.
 */
import { DuplicateEvent, type EventStore, type NewEvent } from '@mcp-hangar/kernel/event-store';
import type { Clock, DomainEvent, EventSink, Logger } from '../ports.ts';
import { settlesWithin } from '../settles-within.ts';
import {
  callEvent,
  callerLabel,
  callsNotRecorded,
  toolCallStream,
  type SettledCall,
} from './call-event.ts';

export interface RecorderOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Host and a random part: who wrote an event. */
  readonly producedBy: string;
  /** A UUID. */
  readonly newId: () => string;
  /** Calls that wait to be written (`event_store.call_log_queue_max`). */
  readonly callsMax: number;
}

/** Events of one transaction. */
const BATCH_MAX = 1_024;
/** From here on a batch is written without waiting for more. */
const BATCH_FULL = 256;
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
}

export class EventRecorder implements EventSink, AsyncDisposable {
  readonly #options: RecorderOptions;
  /** Calls not yet made into events. They hold their arguments. */
  #fresh: SettledCall[] = [];
  #waiting: Waiting[] = [];
  #callsWaiting = 0;
  #lost = 0;
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
  }

  /** Why the log is not written; undefined while it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  record(stream: string, event: DomainEvent, id?: string): void {
    if (this.#waiting.length - this.#callsWaiting >= FACTS_MAX) return;
    this.#add({ stream, event: this.#stamped(event, id), isCall: false });
  }

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
    if (this.#fresh.length >= BATCH_FULL || this.#freshChars > FRESH_CHARS_MAX) this.#makeEvents();
    else this.#making ??= setTimeout(() => this.#makeEvents(), MAKING_MS).unref();
  }

  /** Writes what waits, as far as that is possible in a few seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#makeEvents();
    clearTimeout(this.#timer);
    await settlesWithin(this.#writeAll(), CLOSE_MS_MAX);
    await this.#options.store[Symbol.asyncDispose]();
  }

  async #writeAll(): Promise<void> {
    await this.#writing;
    while (this.#waiting.length > 0 || this.#lost > 0) {
      if (!(await this.#writeBatch())) return;
    }
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
      schemaVersion: 1,
      occurredAtMs: clock.nowMs(),
      producedBy,
      data,
    };
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#writing !== undefined || this.#problem !== undefined) return;
    if (this.#waiting.length >= BATCH_FULL) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), LINGER_MS).unref();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeBatch().then((isWritten) => {
      this.#writing = undefined;
      if (!isWritten) this.#retryLater();
      else if (this.#waiting.length >= BATCH_FULL || this.#lost > 0) this.#write();
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
    const byStream = grouped(batch);
    const outcomes = await Promise.all(
      [...byStream].map(([stream, waiting]) => this.#append(stream, waiting)),
    );
    const failed = outcomes.filter((outcome) => outcome !== undefined);
    const kept = failed.flatMap(({ waiting }) => waiting);
    this.#waiting.unshift(...kept);
    this.#callsWaiting -= countCalls(batch) - countCalls(kept);
    this.#tell(failed[0]?.error);
    return failed.length === 0;
  }

  /** Answers what could not be stored, and why; undefined where all of it is. */
  async #append(
    stream: string,
    waiting: readonly Waiting[],
  ): Promise<{ readonly waiting: readonly Waiting[]; readonly error: unknown } | undefined> {
    let left = waiting;
    while (left.length > 0) {
      try {
        const events = left.map(({ event }) => event);
        await this.#options.store.append({ stream, expected: 'any', events });
        return undefined;
      } catch (error) {
        if (error instanceof TypeError) {
          this.#giveUp(left, error);
          return undefined;
        }
        // Stored by a worker that ended before it could say so; the others of its append follow one by one.
        const others =
          error instanceof DuplicateEvent
            ? left.filter(({ event }) => event.id !== error.id)
            : left;
        if (others.length === left.length) return { waiting: left, error };
        left = others;
      }
    }
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
      this.#problem = undefined;
      this.#retryMs = RETRY_MS_MIN;
      return;
    }
    const reason = error instanceof Error ? error.message : 'it failed without saying why';
    if (this.#problem === undefined) logger.warn({ reason }, 'event_log_not_written');
    this.#problem = reason;
  }
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
