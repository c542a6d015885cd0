/**
 * One client request on its way to a server and back. It settles exactly once: answered by the server, failed by
 * the gateway (timeout, ended server, refused start), or cancelled by its client.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { latin1 } from '../byte-text.ts';
import { missingCapability } from '../../domain/protocol/input-rounds.ts';
import { isObject, RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import {
  CLIENT_SLOT,
  cutForServer,
  type ClientText,
} from '../../domain/protocol/client-message.ts';
import { spanEnd, spanStart, spanText } from '../../domain/protocol/json-spans.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { SERVER_SLOT, type ServerMessage } from '../../domain/protocol/server-message.ts';
import type { Clock, RawAnswer, Routing, UpstreamCall } from '../ports.ts';
import type { WantedInput } from '../../domain/protocol/wanted-input.ts';
import type { Child, Owner } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import { ONE_ATTEMPT, type Attempts, type CallGate } from './call-gate.ts';
import { endingOf, errorIn, timedOut, type CallEnding, type Ending } from './call-ending.ts';
import type { Companion, Sent } from './companion.ts';
import type { Delivery, ToolTraits } from './delivery.ts';
import type { Deadlines, Limited } from './deadlines.ts';
import type { EraBridge } from './era-bridge.ts';
import { faultCodeOf, rpcErrorOf, type ClientReply } from './reply.ts';
import { Rounds } from './rounds.ts';
import { undeclaredInput } from './undeclared-input.ts';

/** A request as it came. */
export interface OutgoingRequest {
  readonly era: Era;
  readonly method: string;
  readonly params: JsonObject | undefined;
  readonly text: ClientText;
  /** Whose it is, as a server of the other era has to be told. */
  readonly user: ServerUser;
}

export interface CallOptions {
  readonly request: OutgoingRequest;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly bridge: EraBridge;
  readonly reply: ClientReply;
  readonly onDefect: (error: unknown) => void;
  /** Hears that the call is over, before its client does. */
  readonly onSettled: (call: Call) => void;
  /** Hears that a server has the call. */
  readonly onSent?: (() => void) | undefined;
}

const NO_CALLS: readonly Call[] = [];
export class Call implements UpstreamCall, Limited {
  readonly #options: CallOptions;
  readonly reply: ClientReply;
  /** The server that it is for, once that is known. */
  target: CallTarget | undefined;
  #parts: readonly string[] = [];
  #upstreamName: string | undefined;
  #paramHeaders: Readonly<Record<string, string>> = {};
  #sent: Sent | undefined;
  #timeoutMs = 0;
  #timeoutKey = 'call_timeout_s';
  #deadlineMs = Number.POSITIVE_INFINITY;
  deadlineKey = 0;
  #beganAtMs = 0;
  /** When the attempt began that is under way, or was the last. */
  #attemptAtMs = 0;
  /** Set where limits or further attempts are configured. */
  gate: CallGate | undefined;
  /** A server has had it, and its caller was told. */
  #wasSent = false;
  #ending: CallEnding | undefined;
  #aborter: AbortController | undefined;
  /** The calls that carry this one out, where the gateway makes some for it; the latest is the last. */
  #carriers: readonly Call[] = NO_CALLS;
  #latestText: ClientText;
  /** Known where the server speaks the other era. */
  #traits: (() => ToolTraits) | undefined;
  /** What the server wants of the client before it goes on; none where both speak one era. */
  #rounds: Rounds | undefined;
  /** The child that wanted it last. */
  #wanting: Child | undefined;
  askedInVain: JsonObject | undefined;
  /** Takes a child for the call once more. Set where client and server speak different eras. */
  again: (() => void) | undefined;
  /**
   * Asked where the way to the server failed: how the call goes on with another one, or undefined where it does not. Set
   * for calls to groups.
   */
  onLost: ((error: unknown, wasSent: boolean) => (() => void) | undefined) | undefined;
  companion: Companion | undefined;
  /** A server has failed it and another one is looked for; its time goes on. */
  #isHandedOver = false;

  constructor(options: CallOptions) {
    this.#options = options;
    this.reply = options.reply;
    this.#latestText = options.request.text;
  }

  get parts(): readonly string[] {
    return this.#parts;
  }

