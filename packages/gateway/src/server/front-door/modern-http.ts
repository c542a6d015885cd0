/** Streamable HTTP of the stateless revision: one POST a request; closing the response is the cancellation. */
import type { IncomingHttpHeaders } from 'node:http';
import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import { Fault } from '@mcp-hangar/kernel/errors';
import { faultCodeOf } from '../../application/calls/reply.ts';
import { handleModern } from '../../application/sessions/modern-client.ts';
import { rawIdOf, type ClientText } from '../../domain/protocol/client-message.ts';
import { RPC, type Message, type RpcError } from '../../domain/protocol/json-rpc.ts';
import { checkModern, isRefusal } from '../../domain/protocol/modern-envelope.ts';
import { decodeHeaderValue } from '../../application/calls/header-value.ts';
import {
  header,
  openReply,
  PROTOCOL_VERSION_HEADER,
  sendError,
  sendFault,
  type Exchange,
} from './exchange.ts';

/** Until there is authentication, everybody is the same principal. */
const ANONYMOUS = 'anonymous';

export function postModern(exchange: Exchange, message: Message, text: ClientText): void {
  const { front, endpoint, request, response } = exchange;
  if (message.kind === 'notification') {
    response.writeHead(202).end(); // the revision defines none over HTTP; there is nobody to give one to
    return;
  }
  if (message.kind !== 'request') {
    const id = message.kind === 'response' ? message.id : null;
    sendError(
      response,
      400,
      { code: RPC.invalidRequest, message: 'Invalid request: clients post no responses' },
      id,
    );
    return;
  }
  const envelope = checkModern(message, {
    protocolVersion: header(request, PROTOCOL_VERSION_HEADER),
    method: header(request, 'mcp-method'),
    name: decodeHeaderValue(header(request, 'mcp-name')),
  });
  if (isRefusal(envelope)) {
    sendError(response, 400, envelope.error, message.id);
    return;
  }
  const listens = message.method === 'subscriptions/listen';
  if (listens && front.streams.size >= front.limits.streamsMax) {
    const fault = new Fault('STREAMS_FULL', 'Too many open streams (limits.streams_max)');
    sendFault(response, fault, message.id);
    return;
  }
  const reply = openReply(exchange, { rawId: rawIdOf(message, text), statusOf });
  const pending = handleModern(front.hub, {
    endpoint,
    principal: ANONYMOUS,
    isOneClient: false,
    request: message,
    text,
    envelope,
    reply,
    header: (name) => decodeHeaderValue(header(request, name)),
    paramHeaders: () => paramHeaders(request.headers),
  });
  if (listens) reply.onOverflow = () => pending.cancel(STREAM_CLOSED);
  const stream = listens ? { end: () => pending.finish?.() } : undefined;
  if (stream !== undefined) front.streams.add(stream);
  response.on('close', () => {
    if (stream !== undefined) front.streams.delete(stream);
    if (!response.writableFinished) pending.cancel(STREAM_CLOSED);
    reply.drop(); // nobody is left to answer
  });
}

const STREAM_CLOSED = 'the client closed the stream';

/** Unknown ones are passed on too: the server knows them. */
function paramHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const found = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith('mcp-param-') && typeof value === 'string' ? [[name, value] as const] : [],
  );
  return Object.fromEntries(found);
}

/** Errors that the revision wants as an HTTP status too, and those by which the gateway turns a request away. */
function statusOf(error: Pick<RpcError, 'code' | 'data'>): number {
  const fault = faultCodeOf(error);
  if (fault === 'GATEWAY_BUSY' || fault === 'GATEWAY_STOPPING') return ERRORS[fault].http;
  switch (error.code) {
    case RPC.methodNotFound:
      return 404;
    case RPC.headerMismatch:
    case RPC.missingCapability:
    case RPC.unsupportedVersion:
      return 400;
    default:
      return 200;
  }
}
