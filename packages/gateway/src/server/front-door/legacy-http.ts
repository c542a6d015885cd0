/** Streamable HTTP of the legacy revisions: sessions, answers as JSON or events, one standing stream, replay. */
import type { ServerResponse } from 'node:http';
import { initializeResult } from '../../application/sessions/hello.ts';
import { checkInitialize } from '../../application/sessions/legacy-session.ts';
import { rawIdOf, type ClientText } from '../../domain/protocol/client-message.ts';
import { isObject, RPC, type Message, type Request } from '../../domain/protocol/json-rpc.ts';
import {
  BATCH_REVISION,
  isModernRevision,
  MODERN_REVISION,
  negotiateLegacy,
  SUPPORTED_REVISIONS,
} from '../../domain/protocol/revisions.ts';
import { BatchReply } from './batch-reply.ts';
import { HttpReply } from './http-reply.ts';
import type { HttpSession } from './http-session.ts';
import {
  header,
  PROTOCOL_VERSION_HEADER,
  sendError,
  SESSION_HEADER,
  type Exchange,
} from './exchange.ts';

export interface ClientMessage {
  readonly message: Message;
  readonly text: ClientText;
}

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
  const problem = batched ? batchProblem(session, messages) : undefined;
  if (problem !== undefined) {
    sendError(exchange.response, 400, {
      code: RPC.invalidRequest,
      message: `Invalid request: ${problem}`,
    });
    return;
  }
  const requests = messages.filter(({ message }) => message.kind === 'request').length;
  const batch =
    requests > 1 ? new BatchReply(newReply(exchange, session, 'null'), requests) : undefined;
  for (const { message, text } of messages) {
    if (message.kind === 'request') {
      const rawId = rawIdOf(message, text);
      session.session.request(
        message,
        text,
        batch?.part(rawId) ?? newReply(exchange, session, rawId),
      );
    } else if (message.kind === 'notification') session.session.notification(message, text);
    else if (message.kind === 'response') session.session.response(message.id, text);
  }
  if (requests === 0) exchange.response.writeHead(202).end();
}

/** The revision that has batches bounds them like the official SDK does. */
export const BATCH_MAX = 100;

function batchProblem(
  session: HttpSession,
  messages: readonly ClientMessage[],
): string | undefined {
  if (session.session.client.revision !== BATCH_REVISION)
    return 'batches exist only in revision 2025-03-26';
  if (messages.length === 0 || messages.length > BATCH_MAX)
    return `a batch has 1 to ${BATCH_MAX} messages`;
  const bad = messages.find(({ message }) => message.kind === 'invalid');
  return bad?.message.kind === 'invalid' ? bad.message.reason : undefined;
}

export function getStream(exchange: Exchange): void {
  const { front, request, response } = exchange;
  if (front.draining) {
    sendError(response, 503, { code: RPC.gateway, message: 'The gateway is shutting down' });
    return;
  }
  const version = header(request, PROTOCOL_VERSION_HEADER);
  if (isModernRevision(version)) {
    methodNotAllowed(response);
    return;
  }
  if (!(request.headers.accept ?? '*/*').match(/text\/event-stream|\*\/\*/)) {
    sendError(response, 406, { code: RPC.gateway, message: 'Accept must list text/event-stream' });
    return;
  }
  const session = findSession(exchange);
  if (session === undefined) return;
  if (front.streams.size >= front.limits.streamsMax) {
    sendError(response, 503, {
      code: RPC.gateway,
      message: 'Too many open streams (limits.streams_max)',
    });
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
  sendError(response, 405, {
    code: RPC.gateway,
    message: `Method not allowed in revision ${MODERN_REVISION}`,
  });
}

function initialize(exchange: Exchange, request: Request, text: ClientText): void {
  const { front, endpoint, response } = exchange;
  const { params } = request;
  const problem = checkInitialize(params);
  if (problem !== undefined) {
    sendError(
      response,
      400,
      { code: RPC.invalidParams, message: `Invalid params: ${problem}` },
      request.id,
    );
    return;
  }
  const revision = negotiateLegacy(params?.['protocolVersion']);
  const capabilities = isObject(params?.['capabilities']) ? params['capabilities'] : {};
  const clientInfo = isObject(params?.['clientInfo']) ? params['clientInfo'] : undefined;
  const session = front.sessions.create({ revision, endpoint, capabilities, clientInfo });
  if (session === undefined) {
    const message = `${front.limits.sessionsMax} sessions are in use (limits.sessions_max)`;
    sendError(response, 503, { code: RPC.gateway, message }, request.id);
    return;
  }
  const { view, user, client } = session.session;
  const rawId = rawIdOf(request, text);
  response.setHeader(SESSION_HEADER, client.id);
  const reply = newReply(exchange, session, rawId);
  // One server says what it can do, so it is asked; the whole can do everything.
  const waiting = endpoint.prefixed ? undefined : front.hub.known(view, user);
  const answer = (): void => reply.result(initializeResult(front.hub, view, revision));
  if (waiting === undefined) answer();
  else void waiting.then(answer);
}

/** The session that a request names; undefined where it was answered with an error. */
function findSession({ front, endpoint, request, response }: Exchange): HttpSession | undefined {
  const version = header(request, PROTOCOL_VERSION_HEADER);
  if (version !== undefined && !SUPPORTED_REVISIONS.includes(version)) {
    const message = `Unsupported protocol version: ${version} (supported: ${SUPPORTED_REVISIONS.join(', ')})`;
    sendError(response, 400, { code: RPC.gateway, message });
    return undefined;
  }
  const id = header(request, SESSION_HEADER);
  if (id === undefined) {
    sendError(response, 400, {
      code: RPC.gateway,
      message: 'Mcp-Session-Id is missing: initialize first',
    });
    return undefined;
  }
  const session = front.sessions.find(id);
  if (session === undefined || session.session.client.endpoint !== endpoint) {
    sendError(response, 404, { code: RPC.sessionNotFound, message: 'Session not found' });
    return undefined;
  }
  return session;
}

function newReply({ front, response }: Exchange, session: HttpSession, rawId: string): HttpReply {
  const reply = new HttpReply({
    response,
    rawId,
    bufferBytesMax: front.limits.clientBufferBytesMax,
    openStream: () => session.openStream(),
    orphan: (message) => session.say(message),
    onDone: (done) => front.pending.delete(done),
  });
  front.pending.add(reply);
  return reply;
}
