/** The first words with a remote server: its era, by `server/discover` alone, and its session. */
import type { Fault } from '@mcp-hangar/kernel/errors';
import { RpcRefusal } from '../../../application/calls/ask.ts';
import {
  isObject,
  RPC,
  type JsonObject,
  type RpcError,
} from '../../../domain/protocol/json-rpc.ts';
import {
  LATEST_LEGACY_REVISION,
  META,
  MODERN_REVISION,
} from '../../../domain/protocol/revisions.ts';
import type { Refusal } from './answer-reader.ts';
import { protocolFault, statusFault } from './http-fault.ts';
import type { HttpClient } from './http-client.ts';
import { askOverHttp, tell } from './rpc-exchange.ts';

export interface Greeting {
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A session, or what a server without sessions gives instead. */
export interface LegacyHello {
  readonly hello: JsonObject;
  readonly sessionId: string | undefined;
  /** Of the protocol, as it was agreed on. */
  readonly revision: string;
}

/** The endpoint does not take `initialize` by POST. */
export class NotServed extends Error {
  override readonly name = 'NotServed';
  /** What the client would be told. */
  readonly fault: Fault;
  /** It said so as servers of the modern era do. */
  readonly seemsModern: boolean;
  constructor(fault: Fault, seemsModern: boolean) {
    super(fault.message);
    this.fault = fault;
    this.seemsModern = seemsModern;
  }
}

export const JSON_HEADERS: readonly string[] = [
  'content-type',
  'application/json',
  'accept',
  'application/json, text/event-stream',
];
const TOLD_MS_MAX = 10_000;
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
/** Codes by which a server shows that it knows the modern era. */
const MODERN_CODES: ReadonlySet<number> = new Set([
  RPC.headerMismatch,
  RPC.missingCapability,
  RPC.unsupportedVersion,
]);
/** Statuses by which a server may say that it knows no such request; all others say nothing of its era. */
const NOT_KNOWN: ReadonlySet<number> = new Set([400, 404, 405, 406, 415, 422]);

/**
 * What a server says of itself in the modern era; undefined where it does not speak it.
 * @throws Fault where that cannot be told, RpcRefusal where it speaks other modern revisions only
 */
export async function discover(
  client: HttpClient,
  greeting: Greeting,
): Promise<JsonObject | undefined> {
  const first = await askDiscover(client, greeting);
  if (first.kind === 'hello') return first.hello;
  if (first.kind === 'unknown') return undefined;
  // It knows the question and wants another revision: where that is ours, it was asked wrongly once.
  if (!supports(first.error, MODERN_REVISION)) return otherRevision(first.error);
  const second = await askDiscover(client, greeting);
  return second.kind === 'hello' ? second.hello : undefined;
}

type Discovered =
  | { readonly kind: 'hello'; readonly hello: JsonObject }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'version'; readonly error: RpcError };

async function askDiscover(client: HttpClient, greeting: Greeting): Promise<Discovered> {
  const { capabilities, clientInfo, timeoutMs, signal } = greeting;
  const params = {
    _meta: {
      [META.protocolVersion]: MODERN_REVISION,
      [META.clientCapabilities]: capabilities,
      [META.clientInfo]: clientInfo,
    },
  };
  const headers = [...JSON_HEADERS, ...modernHeaders('server/discover')];
  const reply = await askOverHttp(client, {
    method: 'server/discover',
    params,
    headers,
    timeoutMs,
    signal,
  });
  if (reply.kind === 'result') {
    const versions = reply.result['supportedVersions'];
    const isOurs = Array.isArray(versions) && versions.includes(MODERN_REVISION);
    return isOurs ? { kind: 'hello', hello: reply.result } : { kind: 'unknown' };
  }
  const error = reply.kind === 'error' ? reply.error : reply.refusal.error;
  if (error?.code === RPC.unsupportedVersion) return { kind: 'version', error };
  if (reply.kind === 'error' || NOT_KNOWN.has(reply.refusal.status)) return { kind: 'unknown' };
  throw faultOf(reply.refusal, client);
}

/** The headers that every modern request has, flat. */
export const modernHeaders = (method: string): readonly string[] => [
  'mcp-protocol-version',
  MODERN_REVISION,
  'mcp-method',
  method,
];

function supports({ data }: RpcError, revision: string): boolean {
  const supported = isObject(data) ? data['supported'] : undefined;
  return Array.isArray(supported) && supported.includes(revision);
}

/** A server that offers a legacy revision is asked in that era; one that offers only unknown ones is of no use. */
function otherRevision(error: RpcError): undefined {
  const supported = isObject(error.data) ? error.data['supported'] : undefined;
  const offersLegacy =
    Array.isArray(supported) && supported.some((each) => String(each) < MODERN_REVISION);
  if (offersLegacy || !Array.isArray(supported)) return undefined;
  throw new RpcRefusal(error);
}

/** @throws NotServed where the endpoint takes no such request; RpcRefusal; Fault */
export async function initialize(client: HttpClient, greeting: Greeting): Promise<LegacyHello> {
  const { capabilities, clientInfo, timeoutMs, signal } = greeting;
  const reply = await askOverHttp(client, {
    method: 'initialize',
    params: { protocolVersion: LATEST_LEGACY_REVISION, capabilities, clientInfo },
    headers: JSON_HEADERS,
    timeoutMs,
    signal,
  });
  if (reply.kind === 'refused') throw notServed(reply.refusal, client);
  if (reply.kind === 'error') {
    const { error } = reply;
    if (error.code !== RPC.methodNotFound && !MODERN_CODES.has(error.code))
      throw new RpcRefusal(error);
    throw new NotServed(protocolFault(`it knows no "initialize" (${error.code})`), true);
  }
  const { result: hello, headers } = reply;
  if (!isObject(hello['capabilities']))
    throw protocolFault('its answer to initialize has no capabilities');
  const session = headers['mcp-session-id'];
  const sessionId = typeof session === 'string' && SESSION_ID.test(session) ? session : undefined;
  const agreed = String(hello['protocolVersion']);
  const revision = /^\d{4}-\d\d-\d\d$/.test(agreed) ? agreed : LATEST_LEGACY_REVISION;
  const found = { hello, sessionId, revision };
  // Some servers refuse whatever comes before it, so that it has to have arrived.
  await tell(client, {
    line: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    headers: [...JSON_HEADERS, ...sessionHeaders(found)],
    timeoutMs: Math.min(timeoutMs, TOLD_MS_MAX),
  });
  return found;
}

/** The headers of a session, flat. */
export const sessionHeaders = ({ sessionId, revision }: LegacyHello): readonly string[] => [
  'mcp-protocol-version',
  revision,
  ...(sessionId === undefined ? [] : ['mcp-session-id', sessionId]),
];

function notServed(refusal: Refusal, client: HttpClient): Error {
  const fault = faultOf(refusal, client);
  const { status, error } = refusal;
  if (!NOT_KNOWN.has(status)) return fault;
  const seemsModern =
    error !== undefined && (MODERN_CODES.has(error.code) || error.code === RPC.methodNotFound);
  return new NotServed(fault, seemsModern);
}

/** What a refusal is, as an error for the client. */
export const faultOf = ({ status, headers, error }: Refusal, client: HttpClient): Fault =>
  statusFault(
    { status, headers, said: error === undefined ? undefined : client.clean(error.message) },
    client.url,
    client.launch.auth,
  );