  get routing(): Routing {
    const { method, params } = this.#options.request;
    return { method, name: this.#upstreamName ?? nameIn(params), paramHeaders: this.#paramHeaders };
  }

  get owner(): Owner {
    return this.#options.request.user.owner;
  }

  get settled(): boolean {
    return this.#ending !== undefined;
  }

  /** How it ended; undefined while it is under way. */
  get ending(): CallEnding | undefined {
    return this.#ending;
  }

  /** How often it was tried so far, and why again. */
  get attempts(): Attempts {
    return this.gate?.attempts ?? ONE_ATTEMPT;
  }

  /** The child that works on it; undefined while it waits for one. */
  get child(): Child | undefined {
    return this.#sent?.child ?? this.#carriers.at(-1)?.child;
  }

  /** Its id on the connection to that child; undefined while it has none, and where another call carries it out. */
  get upstreamId(): number | undefined {
    return this.#sent?.id;
  }

  /** The server that works on it, or is to. */
  get mcpServerId(): string | undefined {
    return this.target?.mcpServerId ?? this.#carriers.at(-1)?.mcpServerId;
  }

  /** Nobody works on it: its client has questions to answer. */
  get isAskingClient(): boolean {
    return this.#rounds?.isAsking ?? this.#carriers.some((call) => call.isAskingClient);
  }

  isCarriedBy(call: Call): boolean {
    return this.#carriers.some((carrier) => carrier === call || carrier.isCarriedBy(call));
  }

  /** Whether a child works on it, itself or on one of its carriers. */
  isWorkOf(child: Child): boolean {
    return this.#sent?.child === child || this.#carriers.some((carrier) => carrier.isWorkOf(child));
  }

  /** What the server says during `carrier` belongs to this call. */
  carriedBy(carrier: Call): void {
    this.#carriers = [...this.#carriers.filter(({ settled }) => !settled), carrier];
  }

  /** Aborted when the call is over, however it ended. Made on demand: most calls need none. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.settled) this.#aborter.abort();
    return this.#aborter.signal;
  }

  /** Hands the call to a child whose work for it has begun (`Server.take`); the call ends that work. */
  sendTo(child: Child, delivery: Delivery): void {
    const { replace, timeoutMs, key } = delivery;
    const { request, bridge, clock } = this.#options;
    this.#upstreamName = delivery.upstreamName;
    this.#paramHeaders = delivery.paramHeaders ?? {};
    if (this.settled) {
      child.end(clock.nowMs(), false);
      return;
    }
    if (this.#attemptAtMs === 0) this.#attemptAtMs = clock.nowMs();
    if (this.#beganAtMs === 0) this.#beganAtMs = this.#attemptAtMs;
    try {
      if (child.seat.era === request.era) this.#parts = cutForServer(request.text, replace);
      else {
        this.#traits = delivery.traits;
        this.#parts = bridge.parts(request, child, { replace, retry: this.#rounds?.retryParams });
      }
      this.#sent = { child, id: child.connection.send(this) };
      this.#timeoutMs = timeoutMs;
      if (key !== undefined) this.#timeoutKey = key;
      this.gate?.sentTo(child);
      if (this.#isHandedOver) return;
      this.#extend();
      this.#options.deadlines.add(this);
      // Told again when its client has answered, but not of a further attempt.
      if (!this.#wasSent || this.#rounds !== undefined) this.#options.onSent?.();
      this.#wasSent = true;
    } catch (error) {
      child.end(clock.nowMs(), false);
      if (!this.#goesOn(error, true)) this.fail(error);
    }
  }

  answered(answer: RawAnswer): void {
    const child = this.#sent?.child;
    const { request } = this.#options;
    if (child !== undefined && child.seat.era !== request.era) {
      try {
        this.#answeredAcross(child, answer);
      } catch (error) {
        this.fail(error); // what a server writes must cost its own call only
      }
      return;
    }
    const error = errorIn(answer, request.method);
    const outcome = error === undefined ? 'answered' : 'answered-error';
    if (child === undefined || !this.#settle({ outcome, error, bytes: answer.bytes })) return;
    this.reply.answer(answer);
  }

  #answeredAcross(child: Child, answer: RawAnswer): void {
    if (this.settled) return; // too late: it is not even read
    const { request, bridge } = this.#options;
    const read = bridge.read(request, answer, () => this.#traits?.().wrapsOutput === true);
    if (read.kind === 'input') {
      this.#askClient(child, read.wanted);
      return;
    }
    const error =
      read.kind === 'refused'
        ? (faultCodeOf(read.error) ?? 'rpc error')
        : errorIn(answer, request.method);
    const outcome = error === undefined ? 'answered' : 'answered-error';
    const inVain = this.askedInVain ?? child.askedInVain;
    const missing = undeclaredInput(read, inVain, { child, user: request.user });
    if (!this.#settle({ outcome, error, bytes: answer.bytes })) return;
    // It failed after it had asked for what a modern client declares with every request: such a client is told so.
    if (error !== undefined && request.era === 'modern' && missing !== undefined)
      this.reply.refuse(missingCapability(missing));
    else if (read.kind === 'answer') this.reply.answer(read.answer);
    else if (read.kind === 'refused') this.reply.refuse(read.error);
    else this.reply.result(read.result);
  }

  /**
   * A modern server has forgotten the request that it answered so. While its client thinks nothing is held: no child, no
   * time limit of the call's; each question has its own.
   */
  #askClient(child: Child, wanted: WantedInput): void {
    const { clock, deadlines, request } = this.#options;
    const { asker, owner } = request.user;
    this.#sent = undefined;
    this.#wanting = child;
    deadlines.remove(this);
    this.gate?.leavesChild();
    child.end(clock.nowMs(), true);
    this.#rounds ??= new Rounds({
      capabilities: asker.capabilities,
      put: (question, sink) => {
        if (owner.ask !== undefined) return owner.ask(this, question, sink);
        throw new Fault('INPUT_NOT_SUPPORTED', 'nobody can be asked for this call');
      },
      goOn: () => {
        this.gate?.waitsForClient(false);
        this.again?.();
      },
      fail: (error) => this.fail(error),
    });
    this.#rounds.next(wanted);
  }

  /** Passes progress on under the client's own token; progress that nobody asked for ends here. */
  notified(message: ServerMessage): void {
    this.#extend();
    const { text, spans } = this.#latestText;
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

  lost(fault: Fault, isUnsent = false): void {
    if (this.#goesOn(fault, isUnsent) || this.#triesAgain(fault, isUnsent)) return;
    if (this.#settle(endingOf(fault))) this.reply.refuse(rpcErrorOf(fault));
  }

  /** Lets go of the child that failed it, where another one takes the call over: the client hears nothing of that. */
  #goesOn(error: unknown, isUnsent: boolean): boolean {
    const sent = this.#sent;
    if (this.onLost === undefined || this.settled || this.#rounds !== undefined) return false;
    const isWaitedFor = this.companion?.isUnderWay === true;
    const goOn = isWaitedFor
      ? () => undefined
      : this.onLost(error, sent !== undefined && !isUnsent);
    if (goOn === undefined || (sent?.child.asking ?? 0) > 0) return false;
    this.#isHandedOver = this.#deadlineMs !== Number.POSITIVE_INFINITY;
    this.#leave(endingOf(error));
    goOn();
    return true;
  }

  /** Lets go of the child before the call is over. */
  #leave({ outcome, detail = '' }: Ending): void {
    const sent = this.#sent;
    if (sent === undefined) return;
    this.#sent = undefined;
    sent.child.spoiled = true;
    sent.child.report({ outcome, beganAtMs: this.#attemptAtMs, reason: detail });
    sent.child.end(this.#options.clock.nowMs(), false);
  }

  /** Its companion was answered first: the one that works on it still is told to stop. */
  overtakenBy(winner: Sent, answer: RawAnswer): void {
    const loser = this.#sent;
    loser?.child.connection.cancel(loser.id, 'another member has answered');
    this.#leave({ outcome: 'given-up', error: undefined, bytes: 0 });
    this.#sent = winner;
    if (this.target !== undefined)
      this.target = { ...this.target, mcpServerId: winner.child.mcpServerId };
    this.answered(answer);
  }

  /** The gateway cannot carry the call out. Anything but a Fault is a defect: it ends this call and no other. */
  fail(error: unknown): void {
    if (!(error instanceof Fault)) this.#options.onDefect(error);
    else if (this.#triesAgain(error, this.#sent === undefined)) return;
    if (!this.#settle(endingOf(error))) return;
    const internal = { code: RPC.internalError, message: 'Internal error' };
    this.reply.refuse(error instanceof Fault ? rpcErrorOf(error) : internal);
  }

  /** Whether another attempt follows the one that failed: then nothing is left of this one. */
  #triesAgain(fault: Fault, isUnsent: boolean): boolean {
    if (this.gate === undefined || this.settled || this.#rounds !== undefined) return false;
    const child = this.#sent?.child;
    if (child?.stopping === true) return false; // whoever ends a server does not want it started again
    if (!this.gate.triesAgain(fault, isUnsent)) return false;
    const { clock, deadlines } = this.#options;
    this.#sent = undefined;
    deadlines.remove(this);
    if (child !== undefined) {
      child.spoiled = true; // it may work on
      const { outcome } = endingOf(fault);
      child.report({ outcome, beganAtMs: this.#attemptAtMs, reason: fault.message });
      child.end(clock.nowMs(), false);
    }
    this.#attemptAtMs = 0;
    return true;
  }

  /** The gateway refuses the call. */
  refuse(error: RpcError): void {
    const code = isObject(error.data) ? error.data['code'] : undefined;
    const name = typeof code === 'string' ? code : `rpc ${error.code}`;
    if (this.#settle({ outcome: 'given-up', error: name, bytes: 0 })) this.reply.refuse(error);
  }

  /** The gateway itself has done what was asked. */
  finish(answer: (reply: ClientReply) => void): void {
    const ending: Ending = { outcome: 'answered', error: undefined, bytes: 0 };
    if (this.#settle(ending)) answer(this.reply);
  }

  /**
   * Progress goes on under the token of `text`: the client's request that the answer goes to now. The server has its
   * whole time again.
   */
  continuedBy(text: ClientText): void {
    this.#latestText = text;
    if (!this.settled) this.#extend();
  }

  /** The gateway ends a call that the server works on. */
  giveUp(error: unknown): void {
    const sent = this.#sent;
    if (sent !== undefined && !this.settled)
      sent.child.connection.cancel(sent.id, messageOf(error));
    this.fail(error);
  }

  /** The client gave up: the server is told, the client gets no answer. */
  cancel(reason: string): void {
    const sent = this.#sent;
    if (sent !== undefined && !this.settled) sent.child.connection.cancel(sent.id, reason);
    if (this.#settle({ outcome: 'given-up', error: 'cancelled', bytes: 0 })) this.reply.drop();
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  onDeadline(): void {
    const seconds = this.#timeoutMs / 1_000;
    const detail = `no answer and no progress in ${seconds} s (${this.#timeoutKey})`;
    if (!this.timeOut(timedOut(detail, false), this.#timeoutMs)) this.#extend();
  }

  /**
   * Ends a call that a server has. False where it goes on, because the server waits for its client, perhaps for a
   * person, or did less than `limitMs` ago: that time is not the server's.
   */
  timeOut(fault: Fault, limitMs: number): boolean {
    const sent = this.#sent;
    if (sent === undefined && this.#isHandedOver && !this.settled) {
      this.fail(fault);
      return true;
    }
    if (sent === undefined || this.settled || sent.child.asking > 0) return false;
    if (performance.now() - sent.child.askedUntilMs < limitMs) return false;
    sent.child.connection.cancel(sent.id, fault.message);
    this.fail(fault);
    return true;
  }

  #extend(): void {
    this.#deadlineMs = performance.now() + this.#timeoutMs;
  }

  #settle({ outcome, error, detail, bytes }: Ending): boolean {
    if (this.settled) return false;
    const { clock, deadlines, onSettled, onDefect } = this.#options;
    const nowMs = clock.nowMs();
    const durationMs = this.#beganAtMs === 0 ? 0 : nowMs - this.#beganAtMs;
    this.#ending = { outcome, error, detail, bytes, durationMs };
    deadlines.remove(this);
    this.#rounds?.close();
    this.companion?.close();
    this.#aborter?.abort();
    if (this.#sent !== undefined) {
      const { child } = this.#sent;
      const isAnswered = outcome === 'answered' || outcome === 'answered-error';
      // It may work on, and ask or log for this client: it is not lent to another one.
      if (!isAnswered) child.spoiled = true;
      child.report({ outcome, beganAtMs: this.#attemptAtMs, reason: detail ?? error ?? '' });
      child.end(nowMs, isAnswered);
    } else this.#wanting?.report({ outcome: 'given-up', beganAtMs: this.#beganAtMs, reason: '' });
    try {
      onSettled(this);
    } catch (error) {
      onDefect(error); // what is done beside a call must not cost the call, nor the gateway
    }
    return true;
  }
}

export interface CallTarget {
  readonly mcpServerId: string;
  /** Where the client named a group of which that is a member. */
  readonly groupId?: string | undefined;
  /** The server's own name for what is called, where the client used another. */
  readonly name: string | undefined;
}

/** The tool, prompt or resource that params name. */
function nameIn(params: JsonObject | undefined): string | undefined {
  const name = params?.['name'] ?? params?.['uri'] ?? params?.['taskId'];
  return typeof name === 'string' ? name : undefined;
}
