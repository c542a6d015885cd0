/** The first words with a server: which era it speaks, what it can do. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import {
  LATEST_LEGACY_REVISION,
  META,
  MODERN_REVISION,
  type Era,
} from '../../domain/protocol/revisions.ts';
import { ask, RpcRefusal, type Askable } from '../../application/calls/ask.ts';
import type { UpstreamConnection } from '../../application/ports.ts';

/** What the handshake needs of a connection. */
type Connection = Askable & Pick<UpstreamConnection, 'write'>;

/** What a server says of itself, and the era in which it did. */
export interface Greeting {
  readonly era: Era;
  /** The answer to `initialize` or `server/discover`. */
  readonly hello: JsonObject;
}

/**
 * A server that says nothing to `server/discover` for this share of its start-up time is taken for a legacy one: long
 * enough for a slow start, short enough to ask it again.
 */
const PROBE_SHARE = 0.5;
const PROBE_MS_MAX = 10_000;

export interface HandshakeOptions {
  readonly era: Era | 'unknown';
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The server wants another era than it was asked in, or ended over the question: start it again, asked so. */
export class WrongEra extends Error {
  override readonly name = 'WrongEra';
  readonly era: Era;
  constructor(era: Era, options?: ErrorOptions) {
    super(`the server speaks the ${era} era`, options);
    this.era = era;
  }
}

/**
 * Speaks the handshake.
 * @throws WrongEra; RpcRefusal or Fault where the server refuses, ends or is silent
 */
export async function handshake(
  connection: Connection,
  options: HandshakeOptions,
): Promise<Greeting> {
  if (options.era === 'legacy') return initialize(connection, options);
  const found = await discover(connection, options);
  if (found !== undefined) return found;
  if (options.era === 'modern') throw new WrongEra('legacy');
  return initialize(connection, options);
}

/** Undefined where the server does not speak the modern era. */
async function discover(
  connection: Connection,
  options: HandshakeOptions,
): Promise<Greeting | undefined> {
  const timeoutMs =
    options.era === 'modern'
      ? options.timeoutMs
      : Math.min(PROBE_MS_MAX, options.timeoutMs * PROBE_SHARE);
  try {
    const hello = await ask(connection, 'server/discover', modernParams(options), {
      ...options,
      timeoutMs,
    });
    const versions = hello['supportedVersions'];
    if (!Array.isArray(versions) || !versions.includes(MODERN_REVISION)) return undefined;
    return { era: 'modern', hello };
  } catch (error) {
    if (error instanceof RpcRefusal) {
      if (error.error.code === RPC.unsupportedVersion)
        throw new Fault('MCP_SERVER_START_FAILED', error.message);
      return undefined;
    }
    // Some servers end on anything before `initialize`; some stay silent for good.
    if (options.era === 'unknown' && error instanceof Fault && !options.signal.aborted) {
      throw new WrongEra('legacy', { cause: error });
    }
    throw error;
  }
}

/** `_meta` of a modern request that the gateway makes for itself. */
const modernParams = (
  options: Pick<HandshakeOptions, 'capabilities' | 'clientInfo'>,
): JsonObject => ({
  _meta: {
    [META.protocolVersion]: MODERN_REVISION,
    [META.clientCapabilities]: options.capabilities,
    [META.clientInfo]: options.clientInfo,
  },
});

async function initialize(connection: Connection, options: HandshakeOptions): Promise<Greeting> {
  const params = {
    protocolVersion: LATEST_LEGACY_REVISION,
    capabilities: options.capabilities,
    clientInfo: options.clientInfo,
  };
  try {
    const hello = await ask(connection, 'initialize', params, options);
    if (!isObject(hello['capabilities'])) {
      throw new Fault('MCP_SERVER_START_FAILED', 'its answer to initialize has no capabilities');
    }
    connection.write('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return { era: 'legacy', hello };
  } catch (error) {
    if (error instanceof RpcRefusal && isModernOnly(error))
      throw new WrongEra('modern', { cause: error });
    throw error;
  }
}

const isModernOnly = ({ error }: RpcRefusal): boolean =>
  error.code === RPC.methodNotFound || error.code === RPC.unsupportedVersion;
