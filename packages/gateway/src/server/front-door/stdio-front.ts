/**
 * MCP for one client over a pair of streams: newline-delimited JSON-RPC, both eras on one pipe.
 *
 * It is open until its input ends, its output is gone, or its client leaves more unread than it may (`closed` says
 * which); then `close` drains it.
 *
 * Invariants
 * 1. Nothing but protocol lines is written, and what precedes an answer is written before it.
 * 2. A bad line costs at most the request that it names.
 * 3. Every request that was taken is answered once, unless its client cancelled it or cannot be written to.
 */
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { Fault } from '@mcp-hangar/kernel/errors';
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import { rpcErrorOf } from '../../application/calls/reply.ts';
import type { Endpoint } from '../../application/catalog/views.ts';
import type { Bytes } from '../../application/ports.ts';
import type { Hub } from '../../application/dispatch/hub.ts';
import { LineSplitter } from '../../application/framing/line-splitter.ts';
import { batchOf, batchProblem } from '../../application/sessions/batch.ts';
import { answerInitialize, readInitialize } from '../../application/sessions/legacy-handshake.ts';
import { LegacySession } from '../../application/sessions/legacy-session.ts';
import { handleModern } from '../../application/sessions/modern-client.ts';
import type { Limits } from '../../domain/limits.ts';
import {
  CLIENT_SLOT,
  clientText,
  rawIdOf,
  requestIdAtEnds,
  type ClientMessage,
  type ClientText,
} from '../../domain/protocol/client-message.ts';
import {
  classify,
  exceedsDepth,
  isObject,
  RPC,
  type Notification,
  type Request,
  type RpcError,
} from '../../domain/protocol/json-rpc.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { checkModern, claimedRevision, isRefusal } from '../../domain/protocol/modern-envelope.ts';
import { parseJson } from './json-text.ts';
import { LineOutput } from './line-output.ts';
import { LineReply } from './line-reply.ts';

export interface StdioFrontOptions {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly endpoint: Endpoint;
  /** Bytes, not text. */
  readonly input: Readable;
  /** A socket must stay open for writing when its other side ends (`allowHalfOpen`), or the last answers are lost. */
  readonly output: Writable;
}

export type ClosedReason = 'input ended' | 'output gone' | 'client too slow';

/** How long the last lines may take to leave. */
const LAST_BYTES_MS = 1_000;
const CARRIAGE_RETURN = 13;
const NEWLINE = Buffer.from('\n');

export class StdioFront {
  /** Resolves when nothing more will come, or nothing can be answered. Who waits for it calls `close`. */
  readonly closed: Promise<ClosedReason>;
  readonly #options: StdioFrontOptions;
  readonly #hub: Hub;
  readonly #limits: Limits;
  readonly #output: LineOutput;
  readonly #splitter: LineSplitter;
  /** Requests whose answer is outstanding. */
  readonly #pending = new SlotMap<LineReply>();
  /** Of its modern requests: all of them are one client's. */
  readonly #principal = `stdio-${randomUUID()}`;
  #session: LegacySession | undefined;
  /** The reply to what is being read, to be told of a defect. */
  #latest: LineReply | undefined;
  #isDraining = false;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #tellClosed: (reason: ClosedReason) => void = () => undefined;
  readonly #onData = (chunk: Buffer): void => this.#splitter.push(chunk);

