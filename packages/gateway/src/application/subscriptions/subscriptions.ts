/**
 * Who wants to hear of changes of which resource, over all clients and servers. Each child that somebody hears has
 * one feed.
 *
 * Which child that is: for a client of the legacy era on a server of that era its own, as for its calls; else the
 * shared one, as nothing is asked of whoever only listens. Of a server with `sharing: session` nothing is shared: each
 * client hears the child that works for it, since no other one knows what became of this client's resources.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Asker, Seat } from '../../domain/mcp-server/sharing.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Clock } from '../ports.ts';
import type { ChildStop } from '../servers/child-stop.ts';
import { GATEWAY, type Child, type ServerNotification } from '../servers/child.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import { Feed, type Subscriber } from './feed.ts';
import { LegacySource } from './legacy-source.ts';
import { ListenSource } from './listen-source.ts';
import type { ResourceSource } from './resource-source.ts';
import { mayBeUpdated, UPDATED } from './updates.ts';

/** What one client wants. */
export interface Wish {
  /** Of a group one member tells, and goes on to. */
  readonly server: Upstream;
  readonly user: ServerUser;
  /** As the server knows it. */
  readonly uri: string;
  readonly subscriber: Subscriber;
}

export interface Subscription {
  /** Resolves when the server has agreed. @throws Fault, RpcRefusal, NotHonoured: then there is no subscription */
  readonly agreed: Promise<void>;
  end(): void;
}

export interface SubscriptionOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
  /** The group of an id as it is now. */
  readonly findGroup?: (id: string) => Upstream | undefined;
}

/** A wish of a client, and which child tells. */
interface Held {
  readonly wish: Wish;
  readonly subscriber: Subscriber;
  feed: Feed | undefined;
  isOver: boolean;
}

export class Subscriptions {
  readonly #options: SubscriptionOptions;
  /** By the id of the server, which another one may take over. */
  readonly #feeds = new Map<string, Map<string, Feed>>();
  readonly #sources = new Map<Child, ResourceSource>();
  /** In whose name clients hear members of groups. */
  readonly #ofGroups = new WeakMap<Subscriber, Map<string, Subscriber>>();

  /** At groups: they outlive the member that tells. */
  readonly #atGroups = new Set<Held>();

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** Starts the server where it does not run. */
  subscribe(wish: Wish): Subscription {
    const subscriber = this.#subscriberOf(wish);
    const held: Held = { wish, subscriber, feed: undefined, isOver: false };
    return {
      agreed: this.#add(held, wish.server),
      end: () => {
        held.isOver = true;
        this.#atGroups.delete(held);
        held.feed?.remove(wish.uri, subscriber);
      },
    };
  }

  async #add(held: Held, from: Upstream): Promise<void> {
    const { uri, user } = held.wish;
    const server = from.memberFor(user);
    const { child, listener } = await take(server, user);
    try {
      if (held.isOver) throw new Fault('UPSTREAM_ENDED', 'it is not wanted any more');
      const feed = this.#feedOf(server, child.seat, listener);
      held.feed = feed;
      feed.attach(child);
      await feed.add(uri, held.subscriber, user.asker.era === 'modern'); // pins the child
      if (from.failover !== undefined && !held.isOver) this.#atGroups.add(held);
    } finally {
      child.end(this.#options.clock.nowMs(), false);
    }
  }

