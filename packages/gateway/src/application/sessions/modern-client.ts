/** Requests of the modern era: each stands for itself. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { declaresAsking, NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import { clientText, type ClientText } from '../../domain/protocol/client-message.ts';
import { mayAsk, withoutRound } from '../../domain/protocol/input-rounds.ts';
import { isObject, RPC, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import type { ModernEnvelope } from '../../domain/protocol/modern-envelope.ts';
import { META } from '../../domain/protocol/revisions.ts';
import { parseChecked } from '../calls/ask.ts';
import { NOTHING_PENDING, rpcErrorOf, type ClientReply, type Pending } from '../calls/reply.ts';
import { listKindOf } from '../catalog/fetch-catalog.ts';
import type { Endpoint, View } from '../catalog/views.ts';
import type { ReadHeader } from '../dispatch/call-path.ts';
import type { Hub } from '../dispatch/hub.ts';
import { answerList } from '../dispatch/lists.ts';
import { Conversation, responsesIn } from '../parking/conversation.ts';
import type { Declared } from '../parking/parking.ts';
import { requestDigest } from '../parking/request-state.ts';
import { NOBODY, type Owner } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import { forwardRequest } from '../tasks/forward.ts';
import { discoverResult } from './hello.ts';
import { Listening } from './listening.ts';

export interface ModernRequest {
  readonly endpoint: Endpoint;
  readonly principal: string;
  /** The principal is one client, as on stdio. */
  readonly isOneClient: boolean;
  readonly request: Request;
  readonly text: ClientText;
  readonly envelope: ModernEnvelope;
  readonly reply: ClientReply;
  /** Reads a request header, decoded; undefined where the transport has none. */
  readonly header: ReadHeader | undefined;
  /** Every `Mcp-Param-*` header as it came; undefined where the transport has none. */
  readonly paramHeaders?: (() => Readonly<Record<string, string>>) | undefined;
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

export function handleModern(hub: Hub, modern: ModernRequest): Pending {
  const { endpoint, request, reply } = modern;
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
  try {
    return converse(hub, modern, view);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    reply.refuse(rpcErrorOf(error));
    return NOTHING_PENDING;
  }
}

/** @throws Fault where the client brings the state of a call that it cannot go on with */
function converse(hub: Hub, modern: ModernRequest, view: View): Pending {
  const { request, text, reply } = modern;
  const digest = (): string => requestDigest(modern.endpoint.name, request.method, request.params);
  const state = request.params?.['requestState'];
  const found =
    typeof state === 'string' && mayAsk(request.method)
      ? hub.parking.find(state, { principal: modern.principal, requestDigest: digest() })
      : undefined;
  if (found?.kind === 'call')
    return found.waiting.goOn({ reply, text, declared: declaredBy(modern) });
  if (found === undefined) return forward(hub, modern, { view, digest, round: 0 });
  const responses = Object.values(responsesIn(text));
  if (responses.some((response) => !isObject(response) || response['action'] !== 'accept')) {
    reply.refuse({
      code: RPC.internalError,
      message: 'The page that the server wants was not visited',
    });
    return NOTHING_PENDING;
  }
  return forward(hub, withoutState(modern), { view, digest, round: found.round });
}

interface Turn {
  readonly view: View;
  readonly digest: () => string;
  /** Times that the client was asked before. */
  readonly round: number;
}

function forward(hub: Hub, modern: ModernRequest, { view, digest, round }: Turn): Pending {
  const { request, text, envelope, principal, header, paramHeaders } = modern;
  const name = request.params?.['name'] ?? request.params?.['uri'];
  const declared = declaredBy(modern);
  const conversation =
    declared.logLevel !== undefined || declaresAsking(envelope.capabilities)
      ? new Conversation(
          hub.parking,
          {
            principal,
            method: request.method,
            name: typeof name === 'string' ? name : undefined,
            chars: text.text.length,
            declared,
            digest,
            roundsBefore: round,
          },
          modern.reply,
        )
      : undefined;
  const call = forwardRequest(hub, {
    view,
    user: userOf(modern, conversation),
    request,
    text,
    reply: conversation ?? modern.reply,
    header,
    paramHeaders,
    onSettled: () => undefined,
  });
  if (call === undefined) return NOTHING_PENDING;
  return conversation?.carriedBy(call) ?? { cancel: (reason) => call.cancel(reason) };
}

const declaredBy = ({ request, envelope }: ModernRequest): Declared => ({
  capabilities: mayAsk(request.method) ? envelope.capabilities : NO_CAPABILITIES,
  logLevel: envelope.logLevel,
});

/** The request as it is made anew: what the client answered is done. */
function withoutState(modern: ModernRequest): ModernRequest {
  const { request } = modern;
  const params = withoutRound(request.params ?? {});
  const message = parseChecked(modern.text.text);
  const exact = isObject(message) && isObject(message['params']) ? message['params'] : {};
  const anew = { ...(isObject(message) ? message : {}), params: withoutRound(exact) };
  const text = clientText(JSON.stringify(anew), anew);
  return { ...modern, request: { ...request, params }, text };
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

function userOf(
  { principal, isOneClient, envelope, request }: ModernRequest,
  owner: Owner = NOBODY,
): ServerUser {
  const wantsLogs = envelope.logLevel !== undefined;
  const clientInfo = (request.params?.['_meta'] as JsonObject | undefined)?.[META.clientInfo];
  return {
    asker: {
      era: 'modern',
      owner: principal,
      capabilities: envelope.capabilities,
      wantsLogs,
      isOneClient,
    },
    owner,
    clientInfo: clientInfo as JsonObject | undefined,
  };
}
