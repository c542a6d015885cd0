/** One HTTP request and its answer, with redirects that stay within the origin. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Fault } from '@mcp-hangar/kernel/errors';
import { placeOf, protocolFault, transportFault } from './http-fault.ts';

const REDIRECTS_MAX = 3;
/** No more is taken from one answer in one turn of the event loop. */
const READ_BYTES_PER_TURN = 262_144;
const CHUNK_BYTES_COUNTED = 16_384;

/**
 * Requests wait behind others of their lane only: answers to a server's questions must reach it while all calls
 * wait for it, and streams stay open.
 */
export type Lane = 'calls' | 'control' | 'streams';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly lane: Lane;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly body?: string | undefined;
  /** 0 = none: the caller has a limit of its own. */
  readonly headersTimeoutMs: number;
  /** Path and query, where they are not those of the endpoint. */
  readonly path?: string | undefined;
}

/** What becomes of a request. One of `end` and `failed` is the last; after `abort` nothing is told. */
export interface HttpHandler {
  response(status: number, headers: IncomingHttpHeaders): void;
  data(chunk: Buffer): void;
  end(): void;
  /** @param wasSent whether anything of the request may have arrived */
  failed(fault: Fault, wasSent: boolean): void;
}

/** What an exchange needs of its client. */
export interface ExchangeHost {
  readonly url: URL;
  dispatch(exchange: HttpExchange, path: string): void;
  /** Answers what `unwatch` takes. */
  watch(exchange: HttpExchange): number;
  unwatch(key: number): void;
}

const ABORTED = new Error('aborted');

export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly request: HttpRequest;
  readonly #host: ExchangeHost;
  readonly #handler: HttpHandler;
  #controller: Dispatcher.DispatchController | undefined;
  #path = '';
  /** 0 = nobody looks whether it is silent. */
  #watchKey = 0;
  #redirects = 0;
  #redirectTo: string | undefined;
  #wasSent = false;
  /** Whoever began it does not know it yet: nothing is told before that. */
  #isDispatching = false;
  #isOver = false;
  #readThisTurn = 0;
  #silentMs = 0;
  #silentMsMax = 0;
  #onSilence: () => void = () => undefined;

  constructor(host: ExchangeHost, request: HttpRequest, handler: HttpHandler) {
    this.#host = host;
    this.request = request;
    this.#handler = handler;
  }

  start(path: string): void {
    this.#go(this.request.path ?? path);
  }

  /** Ends it at once; its handler hears no more of it. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.unwatch(this.#watchKey);
    this.#controller?.abort(ABORTED);
  }

  /** From here on a silence of this length ends it. */
  limitSilence(silentMsMax: number, onSilence: () => void): void {
    if (this.#isOver) return;
    this.#silentMs = 0;
    this.#silentMsMax = silentMsMax;
    this.#onSilence = onSilence;
    if (this.#watchKey === 0) this.#watchKey = this.#host.watch(this);
  }

  grewOlder(ms: number): void {
    if (this.#isOver) return;
    this.#silentMs += ms;
    if (this.#silentMs <= this.#silentMsMax) return;
    this.abort();
    this.#onSilence();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(ABORTED);
    else this.#wasSent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.#isOver || status < 200) return;
    if (status >= 300 && status < 400 && status !== 304) this.#redirect(status, headers.location);
    else this.#handler.response(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver || this.#redirectTo !== undefined) return;
    this.#silentMs = 0;
    // Small chunks mean that it is read as fast as it comes: only full ones can hold up the others.
    if (chunk.length >= CHUNK_BYTES_COUNTED) this.#count(chunk.length);
    this.#handler.data(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    const path = this.#redirectTo;
    if (path === undefined) {
      this.#isOver = true;
      this.#host.unwatch(this.#watchKey);
      this.#handler.end();
      return;
    }
    this.#redirectTo = undefined;
    this.#go(path);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    const fault = transportFault(error, this.#host.url, this.#wasSent);
    if (this.#isDispatching) queueMicrotask(() => this.#fail(fault, false));
    else this.#fail(fault, this.#wasSent);
  }

  #count(bytes: number): void {
    this.#readThisTurn += bytes;
    if (this.#readThisTurn > READ_BYTES_PER_TURN) this.#controller?.pause();
    if (this.#readThisTurn > bytes) return;
    setImmediate(() => {
      this.#readThisTurn = 0;
      if (this.#controller?.paused === true) this.#controller.resume();
    });
  }

  #go(path: string): void {
    this.#path = path;
    this.#wasSent = false;
    this.#isDispatching = true;
    this.#host.dispatch(this, path);
    this.#isDispatching = false;
  }

  #fail(fault: Fault, wasSent: boolean): void {
    if (this.#isOver) return;
    this.abort();
    this.#handler.failed(fault, wasSent);
  }

  /** 307 and 308 keep method and body; whatever else a server means, it does not mean an MCP endpoint. */
  #redirect(status: number, location: string | undefined): void {
    const { url } = this.#host;
    const here = new URL(this.#path, url);
    const target =
      location !== undefined && URL.canParse(location, here.href)
        ? new URL(location, here)
        : undefined;
    const from = placeOf(here);
    if (target === undefined) {
      this.#fail(protocolFault(`${from} answered ${status} without a target`, { status }), true);
    } else if (target.origin !== url.origin) {
      const detail = `${from} redirects to another origin, ${target.origin}, which is not followed; if that is right, set the endpoint to it`;
      this.#fail(protocolFault(detail, { status }), true);
    } else if (status !== 307 && status !== 308 && this.request.method !== 'GET') {
      const detail = `${from} redirects (${status}) to ${placeOf(target)}; set the endpoint to that`;
      this.#fail(protocolFault(detail, { status }), true);
    } else if ((this.#redirects += 1) > REDIRECTS_MAX) {
      this.#fail(protocolFault(`${from} redirects more than ${REDIRECTS_MAX} times`), true);
    } else this.#redirectTo = `${target.pathname}${target.search}`;
  }
}
