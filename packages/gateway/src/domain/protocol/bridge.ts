/**
 * Answers across eras, one at a time, as values: what `bridge-text.ts` cannot tell from their texts. What needs more than
 * one (questions to the client, subscriptions) is done by its callers.
 */
import { isObject, RPC, type JsonObject, type RpcError } from './json-rpc.ts';
import { META } from './revisions.ts';

/** Methods whose modern result says how long it may be kept. */
export const CACHEABLE: ReadonlySet<string> = new Set(['resources/read']);

/** A legacy server's result as a modern client reads it. */
export function modernResult(
  method: string,
  result: JsonObject,
  serverInfo: JsonObject,
): JsonObject {
  const meta = isObject(result['_meta']) ? result['_meta'] : {};
  return {
    ...(CACHEABLE.has(method) ? { ttlMs: 0, cacheScope: 'private' } : {}),
    ...result,
    resultType: 'complete',
    _meta: { [META.serverInfo]: serverInfo, ...meta },
  };
}

export type LegacyResult =
  | { readonly kind: 'result'; readonly result: JsonObject }
  /** The server wants something of the client first. */
  | { readonly kind: 'input' }
  /** A form of result that only an extension of the modern era knows. */
  | { readonly kind: 'foreign'; readonly resultType: string };

/** A modern server's result as a legacy client reads it. */
export function legacyResult(result: JsonObject): LegacyResult {
  const { resultType, ttlMs: _ttl, cacheScope: _scope, _meta: meta, ...rest } = result;
  if (resultType === 'input_required') return { kind: 'input' };
  if (resultType !== undefined && resultType !== 'complete') {
    const named = typeof resultType === 'string' ? resultType : 'unknown';
    return { kind: 'foreign', resultType: named };
  }
  const kept = isObject(meta) ? withoutEnvelope(meta) : {};
  return {
    kind: 'result',
    result: Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept },
  };
}

/** Keys of `_meta` that legacy results do not have. Reserved ones that are older than the modern era stay. */
export const ENVELOPE: ReadonlySet<string> = new Set(Object.values(META));

const withoutEnvelope = (meta: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(meta).filter(([key]) => !ENVELOPE.has(key)));

/** Codes that may not be emitted in the modern era. */
export const modernError = (error: RpcError): RpcError =>
  error.code === RPC.resourceNotFound ? { ...error, code: RPC.invalidParams } : error;

/**
 * Codes that a legacy client cannot know. SDK v2 serves legacy clients an internal error where one of theirs lacks a
 * capability, and no code of 2025-11-25 says so of a request of the client: what is missing stays in the data.
 */
export function legacyError(error: RpcError): RpcError {
  if (error.code !== RPC.missingCapability) return error;
  const data = isObject(error.data) ? error.data : {};
  return { ...error, code: RPC.internalError, data: { ...data, upstreamCode: error.code } };
}

/** Whether a server speaks of the request as the gateway put it, of which the client knows nothing. */
export const isAboutOurHop = ({ code }: RpcError): boolean =>
  code === RPC.headerMismatch || code === RPC.unsupportedVersion;

/** What the client is told instead. */
export const hopDetail = ({ code, message }: RpcError): string =>
  `the server does not accept the request as the gateway put it (${code}): ${message}`;
