/** `/mcp` and `/mcp/SERVER`: reads a request, decides its era, and hands it on. */
import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import { Fault } from '@mcp-hangar/kernel/errors';
import { rpcErrorOf } from '../../application/calls/reply.ts';
import { batchOf } from '../../application/sessions/batch.ts';
import { clientText } from '../../domain/protocol/client-message.ts';
import {
  classify,
  exceedsDepth,
  isObject,
  RPC,
  type JsonObject,
  type Message,
} from '../../domain/protocol/json-rpc.ts';
import { isModern } from '../../domain/protocol/modern-envelope.ts';
import {
  contain,
  header,
  PROTOCOL_VERSION_HEADER,
  sendError,
  sendFault,
  type Exchange,
} from './exchange.ts';
import { readBody, type Body } from './body.ts';
import { deleteSession, getStream, postLegacy } from './legacy-http.ts';
import { postModern } from './modern-http.ts';

export function handleMcp(exchange: Exchange): void {
  const { method } = exchange.request;
  if (method === 'POST') post(exchange);
  else if (method === 'GET') getStream(exchange);
  else if (method === 'DELETE') deleteSession(exchange);
  else {
    exchange.response.setHeader('allow', 'POST, GET, DELETE');
    sendFault(exchange.response, new Fault('METHOD_NOT_ALLOWED', 'Method not allowed'));
  }
}

function post(exchange: Exchange): void {
  const { front, request, response } = exchange;
  const { headers } = request;
  if (front.draining) {
    sendFault(response, new Fault('GATEWAY_STOPPING', 'The gateway is shutting down'));
  } else if (!isJsonType(headers['content-type'])) {
    const detail = 'Content-Type must be application/json';
    sendFault(response, new Fault('CONTENT_TYPE_UNSUPPORTED', detail));
  } else if (!acceptsBoth(headers.accept)) {
    const detail = 'Accept must list application/json and text/event-stream';
    sendFault(response, new Fault('NOT_ACCEPTABLE', detail));
  } else {
    const { bodyBytesMax: bytesMax } = front.limits;
    const limits = { bytesMax, heldBytesMax: HELD_BYTES_MAX, budget: front.bodies };
    readBody(request, limits, (body) => contain(front, response, () => onBody(exchange, body)));
  }
}

/** Bytes of bodies that have begun and not ended, over all clients. */
const HELD_BYTES_MAX = 268_435_456;

function onBody(exchange: Exchange, body: Body): void {
  const { front, response } = exchange;
  if (body.kind === 'too-large') {
    const detail = `The body is larger than ${front.limits.bodyBytesMax} bytes (limits.body_bytes_max)`;
    sendFaultAndClose(exchange, new Fault('BODY_TOO_LARGE', detail));
    return;
  }
  if (body.kind === 'no-room') {
    const detail = 'The gateway is reading as much as it can; try again';
    sendFaultAndClose(exchange, new Fault('GATEWAY_BUSY', detail));
    return;
  }
  if (body.kind === 'not-json') {
    sendError(response, 400, { code: RPC.parseError, message: `Parse error: ${body.reason}` });
    return;
  }
  if (exceedsDepth(body.value, front.limits.jsonDepthMax)) {
    const message = `Invalid request: nested deeper than ${front.limits.jsonDepthMax} levels (limits.json_depth_max)`;
    sendError(response, 400, { code: RPC.invalidRequest, message });
    return;
  }
  if (Array.isArray(body.value)) {
    postLegacy(exchange, batchOf(body.text, body.value), true);
    return;
  }
  dispatch(exchange, classify(body.value), body);
}

/** How long a body that is refused is still read. */
const LINGER_MS = 2_000;

/** A connection that is reset while the client writes takes the answer with it, so what comes is read for a while. */
function sendFaultAndClose({ request, response }: Exchange, fault: Fault): void {
  const text = JSON.stringify({ jsonrpc: '2.0', id: null, error: rpcErrorOf(fault) });
  response.writeHead(ERRORS[fault.code].http, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  response.write(text);
  const timer = setTimeout(() => response.end(), LINGER_MS);
  request.once('end', () => response.end());
  response.once('close', () => clearTimeout(timer));
  request.resume();
}

function dispatch(
  exchange: Exchange,
  message: Message,
  body: Extract<Body, { kind: 'text' }>,
): void {
  const { request, response } = exchange;
  if (message.kind === 'invalid') {
    sendError(
      response,
      400,
      { code: RPC.invalidRequest, message: `Invalid request: ${message.reason}` },
      message.id,
    );
    return;
  }
  const text = clientText(body.text, body.value);
  const version = header(request, PROTOCOL_VERSION_HEADER);
  const params: JsonObject | undefined =
    message.kind === 'response' || !isObject(message.params) ? undefined : message.params;
  if (isModern(params, version)) postModern(exchange, message, text);
  else postLegacy(exchange, [{ message, text }], false);
}

const isJsonType = (type: string | undefined): boolean =>
  type !== undefined && /^application\/json\s*(?:;|$)/i.test(type);

function acceptsBoth(accept: string | undefined): boolean {
  if (accept === undefined || accept.includes('*/*')) return true;
  return accept.includes('application/json') && accept.includes('text/event-stream');
}
