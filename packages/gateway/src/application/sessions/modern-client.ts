/** Requests of the modern era: each stands for itself. */
import { RPC, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import type { ClientText } from '../../domain/protocol/client-message.ts';
import type { ModernEnvelope } from '../../domain/protocol/modern-envelope.ts';
import { META } from '../../domain/protocol/revisions.ts';
import type { ClientReply } from '../calls/reply.ts';
import { listKindOf } from '../catalog/fetch-catalog.ts';
import type { Endpoint, View } from '../catalog/views.ts';
import type { Hub, ReadHeader } from '../dispatch/hub.ts';
import { answerList } from '../dispatch/lists.ts';
import { NOBODY, type Owner } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import { forward } from '../tasks/forward.ts';
import { discoverResult } from './hello.ts';
import { Listening } from './listening.ts';

export interface ModernRequest {
  readonly endpoint: Endpoint;
  readonly principal: string;
  readonly request: Request;
  readonly text: ClientText;
  readonly envelope: ModernEnvelope;
  readonly reply: ClientReply;
  /** Reads a request header, decoded; undefined where the transport has none. */
  readonly header: ReadHeader | undefined;
  /** Every `Mcp-Param-*` header as it came; undefined where the transport has none. */
  readonly paramHeaders?: (() => Readonly<Record<string, string>>) | undefined;
}

/** What the transport can still do with a request that was taken. */
export interface Pending {
  /** The client gave up: it closed its stream, or said so. */
  cancel(reason: string): void;
  /** Set for an open-ended stream: ends it kindly. */
  readonly finish?: () => void;
}

/** Methods that went with the legacy era: they are unknown here, whatever a server would say. */
const REMOVED: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'sampling/createMessage',
  'elicitation/create',
  'roots/list',
  'tasks/list',
  'tasks/result',
]);

const NOTHING_PENDING: Pending = { cancel: () => undefined };

export function handleModern(hub: Hub, modern: ModernRequest): Pending {
  const { endpoint, request, text, reply, header } = modern;
  const user = userOf(modern);
  const view = hub.views.of(endpoint, user.asker);
  const kind = listKindOf(request.method);
  if (kind !== undefined) {
    answerList(hub, { view, user, kind, params: request.params, reply });
    return NOTHING_PENDING;
  }
  if (request.method === 'server/discover') return discover(hub, { view, user, reply });
  if (request.method === 'subscriptions/listen') {
    const listening = new Listening(hub, { view, user, request, reply });
    void listening.open();
    return { cancel: () => listening.cancel(), finish: () => listening.finish() };
  }
  if (REMOVED.has(request.method)) {
    reply.refuse({ code: RPC.methodNotFound, message: `Method not found: ${request.method}` });
    return NOTHING_PENDING;
  }
  const call = forward(hub, {
    view,
    user,
    request,
    text,
    reply,
    header,
    paramHeaders: modern.paramHeaders,
    onSettled: () => undefined,
  });
  return { cancel: (reason) => call?.cancel(reason) };
}

/** The capability of the whole endpoint, once what stands behind it is known. */
function discover(
  hub: Hub,
  { view, user, reply }: { view: View; user: ServerUser; reply: ClientReply },
): Pending {
  const waiting = view.endpoint.prefixed ? undefined : hub.known(view, user);
  if (waiting === undefined) reply.result(discoverResult(hub, view));
  else void waiting.then(() => reply.result(discoverResult(hub, view)));
  return NOTHING_PENDING;
}

function userOf({ principal, envelope, reply, request }: ModernRequest): ServerUser {
  const wantsLogs = envelope.logLevel !== undefined;
  const clientInfo = (request.params?.['_meta'] as JsonObject | undefined)?.[META.clientInfo];
  return {
    asker: { era: 'modern', owner: principal, capabilities: envelope.capabilities, wantsLogs },
    owner: wantsLogs ? callOwner(reply) : NOBODY,
    clientInfo: clientInfo as JsonObject | undefined,
  };
}

/** A call that wants log messages has a child to itself, so what the child says belongs to this call. */
const callOwner = (reply: ClientReply): Owner => ({
  ...NOBODY,
  serverNotification: (_child, notification) => reply.send([notification.line.text]),
});
