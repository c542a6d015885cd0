/** One `subscriptions/listen` of the gateway's own on one connection. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ServerMessage } from '../../domain/protocol/server-message.ts';
import {
  parseAnswer,
  plainError,
  readObject,
  routingOf,
  RpcRefusal,
  utf8Text,
} from '../calls/ask.ts';
import type { RawAnswer, UpstreamCall, UpstreamConnection } from '../ports.ts';
import type { ChangedList, ServerNotification } from '../servers/child.ts';

const METHOD = 'subscriptions/listen';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

/** The members of the filter that stand for lists. */
export const LIST_FLAGS: Readonly<Record<ChangedList, string>> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
};
/** The lists that a filter, asked for or acknowledged, names. */
export const listsIn = (filter: JsonObject): readonly ChangedList[] =>
  (Object.keys(LIST_FLAGS) as ChangedList[]).filter((list) => filter[LIST_FLAGS[list]] === true);

/** What a server has acknowledged. */
export interface Honoured {
  readonly lists: readonly ChangedList[];
  readonly uris: ReadonlySet<string>;
}

export interface ListenEvents {
  /** First, and once more each time that the transport had to ask again. */
  acknowledged(stream: ListenStream, honoured: Honoured): void;
  told(stream: ListenStream, notification: ServerNotification): void;
  /** It is over: ended by the server, refused, or lost. Not told after `close`. */
  ended(stream: ListenStream, reason: Error): void;
}

export class ListenStream implements UpstreamCall {
  readonly uris: readonly string[];
  readonly parts: readonly string[];
  readonly routing = routingOf(METHOD);
  readonly #events: ListenEvents;
  readonly #connection: UpstreamConnection;
  #id: number | undefined;
  /** Undefined until the server has acknowledged anything. */
  honoured: Honoured | undefined;

  constructor(
    connection: UpstreamConnection,
    wanted: { readonly uris: readonly string[]; readonly meta: JsonObject },
    events: ListenEvents,
  ) {
    this.#connection = connection;
    this.#events = events;
    this.uris = wanted.uris;
    const flags = Object.values(LIST_FLAGS).map((flag) => [flag, true]);
    const notifications = {
      ...Object.fromEntries(flags),
      ...(wanted.uris.length === 0 ? {} : { resourceSubscriptions: wanted.uris }),
    };
    const params = JSON.stringify({ notifications, ...wanted.meta });
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
    this.honoured = honouredIn(message);
    this.#events.acknowledged(this, this.honoured);
  }
}

function honouredIn({ line }: ServerNotification): Honoured {
  const params = readObject(utf8Text([line.text]))?.['params'];
  const filter =
    isObject(params) && isObject(params['notifications']) ? params['notifications'] : {};
  const uris = filter['resourceSubscriptions'];
  return {
    lists: listsIn(filter),
    uris: new Set(Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []),
  };
}
