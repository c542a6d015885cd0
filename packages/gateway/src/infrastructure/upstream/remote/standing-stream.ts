/**
 * The GET stream of a legacy session, on which a server says what belongs to no call. It is opened again after it was
 * cut, later each time; a server that has none is not asked twice.
 */
import type { Fault } from '@mcp-hangar/kernel/errors';
import { AnswerReader, type AnswerEvents, type Refusal } from './answer-reader.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpExchange } from './http-exchange.ts';
import type { Incoming } from './incoming.ts';

const RECONNECT_MS_MIN = 1_000;
const RECONNECT_MS_MAX = 30_000;
/** A server that asks for less must not have us call it all the time. */
const RETRY_MS_MIN = 100;
/** A refusal that may be over soon. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 409, 425, 429]);

export interface StandingStreamOptions {
  readonly client: HttpClient;
  readonly messageBytesMax: number;
  /** Of the session. */
  readonly headers: readonly string[];
  message(message: Incoming): void;
  /** A session that had a stream has none any more: it is gone. */
  sessionGone(): void;
  heard(): void;
  unreachable(fault: Fault): boolean;
}

export class StandingStream implements AnswerEvents {
  readonly #options: StandingStreamOptions;
  #reader: AnswerReader;
  #exchange: HttpExchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #wasOpen = false;
  #isStopped = false;
  #lastEventId: string | undefined;
  #retryMs: number | undefined;

  constructor(options: StandingStreamOptions) {
    this.#options = options;
    this.#reader = new AnswerReader(this, options.messageBytesMax);
  }

  open(): void {
    if (this.#isStopped) return;
    const { client, headers, messageBytesMax } = this.#options;
    this.#reader = new AnswerReader(this, messageBytesMax);
    const last = this.#lastEventId === undefined ? [] : ['last-event-id', this.#lastEventId];
    this.#exchange = client.request(
      {
        method: 'GET',
        lane: 'streams',
        headers: ['accept', 'text/event-stream', ...headers, ...last],
        headersTimeoutMs: 0, // some servers send none before the first event
      },
      this.#reader,
    );
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#exchange?.abort();
  }

  opened(isStream: boolean): void {
    this.#options.heard();
    if (!isStream) {
      this.stop(); // it answers GET with something of its own
      return;
    }
    this.#wasOpen = true;
  }

  message(message: Incoming): void {
    this.#failures = 0;
    this.#options.message(message);
  }

  overlong(): void {
    // Whom it was for cannot be told; the stream goes on.
  }

  accepted(): void {
    this.stop();
  }

  refused({ status }: Refusal): void {
    this.#options.heard();
    if (status === 404 && this.#wasOpen) {
      this.stop();
      this.#options.sessionGone();
    } else if (status >= 500 || TRANSIENT.has(status)) this.#again();
    else this.stop();
  }

  ended(): void {
    this.#again();
  }

  failed(fault: Fault, wasSent: boolean): void {
    if (this.#isStopped) return;
    if (!wasSent && !this.#options.unreachable(fault)) return;
    this.#again();
  }

  #again(): void {
    if (this.#isStopped) return;
    this.#lastEventId = headerSafe(this.#reader.lastEventId) ?? this.#lastEventId;
    this.#retryMs = this.#reader.retryMs ?? this.#retryMs;
    const least = Math.max(this.#retryMs ?? RECONNECT_MS_MIN, RETRY_MS_MIN);
    const ms = Math.min(least * 2 ** Math.min(this.#failures, 10), RECONNECT_MS_MAX);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.open(), Math.max(ms, least));
    this.#timer.unref();
  }
}

/** An event id that can stand in a header; any other cannot be resumed from. */
export const headerSafe = (id: string | undefined): string | undefined =>
  id !== undefined && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(id) ? id : undefined;
