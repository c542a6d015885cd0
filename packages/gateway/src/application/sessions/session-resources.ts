/** The resources that one legacy client is subscribed to, and under which URI it knows them. */
import { splitOwnedUri } from '../../domain/catalog/public-names.ts';
import { latin1 } from '../calls/call.ts';
import type { Bytes } from '../ports.ts';
import { SERVER_SLOT } from '../../domain/protocol/server-message.ts';
import { splice } from '../../domain/protocol/json-spans.ts';
import { updatedUri, type Child, type ServerNotification } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { tell, type ResourceListener, type Subscriptions } from './subscriptions.ts';

/** A resource as the client names it, and as its server does. */
export interface Resource {
  readonly server: McpServer;
  readonly uri: string;
  readonly publicUri: string;
}

interface Taken extends Resource {
  readonly listener: ResourceListener;
  /** The child that was subscribed on; undefined for the shared one. */
  readonly child: Child | undefined;
}

export class SessionResources {
  readonly #subscriptions: Subscriptions;
  readonly #send: (message: readonly Bytes[]) => void;
  readonly #taken = new Map<string, Taken>();

  constructor(subscriptions: Subscriptions, send: (message: readonly Bytes[]) => void) {
    this.#subscriptions = subscriptions;
    this.#send = send;
  }

  has(resource: Resource): boolean {
    return this.#taken.has(keyOf(resource));
  }

  /** @param child the child that was subscribed on; undefined for the shared one */
  add(resource: Resource, child: Child | undefined): void {
    if (this.has(resource)) return;
    const listener: ResourceListener = (notification) =>
      this.#send([renamed(notification, resource)]);
    this.#taken.set(keyOf(resource), { ...resource, listener, child });
    if (child === undefined) this.#subscriptions.add(resource.server, resource.uri, listener);
    else {
      child.bound = true; // it remembers the client, and runs on for it
      child.pins += 1;
    }
  }

  /** False where the client is not subscribed. */
  remove(resource: Resource): boolean {
    const taken = this.#taken.get(keyOf(resource));
    if (taken === undefined) return false;
    this.#taken.delete(keyOf(resource));
    const { server, uri, listener, child } = taken;
    if (child === undefined) this.#subscriptions.remove(server, uri, listener);
    else {
      child.pins -= 1;
      if (!child.isGone) tell(child, 'resources/unsubscribe', { uri });
    }
    return true;
  }

  /** The message of a child of the client's own, with the URI that the client knows. */
  updated(child: Child, notification: ServerNotification): string {
    const uri = updatedUri(notification);
    const taken = [...this.#taken.values()].find((one) => one.child === child && one.uri === uri);
    return taken === undefined ? notification.line.text : renamed(notification, taken);
  }

  close(): void {
    for (const taken of this.#taken.values()) this.remove(taken);
  }
}

const keyOf = ({ server, uri }: Resource): string => `${server.spec.id} ${uri}`;

/** A client that subscribed under the form that names the server hears of it under that form. */
function renamed({ line }: ServerNotification, { publicUri }: Resource): string {
  if (splitOwnedUri(publicUri) === undefined) return line.text;
  return splice(line.text, line.spans, [
    { slot: SERVER_SLOT.updatedUri, text: latin1(JSON.stringify(publicUri)) },
  ]);
}
