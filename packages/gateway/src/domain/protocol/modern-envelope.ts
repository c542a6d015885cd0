/**
 * What a request of the modern era must carry, checked in the order that the specification gives the answers:
 * version agreement, envelope, supported version, routing headers. Over HTTP each refusal is a bad request.
 */
import { isObject, RPC, type JsonObject, type Request, type RpcError } from './json-rpc.ts';
import { isLogLevel, LOG_LEVELS_TEXT } from './log-levels.ts';
import { isModernRevision, META, MODERN_REVISION, SUPPORTED_REVISIONS } from './revisions.ts';

export interface Refusal {
  readonly error: RpcError;
}

/** The request headers that the envelope is checked against, decoded; absent and undecodable ones are undefined. */
export interface RoutingHeaders {
  readonly protocolVersion: string | undefined;
  readonly method: string | undefined;
  readonly name: string | undefined;
}

export interface ModernEnvelope {
  readonly capabilities: JsonObject;
  readonly logLevel: string | undefined;
}

const refuse = (code: number, message: string, data?: unknown): Refusal => ({
  error: data === undefined ? { code, message } : { code, message, data },
});

export const claimedRevision = (params: JsonObject | undefined): unknown =>
  isObject(params?.['_meta']) ? params['_meta'][META.protocolVersion] : undefined;

/** Whether a message speaks the modern era. A header alone decides only where no session does. */
export function isModern(params: JsonObject | undefined, header: string | undefined): boolean {
  if (claimedRevision(params) !== undefined) return true;
  return isModernRevision(header);
}

/** @param headers undefined where the transport has none: then the body alone counts */
export function checkModern(
  request: Request,
  headers: RoutingHeaders | undefined,
): ModernEnvelope | Refusal {
  const meta = request.params?.['_meta'];
  const claimed = claimedRevision(request.params);
  if (headers !== undefined && claimed !== undefined && headers.protocolVersion !== claimed) {
    return refuse(
      RPC.headerMismatch,
      headers.protocolVersion === undefined
        ? 'Header mismatch: the MCP-Protocol-Version header is missing'
        : `Header mismatch: MCP-Protocol-Version is "${headers.protocolVersion}" but _meta says ${JSON.stringify(claimed)}`,
    );
  }
  if (!isObject(meta)) return refuse(RPC.invalidParams, 'Invalid params: _meta is required');
  if (typeof claimed !== 'string') {
    return refuse(
      RPC.invalidParams,
      `Invalid params: _meta["${META.protocolVersion}"] is required`,
    );
  }
  const capabilities = meta[META.clientCapabilities];
  if (!isObject(capabilities)) {
    return refuse(
      RPC.invalidParams,
      `Invalid params: _meta["${META.clientCapabilities}"] is required`,
    );
  }
  if (claimed !== MODERN_REVISION) {
    return refuse(RPC.unsupportedVersion, `Unsupported protocol version: ${claimed}`, {
      supported: SUPPORTED_REVISIONS,
      requested: claimed,
    });
  }
  const logLevel = meta[META.logLevel];
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    const message = `Invalid params: _meta["${META.logLevel}"] is one of ${LOG_LEVELS_TEXT}`;
    return refuse(RPC.invalidParams, message);
  }
  const mismatch = headers === undefined ? undefined : checkRouting(request, headers);
  return mismatch ?? { capabilities, logLevel };
}

export const isRefusal = (value: ModernEnvelope | Refusal): value is Refusal => 'error' in value;

function checkRouting(request: Request, headers: RoutingHeaders): Refusal | undefined {
  if (headers.method === undefined) {
    return refuse(RPC.headerMismatch, 'Header mismatch: the Mcp-Method header is missing');
  }
  if (headers.method !== request.method) {
    return refuse(
      RPC.headerMismatch,
      `Header mismatch: Mcp-Method is "${headers.method}" but the body says "${request.method}"`,
    );
  }
  const named = namedTarget(request);
  if (named === undefined) return undefined;
  if (headers.name === undefined) {
    return refuse(
      RPC.headerMismatch,
      'Header mismatch: the Mcp-Name header is missing or not valid',
    );
  }
  return headers.name === named
    ? undefined
    : refuse(
        RPC.headerMismatch,
        `Header mismatch: Mcp-Name is "${headers.name}" but the body says "${named}"`,
      );
}

/** The value that `Mcp-Name` repeats, or undefined for a method without one. */
function namedTarget(request: Request): string | undefined {
  const member = NAMED_BY[request.method];
  const value = member === undefined ? undefined : request.params?.[member];
  return typeof value === 'string' ? value : undefined;
}

const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};
