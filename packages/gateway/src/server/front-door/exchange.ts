/** One HTTP exchange on an MCP endpoint, and what all of them share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint } from '../../application/catalog/views.ts';
import type { Hub } from '../../application/dispatch/hub.ts';
import type { Limits } from '../../domain/limits.ts';
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import type { Fault } from '@mcp-hangar/kernel/errors';
import type { SlotMap } from '@mcp-hangar/kernel/slot-map';
import { rpcErrorOf } from '../../application/calls/reply.ts';
import { RPC, type RpcError } from '../../domain/protocol/json-rpc.ts';
import type { BodyBudget } from './body.ts';
import { HttpReply, type HttpReplyOptions } from './http-reply.ts';
import type { SessionTable } from './session-table.ts';

/** What the handlers of one front share. */
export interface Front {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly sessions: SessionTable;
  /** Requests whose answer is outstanding, for keep-alive and shutdown. */
  readonly pending: SlotMap<HttpReply>;
  /** Open-ended streams. */
  readonly streams: Set<{ end(): void }>;
  readonly bodies: BodyBudget;
  draining: boolean;
}

/** One HTTP exchange on an endpoint. */
export interface Exchange {
  readonly front: Front;
  readonly endpoint: Endpoint;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Runs work for one request: a defect in it ends that request and nothing else. */
export function contain(
  { hub }: Pick<Front, 'hub'>,
  response: ServerResponse,
  work: () => void,
): void {
  try {
    work();
  } catch (error) {
    const stack = stackOf(error);
    hub.options.logger.error({ error: stack }, 'defect_in_request');
    if (response.headersSent) response.destroy();
    else sendError(response, 500, { code: RPC.internalError, message: 'Internal error' });
  }
}

export const PROTOCOL_VERSION_HEADER = 'mcp-protocol-version';
export const SESSION_HEADER = 'mcp-session-id';

export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The answer of one request, which is outstanding from now on. */
export function openReply(
  { front, response }: Exchange,
  options: Omit<HttpReplyOptions, 'response' | 'bufferBytesMax' | 'onDone'>,
): HttpReply {
  let key = 0;
  const reply = new HttpReply({
    ...options,
    response,
    bufferBytesMax: front.limits.clientBufferBytesMax,
    onDone: () => void front.pending.remove(key),
  });
  key = front.pending.insert(reply);
  return reply;
}

/** Refuses an exchange with an error of the gateway's own, under the status that the catalogue gives it. */
export function sendFault(response: ServerResponse, fault: Fault, id: unknown = null): void {
  sendError(response, ERRORS[fault.code].http, rpcErrorOf(fault), id);
}

/** An error before or beside JSON-RPC processing; `id` is null where the request's own is not known. */
export function sendError(
  response: ServerResponse,
  status: number,
  error: RpcError,
  id: unknown = null,
): void {
  const text = JSON.stringify({ jsonrpc: '2.0', id, error });
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
