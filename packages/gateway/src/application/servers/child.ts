/**
 * One running child of a server, and to whom it may speak.
 *
 * A child is *bound* once it said something on its own that only its owner may hear (asked for roots, logged,
 * was subscribed to): it may remember that owner, so it is never lent to another one. It is *spoiled* once a call was
 * given up: it may work on for somebody who does not wait any more, so it is lent to nobody.
 */
import { SlotMap } from '@mcp-hangar/kernel/slot-map';
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import { missingFor, type InputRequest } from '../../domain/protocol/input-rounds.ts';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT, type ServerMessage } from '../../domain/protocol/server-message.ts';
import { utf8 } from '../byte-text.ts';
import { ask } from '../calls/ask.ts';
import type { AnswerSink } from '../calls/rounds.ts';
import type { ConnectionObserver, UpstreamCall, UpstreamConnection } from '../ports.ts';
import type { EndedCall } from './lifecycle-keeper.ts';

const SET_LEVEL_TIMEOUT_MS = 10_000;

export type ServerRequest = Extract<ServerMessage, { kind: 'request' }>;
export type ServerNotification = Extract<ServerMessage, { kind: 'notification' }>;

/** The client side of a child: who may be asked and told. */
export interface Owner {
  /** The level at which it asked for log messages; a child is told before it works for the owner. */
  readonly logLevel: string | undefined;
  /** @param during the call on whose stream it came, where the transport has streams */
  serverRequest(child: Child, request: ServerRequest, during?: UpstreamCall): void;
  serverNotification(child: Child, notification: ServerNotification, during?: UpstreamCall): void;
  /** What the child asked and was not answered yet will not be read any more. */
  childEnded(child: Child): void;
  /**
   * Asks the client what a modern server wants before it goes on with `call`, on the stream of that call. Answers how to
   * take it back. Absent where the client is told by the answer to its call.
   * @throws Fault where the client cannot be asked now
   */
  ask?(call: UpstreamCall, question: InputRequest, sink: AnswerSink): () => void;
  /** Lists that only this owner sees have changed. */
  listsChanged(changed: readonly ChangedList[]): void;
}

/** A list that a client may hear of. */
export type ChangedList = 'tools' | 'prompts' | 'resources';

/** What a client that declares nothing would have to declare to be asked with `method`. */
const undeclared = (method: string): JsonObject | undefined =>
  missingFor({ method, params: {} }, NO_CAPABILITIES);

/** Whoever cannot be asked or told anything: most modern requests, and the gateway itself. */
export const NOBODY: Owner = {
  logLevel: undefined,
  serverRequest: (child, request, during) =>
    child.refuseAsking(request, undeclared(request.method), during),
  serverNotification: () => undefined,
  childEnded: () => undefined,
  listsChanged: () => undefined,
};

/** The gateway itself, while it lists a server: what it hears then concerns nobody. */
export const GATEWAY: Owner = { ...NOBODY };

/** Told when a child begins to wait for the client of its calls, and when it goes on. */
export interface WaitingForClient {
  waitsForClient(isWaiting: boolean): void;
}

/** What a child reports to the server that it belongs to. */
export interface ChildEvents {
  readonly spec: Pick<McpServerSpec, 'id' | 'hiddenTools'>;
  /** A change of lists, of a resource, or of a task: it says itself whom it concerns. */
  changed(child: Child, notification: ServerNotification): void;
  /** The last request in flight is over, or its work waits for its client's next request. */
  rested(child: Child): void;
  /** It answered its first call. */
  proved(child: Child): void;
  ended(child: Child, detail: string): void;
  /** A call that was handed to it is over. */
  callEnded(child: Child, call: EndedCall): void;
  /** What was done with a message of the server has failed: a fault of ours, which costs that message. */
  defect(child: Child, error: unknown): void;
  /** Nobody could be told for whom the message was. */
  unattributed(child: Child, method: string): void;
}

const BROADCAST: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/tasks/status',
]);

/** They name a question, which has one owner, whoever else the child has worked for. */
const ABOUT_QUESTIONS: ReadonlySet<string> = new Set([
  'notifications/cancelled',
  'notifications/elicitation/complete',
]);

