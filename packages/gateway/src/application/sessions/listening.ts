/** One `subscriptions/listen` of a modern client: an open stream of changes, fed from the catalogues and servers. */
import { latin1 } from '../byte-text.ts';
import { samePlace } from '../../domain/catalog/resource-places.ts';
import { isObject, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import { META } from '../../domain/protocol/revisions.ts';
import { readingBudget, type ReadingBudget } from '../../domain/protocol/uri-template.ts';
import type { ClientReply } from '../calls/reply.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import { routeResource } from '../dispatch/router.ts';
import { updatedUri, type ChangedList } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import { settlesWithin } from '../settles-within.ts';
import type { Subscriber, Update } from '../subscriptions/feed.ts';
import { filterIn, notificationsOf } from '../subscriptions/listen-filter.ts';
import type { Subscription } from '../subscriptions/subscriptions.ts';
import { updateFor } from '../subscriptions/updates.ts';
import { refusedTaskFilter, TaskListening } from '../tasks/task-listening.ts';

/** How long servers may take to agree; what is not agreed by then is not acknowledged. */
const ACKNOWLEDGE_MS_MAX = 10_000;
const URIS_PER_LISTEN_MAX = 1_000;

interface Heard {
  /** The URIs that the client used for it. */
  readonly names: Set<string>;
  readonly subscription: Subscription;
}

export class Listening implements Subscriber {
  readonly #hub: Hub;
  readonly #view: View;
  readonly #user: ServerUser;
  readonly #request: Request;
  readonly #reply: ClientReply;
  /** By the id of the server, which another one may take over, and its own URI. */
  readonly #heard = new Map<string, Map<string, Heard>>();
  #unwatch: (() => void) | undefined;
  readonly #unfollow: () => void;
  /** The last of each that happened before the acknowledgement, which comes first; undefined from then on. */
  #early: Map<string, () => void> | undefined = new Map();
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
    this.#unfollow = hub.fleet.onSwap(() => {
      if (!hub.fleet.serves(client.view.endpoint)) this.finish();
    });
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
    const given = this.#request.params?.['notifications'];
    const wanted = filterIn(given);
    const client = { view: this.#view, user: this.#user };
    const asksForTasks = isObject(given) && given['taskIds'] !== undefined;
    const refusal = asksForTasks ? refusedTaskFilter(this.#hub, client) : undefined;
    if (refusal !== undefined) {
      if (this.#end()) this.#reply.refuse(refusal);
      return;
    }
    const { lists } = wanted;
    if (lists.length > 0) this.#unwatch = this.#view.watch((changed) => this.#tell(changed, lists));
    const [uris, taskIds] = await Promise.all([
      this.#subscribe(wanted.uris),
      this.#tasks.open(wanted.taskIds),
    ]);
    if (this.#ended) return;
    const granted = { lists, uris: new Set(uris), taskIds: new Set(taskIds) };
    const notifications = notificationsOf(granted);
    this.#send('notifications/subscriptions/acknowledged', { notifications });
    const early = this.#early?.values() ?? [];
    this.#early = undefined;
    for (const tell of early) tell();
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

  updated(update: Update): void {
    const { server, wanted, notification } = update;
    const uri = updatedUri(notification);
    if (this.#ended || uri === undefined) return;
    if (this.#early !== undefined) {
      this.#early.set(`${server.spec.id} ${wanted}`, () => this.updated(update));
      return;
    }
    for (const name of this.#heard.get(server.spec.id)?.get(wanted)?.names ?? []) {
      const place = samePlace(uri, wanted, name);
      const telling = { uri: place === uri ? undefined : place, subscriptionId: this.#request.id };
      this.#reply.send([updateFor(notification.line, telling)]);
    }
  }

  #tell(changed: readonly ChangedList[], wanted: readonly ChangedList[]): void {
    for (const list of changed) {
      if (!wanted.includes(list)) continue;
      if (this.#early !== undefined) this.#early.set(list, () => this.#tell([list], wanted));
      else this.#send(`notifications/${list}/list_changed`, {});
    }
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#unwatch?.();
    this.#unfollow();
    this.#tasks.close();
    for (const own of this.#heard.values())
      for (const { subscription } of own.values()) subscription.end();
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

  /** @returns those of the wanted URIs whose servers have agreed, in the order in which they were wanted */
  async #subscribe(wanted: ReadonlySet<string>): Promise<readonly string[]> {
    const uris = [...wanted].slice(0, URIS_PER_LISTEN_MAX);
    if (uris.length === 0) return [];
    await this.#hub.known(this.#view, this.#user);
    if (this.#ended) return [];
    const budget = readingBudget();
    const agreed = await Promise.all(uris.map((uri) => this.#listenTo(uri, budget)));
    return uris.filter((_, at) => agreed[at]);
  }

  /** @returns whether the server has agreed */
  async #listenTo(publicUri: string, budget: ReadingBudget): Promise<boolean> {
    const routed = routeResource(this.#view, publicUri, budget);
    if (routed.kind !== 'target') return false;
    const { server, upstreamName } = routed.target;
    const { names, subscription } = this.#resource(server, upstreamName ?? publicUri);
    names.add(publicUri);
    try {
      if (await settlesWithin(subscription.agreed, ACKNOWLEDGE_MS_MAX)) return true;
    } catch {
      // Not acknowledged: the client sees that it will hear nothing.
    }
    subscription.end();
    return false;
  }

  #resource(server: Upstream, uri: string): Heard {
    const own = this.#heard.get(server.spec.id) ?? new Map<string, Heard>();
    this.#heard.set(server.spec.id, own);
    const known = own.get(uri);
    if (known !== undefined) return known;
    const wish = { server, user: this.#user, uri, subscriber: this };
    const heard = {
      names: new Set<string>(),
      subscription: this.#hub.subscriptions.subscribe(wish),
    };
    own.set(uri, heard);
    return heard;
  }
}
