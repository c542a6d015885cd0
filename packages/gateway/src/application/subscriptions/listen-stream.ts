/** One `subscriptions/listen` of the gateway's own on one connection. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ServerMessage } from '../../domain/protocol/server-message.ts';
import { paramsIn, parseAnswer, plainError, routingOf, RpcRefusal } from '../calls/ask.ts';
import type { RawAnswer, UpstreamCall, UpstreamConnection } from '../ports.ts';
import type { ServerNotification } from '../servers/child.ts';
import { filterIn, notificationsOf, type ListenFilter } from './listen-filter.ts';

const METHOD = 'subscriptions/listen';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

export interface ListenEvents {
  /** First, and once more each time that the transport had to ask again. */
  acknowledged(stream: ListenStream, honoured: ListenFilter): void;
  told(stream: ListenStream, notification: ServerNotification): void;
  /** It is over: ended by the server, refused, or lost. Not told after `close`. */
  ended(stream: ListenStream, reason: Error): void;
}

export class ListenStream implements UpstreamCall {
  /** What it asks for. */
  readonly wanted: ListenFilter;
  readonly parts: readonly string[];
  readonly routing = routingOf(METHOD);
  readonly #events: ListenEvents;
  readonly #connection: UpstreamConnection;
  #id: number | undefined;
  /** Undefined until the server has acknowledged anything. */
  honoured: ListenFilter | undefined;

  constructor(
    connection: UpstreamConnection,
    { wanted, meta }: { readonly wanted: ListenFilter; readonly meta: JsonObject },
    events: ListenEvents,
  ) {
    this.#connection = connection;
    this.#events = events;
    this.wanted = wanted;
    const params = JSON.stringify({ notifications: notificationsOf(wanted), ...meta });
    this.parts = ['{"jsonrpc":"2.0","id":', `,"method":"${METHOD}","params":${params}}`];
  }

  /** @throws Fault where the connection takes no request */
  open(): void {
    this.#id = this.#connection.send(this);
  }

  close(): void {
    if (this.#id !== undefined) this.#connection.cancel(this.#id, 'it is not listened to any more');
  }

  answered(answer: RawAnswer): void {
    const error = parseAnswer(answer)?.['error'];
    const ended = new Fault('UPSTREAM_ENDED', 'the server ended the subscription');
    this.#events.ended(this, isObject(error) ? new RpcRefusal(plainError(error)) : ended);
  }

  lost(fault: Fault): void {
    this.#events.ended(this, fault);
  }

  notified(message: ServerMessage): void {
    if (message.kind !== 'notification') return;
    if (message.method !== ACKNOWLEDGED) {
      this.#events.told(this, message);
      return;
    }
    this.honoured = filterIn(paramsIn(message.line)?.['notifications']);
    this.#events.acknowledged(this, this.honoured);
  }
}