  constructor(options: StdioFrontOptions) {
    const { hub, limits, input, output } = options;
    this.#options = options;
    this.#hub = hub;
    this.#limits = limits;
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
    this.#output = new LineOutput({
      stream: output,
      bytesMax: limits.clientBufferBytesMax,
      outstanding: this.#pending,
      onGone: (reason) => {
        this.#stopReading();
        this.#tellClosed(reason);
      },
    });
    this.#splitter = new LineSplitter(
      {
        line: (pieces, bytes) => this.#onLine(pieces, bytes),
        overlong: (head, tail, bytes) => this.#onOverlong(head, tail, bytes),
      },
      limits.bodyBytesMax,
    );
    input.on('data', this.#onData);
    input.once('end', () => this.#onEnd());
    input.on('error', () => this.#onEnd());
    input.once('close', () => this.#onEnd());
  }

  /**
   * Takes no more requests, waits for those in flight at most `graceMs`, ends what belongs to the client, and both
   * streams. Calling it again changes nothing.
   */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#shutDown(graceMs);
    return this.#closing;
  }

  async #shutDown(graceMs: number): Promise<void> {
    this.#isDraining = true;
    for (const { pending } of this.#pending) pending?.finish?.();
    await this.#untilIdle(graceMs);
    const reason = this.#output.isGone ? 'the client is gone' : 'the gateway is shutting down';
    const stopping = rpcErrorOf(new Fault('GATEWAY_STOPPING', reason));
    for (const reply of this.#pending) {
      reply.refuse(stopping);
      reply.pending?.cancel(reason);
    }
    this.#session?.close(reason);
    this.#hub.parking.releasePrincipal(this.#principal);
    for (const server of this.#hub.fleet.all) server.releasePrincipal(this.#principal);
    this.#hub.tasks.release({ era: 'modern', owner: this.#principal });
    this.#stopReading();
    await this.#output.end(LAST_BYTES_MS);
    this.#options.input.destroy();
    this.#tellClosed('output gone');
  }

  #untilIdle(graceMs: number): Promise<void> {
    if (this.#pending.size === 0 || this.#output.isGone) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
      void this.closed.then((reason) => {
        if (reason !== 'input ended') this.#onIdle?.();
      });
    });
  }

  #stopReading(): void {
    this.#options.input.off('data', this.#onData);
    this.#options.input.pause();
  }

  /** A last line may lack its newline. */
  #onEnd(): void {
    this.#splitter.push(NEWLINE);
    this.#session?.fellSilent();
    this.#tellClosed('input ended');
  }

  #onLine(pieces: readonly Buffer[], bytes: number): void {
    const first = pieces[0];
    const whole = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, bytes);
    const line = whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    this.#latest = undefined;
    try {
      this.#read(line);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : String(error);
      this.#hub.options.logger.error({ error: stack }, 'defect_in_request');
      const reply = this.#latest ?? this.#newReply('null');
      reply.refuse({ code: RPC.internalError, message: 'Internal error' });
    }
  }

  #onOverlong(head: string, tail: string, bytes: number): void {
    const detail = `The line has ${bytes} bytes, more than ${this.#limits.bodyBytesMax} (limits.body_bytes_max)`;
    const rawId = requestIdAtEnds(head, tail) ?? 'null';
    this.#newReply(rawId).refuse(rpcErrorOf(new Fault('BODY_TOO_LARGE', detail)));
  }

  #read(line: Buffer): void {
    const json = parseJson(line, 'line');
    if (json.kind === 'not-json') {
      if (line.every((byte) => byte <= 32)) return; // an empty line is no message
      this.#refuse(null, { code: RPC.parseError, message: `Parse error: ${json.reason}` });
      return;
    }
    const { text, value } = json;
    const message = classify(value);
    const { jsonDepthMax } = this.#limits;
    if (exceedsDepth(value, jsonDepthMax)) {
      const problem = `nested deeper than ${jsonDepthMax} levels (limits.json_depth_max)`;
      const id = message.kind === 'request' ? message.id : null;
      this.#refuse(id, { code: RPC.invalidRequest, message: `Invalid request: ${problem}` });
    } else if (Array.isArray(value)) this.#takeBatch(batchOf(text, value));
    else if (message.kind === 'invalid') {
      // The id of what has no method may be that of a question: an error under it would hit another request.
      const id = isObject(value) && 'method' in value ? message.id : null;
      this.#refuse(id, {
        code: RPC.invalidRequest,
        message: `Invalid request: ${message.reason}`,
      });
    } else this.#take({ message, text: clientText(text, value) });
  }

  /** Its answers are lines of their own: each comes when it is ready. */
  #takeBatch(messages: readonly ClientMessage[]): void {
    const problem = batchProblem(this.#session?.client.revision, messages);
    if (problem !== undefined) this.#refuse(null, problem);
    else for (const message of messages) this.#takeLegacy(message);
  }

  #take(one: ClientMessage): void {
    const { message, text } = one;
    if (message.kind === 'notification' && message.method === 'notifications/cancelled')
      this.#cancelModern(message, text);
    const isModern =
      (message.kind === 'request' || message.kind === 'notification') &&
      claimedRevision(message.params) !== undefined;
    if (!isModern) this.#takeLegacy(one);
    else if (message.kind === 'request') this.#takeModern(message, text);
  }

  #takeLegacy(one: ClientMessage): void {
    const { message, text } = one;
    if (message.kind === 'request') {
      if (this.#turnsAway(message, text)) return;
      if (this.#session === undefined) {
        this.#takeFirst(message, text);
        return;
      }
    }
    this.#session?.receive(one, (rawId) => this.#newReply(rawId));
  }

  /** A request of a client that is not initialized. */
  #takeFirst(request: Request, text: ClientText): void {
    const reply = this.#newReply(rawIdOf(request, text));
    if (request.method === 'ping') {
      reply.result({});
      return;
    }
    if (request.method !== 'initialize') {
      const detail = `${request.method} came before initialize: initialize first`;
      reply.refuse(rpcErrorOf(new Fault('SESSION_MISSING', detail)));
      return;
    }
    const client = readInitialize(request.params, this.#options.endpoint);
    if (!client.ok) {
      reply.refuse(client.error);
      return;
    }
    const outlet = { send: (message: readonly Bytes[]) => this.#output.writeParts(message) };
    this.#session = new LegacySession(this.#hub, { ...client.value, id: randomUUID() }, outlet);
    answerInitialize(this.#hub, this.#session, reply);
  }

  #takeModern(request: Request, text: ClientText): void {
    if (this.#turnsAway(request, text)) return;
    const reply = this.#newReply(rawIdOf(request, text));
    const envelope = checkModern(request, undefined);
    if (isRefusal(envelope)) {
      reply.refuse(envelope.error);
      return;
    }
    if (request.method === 'subscriptions/listen' && this.#listens >= this.#limits.streamsMax) {
      const detail = 'Too many open streams (limits.streams_max)';
      reply.refuse(rpcErrorOf(new Fault('STREAMS_FULL', detail)));
      return;
    }
    reply.pending = handleModern(this.#hub, {
      endpoint: this.#options.endpoint,
      principal: this.#principal,
      isOneClient: true,
      request,
      text,
      envelope,
      reply,
      header: undefined,
    });
  }

  get #listens(): number {
    return [...this.#pending].filter(({ pending }) => pending?.finish !== undefined).length;
  }

  #cancelModern({ params }: Notification, text: ClientText): void {
    const rawId = spanText(text.text, text.spans, CLIENT_SLOT.requestId);
    const reason = params?.['reason'];
    for (const reply of this.#pending) {
      if (reply.rawId !== rawId || reply.pending === undefined) continue;
      reply.pending.cancel(typeof reason === 'string' ? reason : 'cancelled by the client');
      reply.drop();
    }
  }

  /** Whether a request was refused unread: one client cannot have more of them open than all clients together. */
  #turnsAway(request: Request, text: ClientText): boolean {
    const { inFlightMax } = this.#limits;
    if (!this.#isDraining && this.#pending.size < inFlightMax) return false;
    const fault = this.#isDraining
      ? new Fault('GATEWAY_STOPPING', 'the gateway is shutting down')
      : new Fault('GATEWAY_BUSY', `${inFlightMax} requests are open (limits.in_flight_max)`);
    this.#refuse(request.id, rpcErrorOf(fault), rawIdOf(request, text));
    return true;
  }

  #refuse(id: unknown, error: RpcError, rawId = JSON.stringify(id)): void {
    this.#newReply(rawId).refuse(error);
  }

  #newReply(rawId: string): LineReply {
    let key = 0;
    const reply = new LineReply({
      output: this.#output,
      rawId,
      bufferBytesMax: this.#limits.clientBufferBytesMax,
      onDone: () => this.#settled(key),
    });
    this.#latest = reply;
    key = this.#pending.insert(reply);
    return reply;
  }

  #settled(key: number): void {
    this.#pending.remove(key);
    if (this.#pending.size === 0) this.#onIdle?.();
  }
}
