/**
 * Who wants to hear of changes of which resource of a shared child. Upstream one subscription per server and URI
 * stands for all clients; it is made again when the child was restarted.
 */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { ask } from '../calls/ask.ts';
import { updatedUri, type Child, type ServerNotification } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';

const SUBSCRIBE_TIMEOUT_MS = 30_000;

/** Hears `notifications/resources/updated`. */
export type ResourceListener = (notification: ServerNotification) => void;

export class Subscriptions {
  readonly #byServer = new Map<McpServer, Map<string, Set<ResourceListener>>>();

  /** Whether somebody already hears of this resource: then the server need not be asked. */
  has(server: McpServer, uri: string): boolean {
    return this.#byServer.get(server)?.has(uri) === true;
  }

  add(server: McpServer, uri: string, listener: ResourceListener): void {
    const own = this.#byServer.get(server) ?? new Map<string, Set<ResourceListener>>();
    this.#byServer.set(server, own);
    own.set(uri, (own.get(uri) ?? new Set()).add(listener));
    this.#pin(server);
  }

  /** Ends one client's interest. The server is told where nobody is left. */
  remove(server: McpServer, uri: string, listener: ResourceListener): void {
    const own = this.#byServer.get(server);
    const listeners = own?.get(uri);
    if (own === undefined || listeners?.delete(listener) !== true || listeners.size > 0) return;
    own.delete(uri);
    this.#pin(server);
    for (const child of server.running) {
      if (isSharedLegacy(child)) tell(child, 'resources/unsubscribe', { uri });
    }
  }

  changed(server: McpServer, child: Child, notification: ServerNotification): void {
    if (notification.method !== 'notifications/resources/updated') return;
    if (child.seat.kind !== 'shared') {
      child.owner?.serverNotification(child, notification);
      return;
    }
    const uri = updatedUri(notification);
    if (uri === undefined) return;
    for (const [wanted, listeners] of this.#byServer.get(server) ?? []) {
      // A server may name a sub-resource of the one that was subscribed to.
      if (uri !== wanted && !uri.startsWith(`${wanted}/`)) continue;
      for (const listener of listeners) listener(notification);
    }
  }

  /** A new shared child knows of no subscription. */
  childReady(server: McpServer, child: Child): void {
    if (!isSharedLegacy(child)) return;
    this.#pin(server);
    for (const uri of this.#byServer.get(server)?.keys() ?? []) {
      tell(child, 'resources/subscribe', { uri });
    }
  }

  /** A child that somebody listens to is not stopped for being idle. */
  #pin(server: McpServer): void {
    const pins = this.#byServer.get(server)?.size ?? 0;
    for (const child of server.running) if (isSharedLegacy(child)) child.pins = pins;
  }
}

const isSharedLegacy = (child: Child): boolean =>
  child.seat.kind === 'shared' && child.seat.era === 'legacy';

/** A server that refuses keeps its clients without updates: they see none either way. */
export function tell(child: Child, method: string, params: JsonObject): void {
  ask(child.connection, method, params, { timeoutMs: SUBSCRIBE_TIMEOUT_MS }).catch(() => undefined);
}
