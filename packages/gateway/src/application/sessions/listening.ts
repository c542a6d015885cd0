/** One `subscriptions/listen` of a modern client: an open stream of changes, fed from the catalogues and servers. */
import { isObject, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import { splice } from '../../domain/protocol/json-spans.ts';
import { readingBudget } from '../../domain/protocol/uri-template.ts';
import { META } from '../../domain/protocol/revisions.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import { latin1 } from '../calls/call.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import { routeResource } from '../dispatch/router.ts';
import { routingOf } from '../calls/ask.ts';
import type { UpstreamCall } from '../ports.ts';
import {
  updatedUri,
  type ChangedList,
  type Child,
  type ServerNotification,
} from '../servers/child.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import { refusedTaskFilter, TaskListening } from '../tasks/task-listening.ts';

const LISTS: Readonly<Record<ChangedList, string>> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
};
/** How long a server may take to acknowledge what it will tell. */
const ACKNOWLEDGE_MS_MAX = 10_000;
const URIS_MAX = 1_000;

export class Listening {
  readonly #hub: Hub;
  readonly #view: View;
  readonly #user: ServerUser;
  readonly #request: Request;
  readonly #reply: ClientReply;
  readonly #upstream: { readonly child: Child; readonly id: number }[] = [];
  #unwatch: (() => void) | undefined;
  #ended = false;
  readonly #tasks: TaskListening;

