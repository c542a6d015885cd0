/** Picks an answer up that was cut, where its stream had event ids (2025-11-25, "Resumability and Redelivery"). */
import type { Fault } from '@mcp-hangar/kernel/errors';
import { AnswerReader, type AnswerEvents, type Refusal } from './answer-reader.ts';
import type { HttpExchange } from './http-exchange.ts';
import type { Incoming } from './incoming.ts';
import type { CallHost, RemoteCall } from './remote-call.ts';
import { headerSafe } from './standing-stream.ts';

const RESUME_MS = 1_000;
const RESUME_MS_MAX = 30_000;
/** In a row, without an event in between. */
const ATTEMPTS_MAX = 5;

export class Resumption implements AnswerEvents {
  readonly #host: CallHost;
  readonly #call: RemoteCall;
  readonly #headers: readonly string[];
  /** What the call ends with where nothing comes of it. */
  readonly #fault: Fault;
  #reader: AnswerReader;
  #exchange: HttpExchange | undefined;
  #lastEventId: string;
  #retryMs: number | undefined;
  #attempts = 0;

  private constructor(
    host: CallHost,
    call: RemoteCall,
    from: { headers: readonly string[]; fault: Fault; id: string },
  ) {
    this.#host = host;
    this.#call = call;
    this.#headers = from.headers;
    this.#fault = from.fault;
    this.#lastEventId = from.id;
    this.#retryMs = call.retryMs;
    this.#reader = new AnswerReader(this, host.messageBytesMax);
  }

  /** @returns whether there is anything to resume from */
  static begin(
    host: CallHost,
    call: RemoteCall,
    from: { readonly headers: readonly string[]; readonly fault: Fault },
  ): boolean {
    const id = headerSafe(call.lastEventId);
    if (id === undefined) return false;
    new Resumption(host, call, { ...from, id }).#again();
    return true;
  }

  opened(isStream: boolean): void {
    this.#host.heard();
    if (!isStream) this.#giveUp();
  }

  message(message: Incoming): void {
    this.#attempts = 0;
    this.#host.message(message, this.#call);
    if (this.#call.isOver) this.#exchange?.abort();
  }

  overlong(_id: number | undefined, fault: Fault): void {
    this.#host.lose(this.#call, fault);
  }

  accepted(): void {
    this.#giveUp();
  }

  refused({ status }: Refusal): void {
    if (status === 409 || status === 429 || status >= 500) this.#again();
    else this.#giveUp();
  }

  ended(): void {
    this.#again();
  }

  failed(fault: Fault, wasSent: boolean): void {
    if (!wasSent && !this.#host.unreachable(fault)) return;
    this.#again();
  }

  #again(): void {
    if (this.#call.isOver) return;
    this.#lastEventId = headerSafe(this.#reader.lastEventId) ?? this.#lastEventId;
    this.#retryMs = this.#reader.retryMs ?? this.#retryMs;
    if (this.#attempts >= ATTEMPTS_MAX) {
      this.#giveUp();
      return;
    }
    const least = this.#retryMs ?? RESUME_MS;
    const ms = Math.max(least, Math.min(least * 2 ** this.#attempts, RESUME_MS_MAX));
    this.#attempts += 1;
    this.#call.later(ms, () => this.#get());
  }

  #get(): void {
    this.#reader = new AnswerReader(this, this.#host.messageBytesMax);
    this.#exchange = this.#host.client.request(
      {
        method: 'GET',
        lane: 'streams',
        headers: [
          'accept',
          'text/event-stream',
          ...this.#headers,
          'last-event-id',
          this.#lastEventId,
        ],
        headersTimeoutMs: 0, // the call has a limit of its own
      },
      this.#reader,
    );
    this.#call.adopt(this.#exchange);
  }

  #giveUp(): void {
    this.#exchange?.abort();
    if (!this.#call.isOver) this.#host.lose(this.#call, this.#fault);
  }
}
