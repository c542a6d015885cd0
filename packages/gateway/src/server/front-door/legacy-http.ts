/** Streamable HTTP of the legacy revisions: sessions, answers as JSON or events, one standing stream, replay. */
import type { ServerResponse } from 'node:http';
import { Fault } from '@mcp-hangar/kernel/errors';
import { batchProblem } from '../../application/sessions/batch.ts';
import { answerInitialize, readInitialize } from '../../application/sessions/legacy-handshake.ts';
import {
  rawIdOf,
  type ClientMessage,
  type ClientText,
} from '../../domain/protocol/client-message.ts';
import { RPC, type Request } from '../../domain/protocol/json-rpc.ts';
import {
  isModernRevision,
  MODERN_REVISION,
  SUPPORTED_REVISIONS,
} from '../../domain/protocol/revisions.ts';
import { BatchReply } from './batch-reply.ts';
import type { HttpReply } from './http-reply.ts';
import type { HttpSession } from './http-session.ts';
import {
  header,
  openReply,
  PROTOCOL_VERSION_HEADER,
  sendError,
  sendFault,
  SESSION_HEADER,
  type Exchange,
} from './exchange.ts';

/** @param batched the body was an array */
export function postLegacy(
  exchange: Exchange,
  messages: readonly ClientMessage[],
  batched: boolean,
): void {
  const first = messages[0];
  if (!batched && first?.message.kind === 'request' && first.message.method === 'initialize') {
    initialize(exchange, first.message, first.text);
    return;
  }
  const session = findSession(exchange);
  if (session === undefined) return;
  const problem = batched ? batchProblem(session.session.client.revision, messages) : undefined;
  if (problem !== undefined) {
    sendError(exchange.response, 400, problem);
    return;
  }
  const requests = messages.filter(({ message }) => message.kind === 'request').length;
  const batch =
    requests > 1 ? new BatchReply(newReply(exchange, session, 'null'), requests) : undefined;
  const read = exchange.front.hub.fleet.readsHeaders
    ? (name: string) => header(exchange.request, name)
    : undefined;
  for (const one of messages) {
    session.session.receive(
      one,
      (rawId) => batch?.part(rawId) ?? newReply(exchange, session, rawId),
      read,
    );
  }
  if (requests === 0) exchange.response.writeHead(202).end();
}

export function getStream(exchange: Exchange): void {
  const { front, request, response } = exchange;
  if (front.draining) {
    sendFault(response, new Fault('GATEWAY_STOPPING', 'The gateway is shutting down'));
    return;
  }
  const version = header(request, PROTOCOL_VERSION_HEADER);
  if (isModernRevision(version)) {
    methodNotAllowed(response);
    return;
  }
  if (!(request.headers.accept ?? '*/*').match(/text\/event-stream|\*\/\*/)) {
    sendFault(response, new Fault('NOT_ACCEPTABLE', 'Accept must list text/event-stream'));
    return;
  }
  const session = findSession(exchange);
  if (session === undefined) return;
  if (front.streams.size >= front.limits.streamsMax) {
    sendFault(response, new Fault('STREAMS_FULL', 'Too many open streams (limits.streams_max)'));
    return;
  }
  if (!session.listen(response, header(request, 'last-event-id'))) {
    sendError(response, 400, {
      code: RPC.invalidRequest,
      message: 'Last-Event-ID names no event that is still known',
    });
    return;
  }
  const stream = { end: () => void response.end() };
  front.streams.add(stream);
  response.on('close', () => front.streams.delete(stream));
}

export function deleteSession(exchange: Exchange): void {
  const version = header(exchange.request, PROTOCOL_VERSION_HEADER);
  if (isModernRevision(version)) {
    methodNotAllowed(exchange.response);
    return;
  }
  const session = findSession(exchange);
  if (session === undefined) return;
  exchange.front.sessions.end(session, 'the client ended the session');
  exchange.response.writeHead(204).end();
}

function methodNotAllowed(response: ServerResponse): void {
  response.setHeader('allow', 'POST');
  const detail = `Method not allowed in revision ${MODERN_REVISION}`;
  sendFault(response, new Fault('METHOD_NOT_ALLOWED', detail));
}

function initialize(exchange: Exchange, request: Request, text: ClientText): void {
  const { front, endpoint, response } = exchange;
  const client = readInitialize(request.params, endpoint);
  if (!client.ok) {
    sendError(response, 400, client.error, request.id);
    return;
  }
  const session = front.sessions.create(client.value);
  if (session === undefined) {
    const detail = `${front.limits.sessionsMax} sessions are in use (limits.sessions_max)`;
    sendFault(response, new Fault('SESSIONS_FULL', detail), request.id);
    return;
  }
  response.setHeader(SESSION_HEADER, session.session.client.id);
  answerInitialize(front.hub, session.session, newReply(exchange, session, rawIdOf(request, text)));
}

/** The session that a request names; undefined where it was answered with an error. */
function findSession({ front, endpoint, request, response }: Exchange): HttpSession | undefined {
  const version = header(request, PROTOCOL_VERSION_HEADER);
  if (version !== undefined && !SUPPORTED_REVISIONS.includes(version)) {
    const detail = `Unsupported protocol version: ${version} (supported: ${SUPPORTED_REVISIONS.join(', ')})`;
    sendFault(response, new Fault('PROTOCOL_VERSION_UNSUPPORTED', detail));
    return undefined;
  }
  const id = header(request, SESSION_HEADER);
  if (id === undefined) {
    const detail = 'Mcp-Session-Id is missing: initialize first';
    sendFault(response, new Fault('SESSION_MISSING', detail));
    return undefined;
  }
  const session = front.sessions.find(id);
  if (session === undefined || session.session.client.endpoint !== endpoint) {
    sendFault(response, new Fault('SESSION_UNKNOWN', 'Session not found'));
    return undefined;
  }
  return session;
}

const newReply = (exchange: Exchange, session: HttpSession, rawId: string): HttpReply =>
  openReply(exchange, {
    rawId,
    openStream: () => session.openStream(),
    orphan: (message) => session.say(message),
  });
