/**
 * One call on its way over HTTP: a POST and its answer.
 *
 * Invariants
 * 1. What may have arrived is not sent again; a failed connection is, `http.max_retries` times.
 * 2. When the body of an answer is over, the call is settled, or its host decides (`interrupted`).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ServerMessage } from '../../../domain/protocol/server-message.ts';
import type { UpstreamCall } from '../../../application/ports.ts';
import { AnswerReader, type AnswerEvents, type Refusal } from './answer-reader.ts';
import type { HttpClient } from './http-client.ts';
import type { HttpExchange, Lane } from './http-exchange.ts';
import type { Incoming } from './incoming.ts';

/** A stream whose answer has come is closed by the server; one that it leaves open is given up. */
const STREAM_LINGER_MS = 2_000;

/** The connection that a call belongs to. */
export interface CallHost {
  readonly client: HttpClient;
  readonly messageBytesMax: number;
  /** Path and query to post to, where that is not the endpoint's own. */
  readonly postPath?: string | undefined;
  headersOf(call: RemoteCall): readonly string[];
  message(message: Incoming, call: RemoteCall): void;
  /** The server works: something of an answer has come. */
  heard(): void;
  lose(call: RemoteCall, fault: Fault): void;
  refused(call: RemoteCall, refusal: Refusal): void;
  /** The answer is over, or was cut, and the call is not settled. */
  interrupted(call: RemoteCall, fault: Fault): void;
  /** No connection could be made. @returns whether there is sense in trying again */
  unreachable(fault: Fault): boolean;
}

export class RemoteCall implements AnswerEvents {
  readonly id: number;
  readonly call: UpstreamCall;
  readonly method: string;
  readonly #host: CallHost;
  readonly #lane: Lane;
  #reader: AnswerReader;
  #exchange: HttpExchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempts = 0;
  #isStream = false;
  #isOver = false;
  /** Set once it was sent a second time. */
  isResent = false;
  /** Something was told to it: of a subscription, that it holds. */
  wasNotified = false;
  isSent = false;
  /** The server may have got something of it, now or in an attempt before. */
  mayHaveArrived = false;
  #hadArrived = false;

  constructor(host: CallHost, id: number, call: UpstreamCall, method: string) {
    this.#host = host;
    this.id = id;
    this.call = call;
    this.method = method;
    this.#lane = method === 'subscriptions/listen' ? 'streams' : 'calls';
    this.#reader = new AnswerReader(this, host.messageBytesMax);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get lastEventId(): string | undefined {
    return this.#reader.lastEventId;
  }

  get retryMs(): number | undefined {
    return this.#reader.retryMs;
  }

  /** Sends it, or sends it again. */
  post(): void {
    if (this.#isOver) return;
    this.#reader = new AnswerReader(this, this.#host.messageBytesMax);
    this.isSent = true;
    this.#hadArrived = this.mayHaveArrived;
    this.mayHaveArrived = true;
    this.#exchange = this.#host.client.request(
      {
        method: 'POST',
        lane: this.#lane,
        headers: this.#host.headersOf(this),
        body: this.call.parts.join(String(this.id)),
        headersTimeoutMs: 0, // the call has a limit of its own
        path: this.#host.postPath,
      },
      this.#reader,
    );
  }

  /** Waits, then does what is next, unless the call is over by then. */
  later(ms: number, next: () => void): void {
    this.isSent = false;
    this.#timer = setTimeout(next, ms);
    this.#timer.unref();
  }

  /** It is settled: what still comes is not waited for. */
  over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (this.#isStream) this.#exchange?.limitSilence(STREAM_LINGER_MS, () => undefined);
  }

  /** Nobody wants the answer any more. */
  abort(): void {
    this.over();
    this.#exchange?.abort();
  }

  /** Its answer goes on in another exchange. */
  adopt(exchange: HttpExchange): void {
    this.isSent = true;
    this.#exchange = exchange;
  }

  notified(message: ServerMessage): void {
    this.wasNotified = true;
    this.call.notified(message);
  }

  opened(isStream: boolean, _headers: IncomingHttpHeaders): void {
    this.#host.heard();
    this.#isStream = isStream;
    if (isStream) return;
    const { readTimeoutMs } = this.#host.client.launch;
    this.#exchange?.limitSilence(readTimeoutMs, () =>
      this.#lose(
        new Fault(
          'UPSTREAM_UNAVAILABLE',
          `the answer stopped for ${readTimeoutMs / 1_000} s (http.read_timeout)`,
        ),
      ),
    );
  }

  message(message: Incoming): void {
    this.#host.message(message, this);
  }

  overlong(_id: number | undefined, fault: Fault): void {
    if (this.#isOver) return;
    this.#exchange?.abort();
    this.#lose(fault);
  }

  accepted(): void {
    this.#interrupt('the server took the request and gave no answer to it');
  }

  refused(refusal: Refusal): void {
    this.#host.heard();
    if (!this.#isOver) this.#host.refused(this, refusal);
  }

  ended(): void {
    this.#interrupt(
      this.#isStream
        ? 'the answer stream ended before the answer'
        : 'the server answered something else than was asked',
    );
  }

  failed(fault: Fault, wasSent: boolean): void {
    if (this.#isOver) return;
    if (wasSent) {
      this.#host.interrupted(this, fault);
      return;
    }
    this.isSent = false;
    this.mayHaveArrived = this.#hadArrived;
    const { connectRetries, retryBackoffMs } = this.#host.client.launch;
    const isWorthIt = fault.code === 'UPSTREAM_UNREACHABLE' && this.#attempts < connectRetries;
    if (!this.#host.unreachable(fault) || this.#isOver) return;
    if (!isWorthIt) {
      this.#lose(fault);
      return;
    }
    this.later(retryBackoffMs * 2 ** this.#attempts, () => this.post());
    this.#attempts += 1;
  }

  #interrupt(detail: string): void {
    if (this.#isOver) return;
    const code = this.#isStream ? 'UPSTREAM_ENDED' : 'UPSTREAM_ANSWER_INVALID';
    this.#host.interrupted(this, new Fault(code, detail));
  }

  #lose(fault: Fault): void {
    if (!this.#isOver) this.#host.lose(this, fault);
  }
}
