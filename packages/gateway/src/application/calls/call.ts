/**
 * One client request on its way to a server and back. It settles exactly once: answered by the server, failed by
 * the gateway (timeout, ended server, refused start), or cancelled by its client.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import {
  CLIENT_SLOT,
  cutForServer,
  type ClientText,
} from '../../domain/protocol/client-message.ts';
import { spanEnd, spanStart, spanText } from '../../domain/protocol/json-spans.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { SERVER_SLOT, type ServerMessage } from '../../domain/protocol/server-message.ts';
import type { Clock, RawAnswer, Routing, UpstreamCall } from '../ports.ts';
import type { Child, Owner } from '../servers/child.ts';
import type { Deadlines, Limited } from './deadlines.ts';
import type { EraBridge } from './era-bridge.ts';
import { rpcErrorOf, type ClientReply } from './reply.ts';

/** A request as it came. */
export interface OutgoingRequest {
  readonly era: Era;
  readonly method: string;
  readonly params: JsonObject | undefined;
  readonly text: ClientText;
}

/** The server's own name or URI, as JSON text, in place of the public one. */
export interface Replacement {
  readonly slot: number;
  readonly text: string;
}

/** How a call is put to its server. */
export interface Delivery {
  readonly replace: Replacement | undefined;
  /** The server's own name or URI, where the client used another. */
  readonly upstreamName?: string | undefined;
  readonly paramHeaders?: Readonly<Record<string, string>>;
  /** Without an answer or progress for this long the call ends. */
  readonly timeoutMs: number;
}

export interface CallOptions {
  readonly request: OutgoingRequest;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly bridge: EraBridge;
  readonly reply: ClientReply;
  /** Whose call it is, where somebody can be told what the server says on its stream. */
  readonly owner?: Owner | undefined;
  readonly onDefect: (error: unknown) => void;
  /** Hears that the call is over, before its client does. */
  readonly onSettled: (call: Call) => void;
}

export class Call implements UpstreamCall, Limited {
  readonly #options: CallOptions;
  readonly reply: ClientReply;
  #parts: readonly string[] = [];
  #upstreamName: string | undefined;
  #paramHeaders: Readonly<Record<string, string>> = {};
  #sent: { readonly child: Child; readonly id: number } | undefined;
  #timeoutMs = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #settled = false;
  #aborter: AbortController | undefined;

  constructor(options: CallOptions) {
    this.#options = options;
    this.reply = options.reply;
  }

  get parts(): readonly string[] {
    return this.#parts;
  }

  get routing(): Routing {
    const { method, params } = this.#options.request;
    return { method, name: this.#upstreamName ?? nameIn(params), paramHeaders: this.#paramHeaders };
  }

  get owner(): Owner | undefined {
    return this.#options.owner;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The child that works on it; undefined while it waits for one. */
  get child(): Child | undefined {
    return this.#sent?.child;
  }

  /** Aborted when the call is over, however it ended. Made on demand: most calls need none. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#settled) this.#aborter.abort();
    return this.#aborter.signal;
  }

  /** Hands the call to a child whose work for it has begun (`Server.take`); the call ends that work. */
  sendTo(child: Child, delivery: Delivery): void {
    const { replace, timeoutMs } = delivery;
    const { request, bridge, clock } = this.#options;
    this.#upstreamName = delivery.upstreamName;
    this.#paramHeaders = delivery.paramHeaders ?? {};
    if (this.#settled) {
      child.end(clock.nowMs(), false);
      return;
    }
    try {
      const { era } = child.seat;
      this.#parts =
        era === request.era
          ? cutForServer(request.text, replace)
          : bridge.parts(request, era, replace);
      this.#sent = { child, id: child.connection.send(this) };
      this.#timeoutMs = timeoutMs;
      this.#extend();
      this.#options.deadlines.add(this);
    } catch (error) {
      child.end(clock.nowMs(), false);
      this.fail(error);
    }
  }

  answered(answer: RawAnswer): void {
    const child = this.#sent?.child;
    if (child === undefined || !this.#settle(true)) return;
    const { request, bridge } = this.#options;
    if (child.seat.era === request.era) this.reply.answer(answer);
    else bridge.answer(request, answer, this.reply);
  }

  /** Passes progress on under the client's own token; progress that nobody asked for ends here. */
  notified(message: ServerMessage): void {
    this.#extend();
    const { text, spans } = this.#options.request.text;
    const clientToken = spanText(text, spans, CLIENT_SLOT.progressToken);
    const { line } = message;
    if (
      clientToken === undefined ||
      spanText(line.text, line.spans, SERVER_SLOT.progressToken) === undefined
    )
      return;
    this.reply.send([
      line.text.slice(0, spanStart(line.spans, SERVER_SLOT.progressToken)),
      latin1(clientToken),
      line.text.slice(spanEnd(line.spans, SERVER_SLOT.progressToken)),
    ]);
  }

  lost(fault: Fault): void {
    if (this.#settle(false)) this.reply.refuse(rpcErrorOf(fault));
  }

  /** The gateway cannot carry the call out. Anything but a Fault is a defect: it ends this call and no other. */
  fail(error: unknown): void {
    if (!(error instanceof Fault)) this.#options.onDefect(error);
    if (!this.#settle(false)) return;
    const internal = { code: RPC.internalError, message: 'Internal error' };
    this.reply.refuse(error instanceof Fault ? rpcErrorOf(error) : internal);
  }

  /** The gateway refuses the call. @param status HTTP status where the protocol asks for one */
  refuse(error: RpcError, status?: number): void {
    if (this.#settle(false)) this.reply.refuse(error, status);
  }

  /** The client gave up: the server is told, the client gets no answer. */
  cancel(reason: string): void {
    const sent = this.#sent;
    if (sent !== undefined && !this.#settled) sent.child.connection.cancel(sent.id, reason);
    if (this.#settle(false)) this.reply.drop();
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  onDeadline(): void {
    const sent = this.#sent;
    if (sent === undefined) return;
    if (sent.child.asking > 0) {
      // The server waits for its client, perhaps for a person: that time is not the server's.
      this.#extend();
      return;
    }
    const seconds = this.#timeoutMs / 1_000;
    const fault = new Fault(
      'CALL_TIMED_OUT',
      `no answer and no progress in ${seconds} s (call_timeout_s)`,
    );
    sent.child.connection.cancel(sent.id, fault.message);
    this.fail(fault);
  }

  #extend(): void {
    this.#deadlineMs = performance.now() + this.#timeoutMs;
  }

  #settle(answered: boolean): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#options.deadlines.remove(this);
    this.#aborter?.abort();
    if (this.#sent !== undefined) {
      const { child } = this.#sent;
      // It may work on, and ask or log for this client: it is not lent to another one.
      if (!answered) child.bound = true;
      child.end(this.#options.clock.nowMs(), answered);
    }
    this.#options.onSettled(this);
    return true;
  }
}

/** The tool, prompt or resource that params name. */
function nameIn(params: JsonObject | undefined): string | undefined {
  const name = params?.['name'] ?? params?.['uri'] ?? params?.['taskId'];
  return typeof name === 'string' ? name : undefined;
}

/** UTF-16 text as one byte a character. */
export const latin1 = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- the range is the whole point: pure ASCII is its own byte form
  /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
