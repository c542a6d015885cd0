/** JSON-RPC 2.0 as MCP uses it: no null ids, no batches outside one revision. */

export type JsonObject = { readonly [key: string]: unknown };

export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Implementation-defined; used where the gateway itself refuses (limits, an ended server). */
  gateway: -32000,
  sessionNotFound: -32001,
  resourceNotFound: -32002,
  headerMismatch: -32020,
  missingCapability: -32021,
  /** Legacy: pages have to be visited first. */
  urlElicitationRequired: -32042,
  unsupportedVersion: -32022,
} as const;

export type RpcId = string | number;

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export interface Request {
  readonly kind: 'request';
  readonly id: RpcId;
  readonly method: string;
  readonly params: JsonObject | undefined;
}
export interface Notification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject | undefined;
}
export interface Response {
  readonly kind: 'response';
  readonly id: RpcId;
}
export interface Invalid {
  readonly kind: 'invalid';
  readonly reason: string;
  /** The id where it could be read, so that the error reaches the right caller. */
  readonly id: RpcId | null;
}
export type Message = Request | Notification | Response | Invalid;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is RpcId =>
  typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));

/** What a parsed body is. `params` must be an object where it is present: MCP has no positional parameters. */
export function classify(value: unknown): Message {
  if (!isObject(value)) return { kind: 'invalid', reason: 'a message is a JSON object', id: null };
  const id = value['id'];
  const known = isId(id) ? id : null;
  if (value['jsonrpc'] !== '2.0')
    return { kind: 'invalid', reason: '"jsonrpc" must be "2.0"', id: known };
  if (id !== undefined && known === null) {
    return { kind: 'invalid', reason: '"id" must be a string or a number', id: null };
  }
  const { method, params } = value;
  if (method === undefined) return classifyResponse(value, known);
  if (typeof method !== 'string')
    return { kind: 'invalid', reason: '"method" must be a string', id: known };
  if (params !== undefined && !isObject(params)) {
    return { kind: 'invalid', reason: '"params" must be an object', id: known };
  }
  return known === null
    ? { kind: 'notification', method, params }
    : { kind: 'request', id: known, method, params };
}

function classifyResponse(value: JsonObject, id: RpcId | null): Response | Invalid {
  const answers = ('result' in value ? 1 : 0) + ('error' in value ? 1 : 0);
  if (id === null || answers !== 1) {
    return { kind: 'invalid', reason: 'neither a request, a notification nor a response', id };
  }
  return { kind: 'response', id };
}

/** Whether a parsed value nests deeper than `max` levels. Cost: one visit per node, none per character. */
export function exceedsDepth(value: unknown, max: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (max === 0) return true;
  if (Array.isArray(value)) return value.some((item) => exceedsDepth(item, max - 1));
  for (const key in value) {
    if (exceedsDepth((value as JsonObject)[key], max - 1)) return true;
  }
  return false;
}
