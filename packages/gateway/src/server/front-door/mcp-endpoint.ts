/** `/mcp` and `/mcp/SERVER`: reads a request, decides its era, and hands it on. */
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
import { header, PROTOCOL_VERSION_HEADER, sendError, type Exchange } from './exchange.ts';
import { readBody, type Body } from './body.ts';
import { getStream, postLegacy, deleteSession } from './legacy-http.ts';
import { postModern } from './modern-http.ts';

export function handleMcp(exchange: Exchange): void {
  const { method } = exchange.request;
  if (method === 'POST') post(exchange);
  else if (method === 'GET') getStream(exchange);
  else if (method === 'DELETE') deleteSession(exchange);
  else {
    exchange.response.setHeader('allow', 'POST, GET, DELETE');
    sendError(exchange.response, 405, { code: RPC.gateway, message: 'Method not allowed' });
  }
}

function post(exchange: Exchange): void {
  const { front, request, response } = exchange;
  const { headers } = request;
  if (front.draining) {
    sendError(response, 503, { code: RPC.gateway, message: 'The gateway is shutting down' });
  } else if (!isJsonType(headers['content-type'])) {
    sendError(response, 415, {
      code: RPC.gateway,
      message: 'Content-Type must be application/json',
    });
  } else if (!acceptsBoth(headers.accept)) {
    const message = 'Accept must list application/json and text/event-stream';
    sendError(response, 406, { code: RPC.gateway, message });
  } else readBody(request, front.limits.bodyBytesMax, (body) => onBody(exchange, body));
}

function onBody(exchange: Exchange, body: Body): void {
  const { front, request, response } = exchange;
  if (body.kind === 'too-large') {
    response.setHeader('connection', 'close');
    const message = `The body is larger than ${front.limits.bodyBytesMax} bytes (limits.body_bytes_max)`;
    sendError(response, 413, { code: RPC.gateway, message });
    response.on('finish', () => request.destroy());
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
    postLegacy(
      exchange,
      body.value.map((value) => ({
        message: classify(value),
        text: clientText(JSON.stringify(value), value),
      })),
      true,
    );
    return;
  }
  dispatch(exchange, classify(body.value), body);
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
