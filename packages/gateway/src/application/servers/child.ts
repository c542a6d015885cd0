/**
 * One running child of a server, and to whom it may speak.
 *
 * A child is *bound* once it said something on its own that only its owner may hear (asked for roots, logged,
 * was subscribed to): it may remember that owner, so it is never lent to another one.
 */
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import { spanText } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT, type ServerMessage } from '../../domain/protocol/server-message.ts';
import type { ConnectionObserver, UpstreamConnection } from '../ports.ts';

export type ServerRequest = Extract<ServerMessage, { kind: 'request' }>;
export type ServerNotification = Extract<ServerMessage, { kind: 'notification' }>;

/** The client side of a child: who may be asked and told. */
export interface Owner {
  readonly id: string;
  serverRequest(child: Child, request: ServerRequest): void;
  serverNotification(child: Child, notification: ServerNotification): void;
}

/** What a child reports to the server that it belongs to. */
export interface ChildEvents {
  /** A change of lists or of a resource: everybody's business. */
  changed(child: Child, notification: ServerNotification): void;
  /** The last request in flight is answered. */
  rested(child: Child): void;
  ended(child: Child, detail: string): void;
  /** Nobody could be told for whom the message was. */
  unattributed(child: Child, method: string): void;
}

const BROADCAST = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
]);

export class Child implements ConnectionObserver {
  readonly seat: Seat;
  readonly #events: ChildEvents;
  #connection: UpstreamConnection | undefined;
  /** Whose requests it may send; of a shared child nobody's. */
  owner: Owner | undefined;
  /** The only client that a shared child has ever served; `many` from the second on. */
  #audience: Owner | 'many' | undefined;
  bound = false;
  /** Requests of the server that wait for the owner's answer. */
  asking = 0;
  /** Subscriptions that keep it running. */
  pins = 0;
  inFlight = 0;
  answeredCalls = 0;
  lastUsedAtMs = 0;
  /** Set when we end it ourselves: its exit is no crash. */
  stopping = false;

  constructor(seat: Seat, events: ChildEvents) {
    this.seat = seat;
    this.#events = events;
  }

  get connection(): UpstreamConnection {
    if (this.#connection === undefined) throw new Error('the child is not connected yet');
    return this.#connection;
  }

  connected(connection: UpstreamConnection): void {
    this.#connection = connection;
  }

  /** A call of `owner` begins. The caller ends it with `end`. */
  begin(owner: Owner | undefined): void {
    this.inFlight += 1;
    if (this.seat.kind === 'shared') {
      if (this.#audience === undefined) this.#audience = owner ?? 'many';
      else if (this.#audience !== owner) this.#audience = 'many';
    } else this.owner = owner;
  }

  end(nowMs: number): void {
    this.inFlight -= 1;
    this.lastUsedAtMs = nowMs;
    if (this.inFlight === 0) this.#events.rested(this);
  }

  request(request: ServerRequest): void {
    if (request.method === 'ping') {
      this.connection.write(`{"jsonrpc":"2.0","id":${request.rawId},"result":{}}`);
    } else if (this.owner === undefined) {
      this.refuse(request.rawId, -32601, 'the client supports no requests from servers');
    } else {
      if (request.method === 'roots/list') this.bound = true;
      this.owner.serverRequest(this, request);
    }
  }

  notification(notification: ServerNotification): void {
    if (BROADCAST.has(notification.method)) {
      this.#events.changed(this, notification);
      return;
    }
    const listener = this.seat.kind === 'shared' ? this.#audience : this.owner;
    if (listener === undefined || listener === 'many') {
      this.#events.unattributed(this, notification.method);
      return;
    }
    if (this.seat.era === 'legacy') this.bound = true;
    listener.serverNotification(this, notification);
  }

  ended(detail: string): void {
    this.#events.ended(this, detail);
  }

  /** Answers a request of the server with an error. */
  refuse(rawId: string, code: number, message: string): void {
    const error = JSON.stringify({ code, message });
    this.connection.write(`{"jsonrpc":"2.0","id":${rawId},"error":${error}}`);
  }
}

/** The resource that `notifications/resources/updated` names. */
export function updatedUri(notification: ServerNotification): string | undefined {
  const raw = spanText(notification.line.text, notification.line.spans, SERVER_SLOT.updatedUri);
  if (raw === undefined || !raw.startsWith('"')) return undefined;
  return String(JSON.parse(Buffer.from(raw, 'latin1').utf8Slice()));
}
