/**
 * Who wants to hear of changes of which resource. Upstream one subscription per server and URI stands for all
 * clients of the shared child; it is made again when the child was restarted.
 */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Bytes } from '../ports.ts';
import { ask } from '../calls/ask.ts';
import { updatedUri, type Child, type ServerNotification } from '../servers/child.ts';
import type { Server } from '../servers/server.ts';

const SUBSCRIBE_TIMEOUT_MS = 30_000;

/** Hears `notifications/resources/updated`. */
export type ResourceListener = (uri: string, message: readonly Bytes[]) => void;

interface Subscription {
  readonly server: Server;
  readonly uri: string;
  readonly listeners: Set<ResourceListener>;
}

export class Subscriptions {
  readonly #byServer = new Map<Server, Map<string, Subscription>>();

  /** Whether somebody already hears of this resource of the shared child: then the server need not be asked. */
  has(server: Server, uri: string): boolean {
    return this.#byServer.get(server)?.has(uri) === true;
  }

  add(server: Server, uri: string, listener: ResourceListener): void {
    const own = this.#byServer.get(server) ?? new Map<string, Subscription>();
    this.#byServer.set(server, own);
    const subscription = own.get(uri) ?? { server, uri, listeners: new Set() };
    own.set(uri, subscription);
    subscription.listeners.add(listener);
    this.#pin(server);
  }

  /** True where nobody is left who wants to hear of the resource. */
  remove(server: Server, uri: string, listener: ResourceListener): boolean {
    const own = this.#byServer.get(server);
    const subscription = own?.get(uri);
    if (own === undefined || subscription === undefined || !subscription.listeners.delete(listener))
      return false;
    if (subscription.listeners.size > 0) return false;
    own.delete(uri);
    this.#pin(server);
    return true;
  }

  /** Everything that a client subscribed to, gone at once. Servers are told where nobody is left. */
  removeAll(listener: ResourceListener): void {
    for (const [server, own] of this.#byServer) {
      for (const uri of own.keys()) {
        if (this.remove(server, uri, listener))
          tellShared(server, 'resources/unsubscribe', { uri });
      }
    }
  }

  changed(server: Server, child: Child, notification: ServerNotification): void {
    if (notification.method !== 'notifications/resources/updated') return;
    const uri = updatedUri(notification);
    if (uri === undefined) return;
    const message = [notification.line.text];
    if (child.seat.kind === 'shared') {
      // A server may name a sub-resource of the one that was subscribed to.
      for (const [wanted, subscription] of this.#byServer.get(server) ?? []) {
        if (uri !== wanted && !uri.startsWith(`${wanted}/`)) continue;
        for (const listener of subscription.listeners) listener(uri, message);
      }
    } else child.owner?.serverNotification(child, notification);
  }

  /** A new shared child knows of no subscription. */
  childReady(server: Server, child: Child): void {
    if (!isSharedLegacy(child)) return;
    this.#pin(server);
    for (const uri of this.#byServer.get(server)?.keys() ?? [])
      tell(child, 'resources/subscribe', { uri });
  }

  /** A child that somebody listens to is not stopped for being idle. */
  #pin(server: Server): void {
    const pins = this.#byServer.get(server)?.size ?? 0;
    for (const child of server.running) if (isSharedLegacy(child)) child.pins = pins;
  }
}

const isSharedLegacy = (child: Child): boolean =>
  child.seat.kind === 'shared' && child.seat.era === 'legacy';

function tellShared(server: Server, method: string, params: JsonObject): void {
  for (const child of server.running) {
    if (isSharedLegacy(child)) tell(child, method, params);
  }
}

/** A server that refuses keeps its clients without updates: they see none either way. */
function tell(child: Child, method: string, params: JsonObject): void {
  ask(child.connection, method, params, { timeoutMs: SUBSCRIBE_TIMEOUT_MS }).catch(() => undefined);
}
