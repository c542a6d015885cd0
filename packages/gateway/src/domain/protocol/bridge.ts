/**
 * Plain requests and answers across eras. What needs more than one request and one answer (questions to the
 * client, subscriptions, parked calls) does not cross here and is refused by its caller.
 */
import { isObject, RPC, type JsonObject, type RpcError } from './json-rpc.ts';
import { META, MODERN_REVISION } from './revisions.ts';

/** Params of a modern request as a legacy server reads them: the era's own `_meta` keys are left out. */
export function legacyParams(params: JsonObject | undefined): JsonObject {
  const { inputResponses: _responses, requestState: _state, _meta: meta, ...rest } = params ?? {};
  if (!isObject(meta)) return rest;
  const kept = Object.entries(meta).filter(([key]) => !key.startsWith(META.prefix));
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
}

/** Params of a legacy request as a modern server wants them. No capability is declared: nothing could be asked. */
export function modernParams(params: JsonObject | undefined, clientInfo: JsonObject): JsonObject {
  const meta = isObject(params?.['_meta']) ? params['_meta'] : {};
  return {
    ...params,
    _meta: {
      ...meta,
      [META.protocolVersion]: MODERN_REVISION,
      [META.clientCapabilities]: {},
      [META.clientInfo]: clientInfo,
    },
  };
}

/** Methods whose modern result says how long it may be kept. */
const CACHEABLE: ReadonlySet<string> = new Set(['resources/read']);

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
  /** The server wants something first that a legacy client cannot be asked in this build. */
  | { readonly kind: 'unfinished'; readonly resultType: string };

export function legacyResult(result: JsonObject): LegacyResult {
  const type = result['resultType'];
  if (type !== undefined && type !== 'complete')
    return { kind: 'unfinished', resultType: typeof type === 'string' ? type : 'unknown' };
  const { resultType: _, ttlMs: _ttl, cacheScope: _scope, ...rest } = result;
  return { kind: 'result', result: rest };
}

/** Codes that may not be emitted in the modern era. */
export const modernError = (error: RpcError): RpcError =>
  error.code === RPC.resourceNotFound ? { ...error, code: RPC.invalidParams } : error;