  /** The member that told is gone: another one is asked, once. What it had not told by then may have changed. */
  async #moveOn(held: Held): Promise<void> {
    const { server, uri } = held.wish;
    const group = this.#options.findGroup?.(server.spec.id);
    this.#atGroups.delete(held);
    held.feed = undefined;
    if (group === undefined) return;
    await this.#add(held, group);
    held.subscriber.updated({ server: group, wanted: uri, notification: mayBeUpdated(uri) });
  }

  /** A child can be heard from now on: of a modern one at once what becomes of its lists. */
  childReady(server: McpServer, child: Child): void {
    if (child.seat.era === 'modern') this.#sourceOf(child);
    if (child.seat.kind !== 'leased' && !server.isRetired)
      this.#feeds.get(server.spec.id)?.get(keyOf(child.seat))?.attach(child);
  }

  changed(server: McpServer, child: Child, notification: ServerNotification): void {
    if (notification.method !== UPDATED) return;
    for (const feed of this.#feeds.get(server.spec.id)?.values() ?? [])
      if (feed.child === child) feed.heard(notification);
  }

  childEnded(server: McpServer, child: Child, reason: ChildStop | undefined): void {
    this.#sources.get(child)?.close();
    this.#sources.delete(child);
    for (const feed of this.#feeds.get(server.spec.id)?.values() ?? [])
      feed.childEnded(child, !MEANT.has(reason));
  }

  /**
   * The server is gone: subscribers are told that their resources may have changed, and hear nothing more of it; those of
   * a group hear another member.
   */
  end(server: McpServer): void {
    const feeds = new Set(this.#feeds.get(server.spec.id)?.values());
    for (const feed of feeds) feed.end();
    this.#feeds.delete(server.spec.id);
    for (const held of this.#atGroups) {
      if (held.feed === undefined || !feeds.has(held.feed)) continue;
      this.#moveOn(held).catch(() => undefined); // the client has heard that it may have changed
    }
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
    for (const feeds of this.#feeds.values()) for (const feed of feeds.values()) feed.close();
  }

  /** Whoever hears a group hears of it under that name. One for each client, so that nothing is told twice. */
  #subscriberOf({ server, subscriber }: Wish): Subscriber {
    if (server.failover === undefined) return subscriber;
    const known = this.#ofGroups.get(subscriber) ?? new Map<string, Subscriber>();
    this.#ofGroups.set(subscriber, known);
    const { id } = server.spec;
    const kept = known.get(id) ?? {
      updated: (update) => subscriber.updated({ ...update, server }),
    };
    known.set(id, kept);
    return kept;
  }

  #feedOf(server: McpServer, seat: Seat, user: ServerUser): Feed {
    const feeds = this.#feeds.get(server.spec.id) ?? new Map<string, Feed>();
    this.#feeds.set(server.spec.id, feeds);
    const key = seat.kind === 'leased' ? `leased ${user.asker.owner}` : keyOf(seat);
    const known = feeds.get(key);
    if (known !== undefined) return known;
    const feed: Feed = new Feed({
      server,
      user: seat.kind === 'shared' ? { ...user, owner: GATEWAY } : user,
      clock: this.#options.clock,
      random: this.#options.random,
      sourceOf: (child) => this.#sourceOf(child),
      emptied: () => {
        if (feeds.get(key) === feed) feeds.delete(key);
      },
    });
    feeds.set(key, feed);
    return feed;
  }

  #sourceOf(child: Child): ResourceSource {
    const known = this.#sources.get(child);
    if (known !== undefined) return known;
    const { modernMeta, random } = this.#options;
    const source =
      child.seat.era === 'modern'
        ? new ListenSource(child, modernMeta, random)
        : new LegacySource(child.connection);
    this.#sources.set(child, source);
    return source;
  }
}

const keyOf = (seat: Exclude<Seat, { kind: 'leased' }>): string =>
  seat.kind === 'shared' ? `shared ${seat.era}` : `own ${seat.era} ${seat.key}`;

/** Ends after which a server is not started again only because somebody listens. */
const MEANT: ReadonlySet<ChildStop | undefined> = new Set([
  'user_request',
  'shutdown',
  'session ended',
  'client gone',
]);

/** A child that tells this client; its work has begun. @throws Fault */
async function take(
  server: McpServer,
  user: ServerUser,
): Promise<{ readonly child: Child; readonly listener: ServerUser }> {
  const listener = listenerFor(server, user);
  const child = await server.take(listener);
  if (child.seat.kind !== 'leased' || child.seat.era === 'legacy') return { child, listener };
  // It has turned out just now to be of the modern era, in which a listener needs no child to itself.
  child.end(child.lastUsedAtMs, false);
  const shared = listenerFor(server, user);
  return { child: await server.take(shared), listener: shared };
}

function listenerFor(server: McpServer, user: ServerUser): ServerUser {
  const { asker } = user;
  // What a modern client's calls are asked or told is not for this request.
  const owner = asker.era === 'legacy' ? user.owner : GATEWAY;
  const isSameEra = asker.era === 'legacy' && server.eraFor('legacy') === 'legacy';
  if (server.spec.sharing === 'session' || isSameEra) return { ...user, owner };
  const quiet: Asker = { ...asker, capabilities: NO_CAPABILITIES, wantsLogs: false };
  return { ...user, owner, asker: quiet };
}