export class Child implements ConnectionObserver {
  readonly seat: Seat;
  readonly #events: ChildEvents;
  #connection: UpstreamConnection | undefined;
  /** Whose requests it may send; of a shared child nobody's. */
  owner: Owner | undefined;
  /** The only one that the child ever worked for; `many` from the second on. What it says on its own is for it. */
  #audience: Owner | 'many' | undefined;
  #logLevel: string | undefined;
  bound = false;
  spoiled = false;
  /** What the only call in flight would have had to declare for what was asked during it. */
  askedInVain: JsonObject | undefined;
  /** Its call waits for the client's next request; it takes no place among those that work. */
  #isParked = false;
  /** Requests of the server that wait for the owner's answer. */
  #asking = 0;
  /** Calls at it that take no place while it waits for their client. */
  readonly guarded = new SlotMap<WaitingForClient>();
  /** When the last of them was answered, by `performance.now()`. */
  askedUntilMs = Number.NEGATIVE_INFINITY;
  /** Subscriptions that keep it running. */
  pins = 0;
  /** Tasks that it works on, or whose results were not fetched yet. */
  tasks = 0;
  inFlight = 0;
  #proved = false;
  startedAtMs = 0;
  lastUsedAtMs = 0;
  /** When it answered last, its handshake included. */
  answeredAtMs = 0;
  /** Calls that nobody waited for any longer since then. */
  givenUp = 0;
  /** Set when we end it ourselves: its exit is no crash. */
  stopping = false;
  #hasEnded = false;

  constructor(seat: Seat, events: ChildEvents) {
    this.seat = seat;
    this.#events = events;
  }

  get connection(): UpstreamConnection {
    if (this.#connection === undefined) throw new Error('the child is not connected yet');
    return this.#connection;
  }

  /** Of its server, as it is configured now. */
  get spec(): ChildEvents['spec'] {
    return this.#events.spec;
  }

  /** The server that it is a child of. */
  get mcpServerId(): string {
    return this.#events.spec.id;
  }

  /** It can serve nobody any more. */
  get isGone(): boolean {
    return this.stopping || this.#hasEnded;
  }

  connected(connection: UpstreamConnection): void {
    this.#connection = connection;
  }

  /** Work for `owner` begins; it is over with `end`. Until then the child is neither stopped nor lent to others. */
  begin(owner: Owner): void {
    this.inFlight += 1;
    this.askedInVain = undefined;
    if (owner === GATEWAY) return;
    this.#audience = this.mayTell(owner) ? owner : 'many';
    if (this.seat.kind === 'shared') return;
    // Where work for another one goes on, or may go on though it was given up, whom it means cannot be known.
    if ((this.inFlight > 1 || this.spoiled) && this.owner !== owner) {
      this.owner = undefined;
    } else {
      this.owner = owner;
      if (owner.logLevel !== this.#logLevel) this.#setLogLevel(owner.logLevel);
    }
  }

  /** @param answered whether the server answered, as opposed to a timeout, a cancellation or its end */
  end(nowMs: number, answered: boolean): void {
    this.inFlight -= 1;
    this.lastUsedAtMs = nowMs;
    if (answered) this.alive(nowMs);
    if (answered && !this.#proved) {
      this.#proved = true;
      this.#events.proved(this);
    }
    if (this.inFlight > 0) return;
    // A modern server says nothing for a request that it has answered; a legacy one may log late, to one session.
    const isForgotten = this.isLentByCall ? !this.spoiled : answered && this.seat.era === 'modern';
    if (isForgotten) this.#audience = undefined;
    this.#events.rested(this);
  }

  /** It has answered something. */
  alive(nowMs: number): void {
    this.answeredAtMs = nowMs;
    this.givenUp = 0;
  }

  /** How a call ended, beside the end of the work for it. */
  report(call: EndedCall): void {
    if (call.outcome === 'given-up') this.givenUp += 1;
    this.#events.callEnded(this, call);
  }

  /** It is lent for one call at a time. */
  get isLentByCall(): boolean {
    return this.seat.kind === 'leased' && this.seat.lending !== 'session';
  }

  get isParked(): boolean {
    return this.#isParked;
  }

  set isParked(parked: boolean) {
    if (this.#isParked === parked) return;
    this.#isParked = parked;
    if (parked) this.#events.rested(this); // others may go on in its place
  }

  /** Something keeps it: work, a question, a subscription, a task, or the session that it belongs to. */
  get isHeld(): boolean {
    const belongs =
      this.seat.kind === 'own' && this.seat.isOneClients && this.workedFor !== undefined;
    const isWaitedFor = this.pins > 0 || this.tasks > 0;
    return belongs || this.inFlight > 0 || this.asking > 0 || isWaitedFor;
  }

  get asking(): number {
    return this.#asking;
  }

  set asking(count: number) {
    const isChange = this.#asking > 0 !== count > 0;
    this.#asking = count;
    if (isChange) for (const call of this.guarded) call.waitsForClient(count > 0);
  }

  /** A request of the server was answered, or nobody will answer it. */
  asked(): void {
    this.asking -= 1;
    this.askedUntilMs = performance.now();
    if (this.asking === 0 && this.inFlight === 0) this.#events.rested(this);
  }

  #setLogLevel(level: string | undefined): void {
    this.#logLevel = level;
    if (level === undefined || this.seat.era === 'modern') return;
    this.bound = true; // it may log late, also where it has not said that it logs
    const capabilities = this.connection.hello['capabilities'];
    if (!isObject(capabilities) || capabilities['logging'] === undefined) return;
    // A server that refuses the level logs as it likes; the call that follows does not wait for it.
    ask(this.connection, 'logging/setLevel', { level }, { timeoutMs: SET_LEVEL_TIMEOUT_MS }).catch(
      () => undefined,
    );
  }

  /** The client that this child, told of nobody else, has worked for; undefined for shared and modern ones. */
  get workedFor(): Owner | undefined {
    const isOneOwners = this.seat.kind !== 'shared' && !this.isLentByCall;
    return isOneOwners && this.seat.era === 'legacy' ? this.owner : undefined;
  }

  /** Whether what the child says without saying for whom can only be for `owner`. */
  mayTell(owner: Owner): boolean {
    return this.#audience === undefined || this.#audience === owner;
  }

  /** Whether it has answered a call. */
  get proved(): boolean {
    return this.#proved;
  }

  request(request: ServerRequest, during?: UpstreamCall): void {
    try {
      this.#onRequest(request, during);
    } catch (error) {
      this.#events.defect(this, error);
      this.refuse(request.rawId, RPC.internalError, 'the gateway could not pass it on');
    }
  }

  notification(notification: ServerNotification, during?: UpstreamCall): void {
    try {
      this.#onNotification(notification, during);
    } catch (error) {
      this.#events.defect(this, error);
    }
  }

  #onRequest(request: ServerRequest, during: UpstreamCall | undefined): void {
    // On the stream of a call it is for whoever made the call; on its own, for the only one that it can be for.
    const owner = during === undefined ? this.owner : during.owner;
    if (request.method === 'ping') {
      this.connection.write(`{"jsonrpc":"2.0","id":${request.rawId},"result":{}}`);
    } else if (owner === undefined || owner === NOBODY) {
      this.spoiled ||= this.isLentByCall; // it takes the refusal for that of whoever gets it next
      this.refuseAsking(request, undeclared(request.method), during);
    } else {
      if (request.method === 'roots/list') this.bound = true;
      owner.serverRequest(this, request, during);
    }
  }

  #onNotification(notification: ServerNotification, during: UpstreamCall | undefined): void {
    if (BROADCAST.has(notification.method)) {
      this.#events.changed(this, notification);
      return;
    }
    const listener = during === undefined ? this.#listenerTo(notification) : during.owner;
    if (listener === undefined || listener === 'many') {
      this.#events.unattributed(this, notification.method);
      return;
    }
    if (this.seat.era === 'legacy') this.bound = true;
    listener.serverNotification(this, notification, during);
  }