  constructor(
    hub: Hub,
    client: { view: View; user: ServerUser; request: Request; reply: ClientReply },
  ) {
    this.#hub = hub;
    this.#view = client.view;
    this.#user = client.user;
    this.#request = client.request;
    this.#reply = client.reply;
    this.#tasks = new TaskListening(hub, {
      view: client.view,
      user: client.user,
      subscriptionId: client.request.id,
      send: (message) => this.#reply.send([message]),
      onEnd: () => this.finish(),
    });
  }

  /** Subscribes where that is possible and acknowledges what is. */
  async open(): Promise<void> {
    const wanted = isObject(this.#request.params?.['notifications'])
      ? this.#request.params['notifications']
      : {};
    const lists = Object.entries(LISTS).filter(([, flag]) => wanted[flag] === true);
    const early: ChangedList[] = [];
    let acknowledged = false;
    const tell = (changed: readonly ChangedList[]): void => {
      for (const kind of changed) {
        if (!lists.some(([list]) => list === kind)) continue;
        if (acknowledged) this.#send(`notifications/${kind}/list_changed`, {});
        else early.push(kind);
      }
    };
    const refusal = refusedTaskFilter(
      this.#hub,
      { view: this.#view, user: this.#user },
      wanted['taskIds'],
    );
    if (refusal !== undefined) {
      if (this.#end()) this.#reply.refuse(refusal);
      return;
    }
    if (lists.length > 0) this.#unwatch = this.#view.watch(tell);
    const [uris, taskIds] = await Promise.all([
      this.#subscribe(wanted['resourceSubscriptions']),
      this.#tasks.open(wanted['taskIds']),
    ]);
    if (this.#ended) return;
    const honoured = {
      ...Object.fromEntries(lists.map(([, flag]) => [flag, true])),
      ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
      ...(taskIds.length === 0 ? {} : { taskIds }),
    };
    this.#send('notifications/subscriptions/acknowledged', { notifications: honoured });
    acknowledged = true;
    tell(early);
    this.#tasks.acknowledged();
  }

  /** The client closed its stream. */
  cancel(): void {
    if (!this.#end()) return;
    this.#reply.drop();
  }

  /** The gateway ends the subscription: the client may ask again. */
  finish(): void {
    if (!this.#end()) return;
    this.#reply.result({ resultType: 'complete', _meta: this.#meta });
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#unwatch?.();
    this.#tasks.close();
    for (const { child, id } of this.#upstream) {
      child.pins -= 1;
      child.connection.cancel(id, 'the client does not listen any more');
    }
    return true;
  }

  get #meta(): JsonObject {
    return { [META.subscriptionId]: this.#request.id };
  }

  #send(method: string, params: JsonObject): void {
    if (this.#ended) return;
    const message = { jsonrpc: '2.0', method, params: { _meta: this.#meta, ...params } };
    this.#reply.send([latin1(JSON.stringify(message))]);
  }

  /** The URIs that servers of the modern era will tell about; a legacy server's do not cross the eras yet. */
  async #subscribe(wanted: unknown): Promise<readonly string[]> {
    const uris = Array.isArray(wanted)
      ? wanted.filter((uri) => typeof uri === 'string').slice(0, URIS_MAX)
      : [];
    if (uris.length === 0) return [];
    await this.#hub.known(this.#view, this.#user);
    const byServer = new Map<McpServer, Map<string, string>>();
    const budget = readingBudget();
    for (const uri of uris) {
      const routed = routeResource(this.#view, uri, budget);
      if (routed.kind !== 'target') continue;
      const { server, upstreamName } = routed.target;
      const own = byServer.get(server) ?? new Map<string, string>();
      byServer.set(server, own.set(upstreamName ?? uri, uri));
    }
    const honoured = await Promise.all(
      [...byServer].map(([server, own]) => this.#listenTo(server, own)),
    );
    return honoured.flat();
  }

  /** @param publicUris by the server's URI, the one that the client used */
  async #listenTo(
    server: McpServer,
    publicUris: ReadonlyMap<string, string>,
  ): Promise<readonly string[]> {
    try {
      const child = await server.take(this.#user);
      try {
        if (child.seat.era !== 'modern' || this.#ended) return [];
        return await this.#listenOn(child, publicUris);
      } finally {
        child.end(this.#hub.options.clock.nowMs(), false); // from here on its pin keeps it running
      }
    } catch {
      return []; // not acknowledged: the client sees that it will hear nothing
    }
  }

  #listenOn(child: Child, publicUris: ReadonlyMap<string, string>): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve([]), ACKNOWLEDGE_MS_MAX);
      const acknowledge = (honoured: readonly string[]): void => {
        clearTimeout(timer);
        resolve(honoured);
      };
      const params = {
        notifications: { resourceSubscriptions: [...publicUris.keys()] },
        ...this.#hub.options.modernMeta,
      };
      const call: UpstreamCall = {
        parts: [
          '{"jsonrpc":"2.0","id":',
          `,"method":"subscriptions/listen","params":${JSON.stringify(params)}}`,
        ],
        answered: () => this.#upstreamEnded(acknowledge),
        routing: routingOf('subscriptions/listen'),
        lost: () => this.#upstreamEnded(acknowledge),
        notified: (message) => {
          if (message.kind !== 'notification') return;
          if (message.method === 'notifications/subscriptions/acknowledged')
            acknowledge(acknowledgedUris(message).map((uri) => publicUris.get(uri) ?? uri));
          else this.#passOn(message, publicUris);
        },
      };
      child.pins += 1;
      this.#upstream.push({ child, id: child.connection.send(call) });
    });
  }

  #upstreamEnded(acknowledge: (honoured: readonly string[]) => void): void {
    acknowledge([]);
    this.finish();
  }

  #passOn(message: ServerNotification, publicUris: ReadonlyMap<string, string>): void {
    if (this.#ended) return;
    const { text, spans } = message.line;
    const id = { slot: SERVER_SLOT.subscriptionId, text: latin1(JSON.stringify(this.#request.id)) };
    const publicUri = publicUris.get(updatedUri(message) ?? '');
    const uri = publicUri === undefined ? undefined : latin1(JSON.stringify(publicUri));
    const edits = uri === undefined ? [id] : [id, { slot: SERVER_SLOT.updatedUri, text: uri }];
    this.#reply.send([splice(text, spans, edits)]);
  }
}

function acknowledgedUris(message: ServerNotification): readonly string[] {
  const parsed: unknown = JSON.parse(Buffer.from(message.line.text, 'latin1').toString('utf8'));
  const params = isObject(parsed) ? parsed['params'] : undefined;
  const honoured = isObject(params) ? params['notifications'] : undefined;
  const uris = isObject(honoured) ? honoured['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}

/** Keeps an ear on a modern child for changes of its lists. */
export function listenForLists(child: Child, modernMeta: JsonObject): void {
  const notifications = Object.fromEntries(Object.values(LISTS).map((flag) => [flag, true]));
  const params = { notifications, ...modernMeta };
  child.connection.send({
    parts: [
      '{"jsonrpc":"2.0","id":',
      `,"method":"subscriptions/listen","params":${JSON.stringify(params)}}`,
    ],
    answered: () => undefined, // it does not listen: its lists are read at every start
    routing: routingOf('subscriptions/listen'),
    lost: () => undefined,
    notified: (message) => {
      // Its acknowledgement is for the gateway alone, not for the client that the child happens to work for.
      if (message.kind === 'notification' && message.method.endsWith('/list_changed'))
        child.notification(message);
    },
  });
}
