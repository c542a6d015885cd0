/** Subscriptions over one scripted server of either era, and what its connection is asked for. */
import {
  Subscriptions,
  type Subscription,
} from '../src/application/subscriptions/subscriptions.ts';
import type { Subscriber, Update } from '../src/application/subscriptions/feed.ts';
import { updatedUri } from '../src/application/servers/child.ts';
import type { ServerUser } from '../src/application/servers/mcp-server.ts';
import { isObject, type JsonObject } from '../src/domain/protocol/json-rpc.ts';
import { META, type Era } from '../src/domain/protocol/revisions.ts';
import {
  settled,
  type ScriptedConnection,
  type Hello,
  type SpecPart,
} from './scripted-launcher.ts';
import { userOf, worldOf, type World } from './server-world.ts';

const UPDATED = 'notifications/resources/updated';

/** A `subscriptions/listen` as the server has it. */
export interface Listen {
  readonly id: number;
  readonly uris: readonly string[];
}

/** A client that keeps what it hears. */
export class Hearer implements Subscriber {
  readonly heard: (string | undefined)[] = [];
  /** What it had subscribed to, for each that it heard. */
  readonly wanted: string[] = [];
  updated({ wanted, notification }: Update): void {
    this.heard.push(updatedUri(notification));
    this.wanted.push(wanted);
  }
}

export interface SubscriptionWorld extends World {
  readonly subscriptions: Subscriptions;
  /** The connection of the newest child. */
  readonly connection: ScriptedConnection;
  readonly listens: readonly Listen[];
  /** Lines of one method that the newest child was sent. */
  lines(method: string): readonly JsonObject[];
  subscribe(uri: string, hearer?: Hearer, user?: ServerUser): Subscription;
  /** Acknowledges the newest `subscriptions/listen`, or only some of its URIs. */
  acknowledge(uris?: readonly string[]): Promise<void>;
  /** The server says that a resource changed, on each stream that is to be told. */
  update(uri: string, on?: readonly Listen[]): void;
}

export interface SubscriptionScene {
  readonly era: Era;
  readonly spec?: SpecPart;
  readonly hello?: Omit<Hello, 'era'>;
  /** `resources/subscribe` is answered by the test. */
  readonly isSilent?: boolean;
}

const CAPABILITIES = { resources: { subscribe: true, listChanged: true } };

export function subscriptionWorld(scene: SubscriptionScene): SubscriptionWorld {
  const { era, spec, hello, isSilent = false } = scene;
  const behaviour = hello?.behaviour ?? (() => (isSilent ? undefined : { result: {} }));
  const world = worldOf(spec, {
    hello: {
      capabilities: CAPABILITIES,
      ...hello,
      era,
      behaviour: (method, params) =>
        method === 'subscriptions/listen' ? undefined : behaviour(method, params),
    },
    listener: {
      ready: (server, child) => subscriptions.childReady(server, child),
      changed: (server, child, notification) => {
        world.changed.push(notification.method);
        subscriptions.changed(server, child, notification);
      },
      ended: (server, child, reason) => subscriptions.childEnded(server, child, reason),
      toolsKnown: () => undefined,
    },
  });
  const { clock, server, launcher } = world;
  const subscriptions = new Subscriptions({ clock, random: () => 0.5, modernMeta: {} });
  const newest = (): ScriptedConnection => {
    const connection = launcher.connections.at(-1);
    if (connection === undefined) throw new Error('no server has started');
    return connection;
  };
  const listens = (): readonly Listen[] =>
    newest()
      .lines.filter(({ id, method }) => {
        const isOpen = !newest().cancelled.includes(Number(id));
        return method === 'subscriptions/listen' && isOpen;
      })
      .map(({ id, params }) => ({ id: Number(id), uris: urisIn(params) }));
  return {
    ...world,
    subscriptions,
    get connection() {
      return newest();
    },
    get listens() {
      return listens();
    },
    lines: (method) => newest().lines.filter((line) => line['method'] === method),
    subscribe: (uri, hearer = new Hearer(), user = userOf()) =>
      subscriptions.subscribe({ server, user, uri, subscriber: hearer }),
    async acknowledge(uris) {
      const newestListen = listens().at(-1);
      if (newestListen === undefined) throw new Error('nobody listens');
      const { id } = newestListen;
      const notifications = {
        toolsListChanged: true,
        resourceSubscriptions: uris ?? newestListen.uris,
      };
      const params = { notifications, _meta: { [META.subscriptionId]: id } };
      newest().saysIn(id, { method: 'notifications/subscriptions/acknowledged', params });
      await settled();
    },
    update(uri, on = listens()) {
      if (era === 'legacy') newest().says({ method: UPDATED, params: { uri } });
      for (const { id } of on) {
        const params = { uri, _meta: { [META.subscriptionId]: id } };
        newest().saysIn(id, { method: UPDATED, params });
      }
    },
  };
}

function urisIn(params: unknown): readonly string[] {
  const filter = isObject(params) ? params['notifications'] : undefined;
  const uris = isObject(filter) ? filter['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.map(String) : [];
}