  /** Who can be meant where the transport does not say it. */
  #listenerTo({ method }: ServerNotification): Owner | 'many' | undefined {
    return ABOUT_QUESTIONS.has(method) ? this.owner : this.#audience;
  }

  ended(detail: string): void {
    this.#hasEnded = true;
    this.owner?.childEnded(this);
    this.#events.ended(this, detail);
  }

  /** Refuses what the client has not declared: `missing`. Where it is clear for which call, that is remembered. */
  refuseAsking(
    { rawId, method }: Pick<ServerRequest, 'rawId' | 'method'>,
    missing: JsonObject | undefined,
    during?: UpstreamCall,
  ): void {
    if (during !== undefined) during.askedInVain = missing;
    else if (this.inFlight === 1) this.askedInVain = missing;
    this.refuse(rawId, RPC.methodNotFound, `the client does not support ${method}`);
  }

  /** Answers a request of the server with an error. */
  refuse(rawId: string, code: number, message: string): void {
    const error = JSON.stringify({ code, message });
    this.connection.write(`{"jsonrpc":"2.0","id":${rawId},"error":${error}}`);
  }
}

/** The resource that `notifications/resources/updated` names; undefined where it names none. */
export function updatedUri({ line }: Pick<ServerNotification, 'line'>): string | undefined {
  const raw = spanText(line.text, line.spans, SERVER_SLOT.updatedUri);
  if (raw?.startsWith('"') !== true) return undefined;
  try {
    return String(JSON.parse(utf8(raw)));
  } catch {
    return undefined; // a long line comes unchecked
  }
}
