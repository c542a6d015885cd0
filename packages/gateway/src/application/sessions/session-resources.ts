/**
 * The resources that one legacy client is subscribed to, and under which URI it knows them. Its requests are answered
 * here, whatever the era of the server: when that has agreed, or with why it has not.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { samePlace } from '../../domain/catalog/resource-places.ts';
import { RPC, type Request, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { readingBudget } from '../../domain/protocol/uri-template.ts';
import { RpcRefusal } from '../calls/ask.ts';
import { rpcErrorOf, type ClientReply } from '../calls/reply.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import { route } from '../dispatch/router.ts';
import type { Bytes } from '../ports.ts';
import { updatedUri } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import type { Subscriber, Update } from '../subscriptions/feed.ts';
import { NotHonoured } from '../subscriptions/resource-source.ts';
import type { Subscription } from '../subscriptions/subscriptions.ts';
import { updateFor } from '../subscriptions/updates.ts';

/** Of one client, over all servers. */
const URIS_PER_CLIENT_MAX = 1_000;

/** The session as it is at the time of a request. */
export interface ResourceClient {
  readonly view: View;
  readonly user: ServerUser;
}

/** A resource as the client names it, and as its server does. */
interface Resource {
  readonly server: Upstream;
  readonly uri: string;
  readonly publicUri: string;
}

interface Taken {
  readonly publicUri: string;
  readonly subscription: Subscription;
}

export class SessionResources implements Subscriber {
  readonly #hub: Hub;
  readonly #send: (message: readonly Bytes[]) => void;
  readonly #taken = new Map<string, Taken>();
  #isClosed = false;

  constructor(hub: Hub, send: (message: readonly Bytes[]) => void) {
    this.#hub = hub;
    this.#send = send;
  }

  /** `resources/subscribe`. Asked for twice, it is one subscription. */
  subscribe(client: ResourceClient, request: Request, reply: ClientReply): void {
    this.#find(client, request, reply, (resource) => {
      const refuse = (error: unknown): void => reply.refuse(this.#refusal(error, client, resource));
      try {
        this.#take(client.user, resource).agreed.then(() => reply.result({}), refuse);
      } catch (error) {
        refuse(error);
      }
    });
  }

  /** `resources/unsubscribe`. What the client is not subscribed to, it is not told of either. */
  unsubscribe(client: ResourceClient, request: Request, reply: ClientReply): void {
    this.#find(client, request, reply, (resource) => {
      const key = keyOf(resource.server, resource.uri);
      this.#taken.get(key)?.subscription.end();
      this.#taken.delete(key);
      reply.result({});
    });
  }

  updated({ server, wanted, notification }: Update): void {
    const taken = this.#taken.get(keyOf(server, wanted));
    const uri = updatedUri(notification);
    if (taken === undefined || uri === undefined) return;
    const place = samePlace(uri, wanted, taken.publicUri);
    const telling = { uri: place === uri ? undefined : place, subscriptionId: undefined };
    this.#send([updateFor(notification.line, telling)]);
  }

  close(): void {
    this.#isClosed = true;
    for (const { subscription } of this.#taken.values()) subscription.end();
    this.#taken.clear();
  }

  /** @throws Fault GATEWAY_BUSY */
  #take(user: ServerUser, { server, uri, publicUri }: Resource): Subscription {
    const key = keyOf(server, uri);
    const known = this.#taken.get(key);
    if (known !== undefined) return known.subscription;
    if (this.#taken.size >= URIS_PER_CLIENT_MAX) {
      const detail = `the client is subscribed to ${URIS_PER_CLIENT_MAX} resources`;
      throw new Fault('GATEWAY_BUSY', detail);
    }
    const subscription = this.#hub.subscriptions.subscribe({ server, user, uri, subscriber: this });
    this.#taken.set(key, { publicUri, subscription });
    subscription.agreed.catch(() => {
      if (this.#taken.get(key)?.subscription === subscription) this.#taken.delete(key);
    });
    return subscription;
  }

  /** Once the catalogues that may name the resource are known. */
  #find(
    client: ResourceClient,
    request: Request,
    reply: ClientReply,
    found: (resource: Resource) => void,
  ): void {
    const look = (isLast: boolean): void => {
      const routed = route(client.view, request.method, request.params);
      const publicUri = request.params?.['uri'];
      if (this.#isClosed) reply.drop();
      else if (routed.kind === 'target' && typeof publicUri === 'string') {
        const { server, upstreamName } = routed.target;
        found({ server, uri: upstreamName ?? publicUri, publicUri });
      } else if (routed.kind === 'unknown' && !isLast) {
        void (this.#hub.known(client.view, client.user) ?? Promise.resolve()).then(() =>
          look(true),
        );
      } else if (routed.kind === 'unknown' || routed.kind === 'refused') reply.refuse(routed.error);
    };
    look(false);
  }

  #refusal(error: unknown, client: ResourceClient, resource: Resource): RpcError {
    if (error instanceof RpcRefusal) return error.error;
    if (error instanceof NotHonoured) return unheard(client.view, resource);
    if (error instanceof Fault) return rpcErrorOf(error);
    this.#hub.options.logger.error({ error: stackOf(error) }, 'defect_in_subscription');
    return { code: RPC.internalError, message: 'Internal error' };
  }
}

/** A modern server leaves out what it will not tell of, and says not why; a legacy client reads why from the code. */
function unheard({ surface }: View, { server, uri, publicUri }: Resource): RpcError {
  const isListed =
    surface.uriOwners.get(uri) === server.spec.id ||
    surface.templates.some(
      (template) => template.server === server.spec.id && template.matches(uri, readingBudget()),
    );
  return isListed
    ? {
        code: RPC.invalidParams,
        message: `Invalid params: the server does not tell of changes of ${publicUri}`,
      }
    : {
        code: RPC.resourceNotFound,
        message: `Resource not found: ${publicUri}`,
        data: { uri: publicUri },
      };
}

const keyOf = ({ spec }: Upstream, uri: string): string => `${spec.id} ${uri}`;
