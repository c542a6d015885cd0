/** Connects to remote servers: which transport, which era, and what to tell people where neither works. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { McpServerSpec, RemoteLaunch } from '../../../domain/mcp-server/spec.ts';
import type { CauseId } from '../../../domain/mcp-server/start-hints.ts';
import type { JsonObject } from '../../../domain/protocol/json-rpc.ts';
import { RpcRefusal } from '../../../application/calls/ask.ts';
import type {
  Logger,
  StartOptions,
  UpstreamConnection,
  UpstreamLauncher,
} from '../../../application/ports.ts';
import { redactor } from '../../../domain/mcp-server/redactor.ts';
import type { ConnectionLimits } from '../stdio-connection.ts';
import { HttpClient, type ProxySettings } from './http-client.ts';
import { LegacyConnection, type RemoteConnectionOptions } from './legacy-connection.ts';
import { ModernConnection } from './modern-connection.ts';
import { discover, initialize, NotServed, type Greeting } from './remote-handshake.ts';
import { SseConnection } from './sse-connection.ts';

/** A server that is silent to `server/discover` for this share of its start-up time is asked in the other era. */
const PROBE_SHARE = 0.5;
const PROBE_MS_MAX = 10_000;

export interface RemoteLauncherOptions {
  readonly limits: ConnectionLimits;
  /** Name and version that servers are told where there is no client to name. */
  readonly clientInfo: JsonObject;
  readonly userAgent: string;
  readonly proxy: ProxySettings;
  readonly logger: Logger;
}

export function remoteLauncher(options: RemoteLauncherOptions): UpstreamLauncher {
  // Sessions with one server share its connections.
  const clients = new WeakMap<McpServerSpec, Promise<HttpClient>>();
  const warned = new WeakSet<McpServerSpec>();
  const clientFor = (spec: McpServerSpec, launch: RemoteLaunch): Promise<HttpClient> => {
    const known = clients.get(spec);
    if (known !== undefined) return known;
    const clean = redactor(spec.secrets);
    const opened = HttpClient.open(launch, { ...options, clean });
    clients.set(spec, opened);
    opened.then(
      (client) => client.onUnused(() => clients.delete(spec)),
      () => clients.delete(spec), // the file may be there next time
    );
    return opened;
  };
  return {
    async start(spec, start) {
      const { launch } = spec;
      if (launch.kind !== 'remote')
        throw new Fault('MCP_SERVER_INACTIVE', 'it is no server elsewhere');
      if (!launch.tls.verify && !warned.has(spec)) warn(spec, options.logger);
      warned.add(spec);
      let client: HttpClient | undefined;
      try {
        do client = await clientFor(spec, launch);
        while (client.isClosed); // by the last connection that used it, meanwhile
        client.retain(); // the connection releases it
        const { observer } = start;
        const connection = { client, observer, messageBytesMax: options.limits.messageBytesMax };
        return await new Attempt(spec, start, connection, options.clientInfo).connect();
      } catch (error) {
        client?.release();
        throw startFailed(spec, error);
      }
    },
  };
}

function warn(spec: McpServerSpec, logger: Logger): void {
  const reason = 'tls.verify_ssl is false: anybody on the way can read and change everything';
  logger.warn({ mcpServerId: spec.id, reason }, 'tls_not_verified');
}

/** One start: asks in the era that is wanted first, and goes on by what the server says. */
class Attempt {
  readonly #spec: McpServerSpec;
  readonly #start: StartOptions;
  readonly #connection: RemoteConnectionOptions;
  readonly #clientInfo: JsonObject;
  readonly #untilMs: number;
  #hasDiscovered = false;

  constructor(
    spec: McpServerSpec,
    start: StartOptions,
    connection: RemoteConnectionOptions,
    clientInfo: JsonObject,
  ) {
    this.#spec = spec;
    this.#start = start;
    this.#connection = connection;
    this.#clientInfo = start.clientInfo ?? clientInfo;
    this.#untilMs = performance.now() + spec.startupTimeoutMs;
  }

  async connect(): Promise<UpstreamConnection> {
    this.#start.onHandshake?.();
    const { transport } = this.#connection.client.launch;
    const wanted = this.#spec.era ?? this.#start.era;
    if (transport === 'sse') return this.#sse();
    if (wanted !== 'legacy') {
      const modern = await this.#modern();
      if (modern !== undefined) return modern;
    }
    if (this.#spec.era === 'modern') {
      const detail = 'it does not answer "server/discover", and "era: modern" allows nothing else';
      throw new Fault('UPSTREAM_PROTOCOL_ERROR', detail);
    }
    try {
      return await this.#legacy();
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      return this.#otherwise(error);
    }
  }

  /** What is left where `initialize` is not taken: the other era, the older transport. */
  async #otherwise(refused: NotServed): Promise<UpstreamConnection> {
    const mayDiscover = !this.#hasDiscovered && this.#spec.era === undefined;
    if (mayDiscover && refused.seemsModern) {
      const modern = await this.#modern();
      if (modern !== undefined) return modern;
    }
    if (this.#connection.client.launch.transport === 'auto') {
      try {
        return await this.#sse();
      } catch (error) {
        // That it has no event stream either says less than what it said first.
        if (!(error instanceof Fault) || error.code !== 'UPSTREAM_PROTOCOL_ERROR') throw error;
      }
    }
    if (mayDiscover && !this.#hasDiscovered) {
      const modern = await this.#modern();
      if (modern !== undefined) return modern;
    }
    throw refused.fault;
  }

  async #modern(): Promise<UpstreamConnection | undefined> {
    this.#hasDiscovered = true;
    const hello = await this.#discover();
    return hello === undefined ? undefined : new ModernConnection(this.#connection, hello);
  }

  async #discover(): Promise<JsonObject | undefined> {
    const greeting = this.#greeting();
    if (this.#spec.era === 'modern') return discover(this.#connection.client, greeting);
    const timeoutMs = Math.min(PROBE_MS_MAX, greeting.timeoutMs * PROBE_SHARE);
    try {
      return await discover(this.#connection.client, { ...greeting, timeoutMs });
    } catch (error) {
      // Silence is no evidence, but a server that is silent to what it does not know must be usable all the same.
      if (error instanceof Fault && error.code === 'CALL_TIMED_OUT') return undefined;
      if (error instanceof Fault && error.code === 'UPSTREAM_ANSWER_INVALID') return undefined;
      throw error;
    }
  }

  async #legacy(): Promise<UpstreamConnection> {
    const greeting = this.#greeting();
    const session = await initialize(this.#connection.client, greeting);
    const again = { ...greeting, timeoutMs: this.#spec.startupTimeoutMs };
    return new LegacyConnection(this.#connection, session, again);
  }

  #sse(): Promise<UpstreamConnection> {
    return SseConnection.open(this.#connection, this.#greeting());
  }

  #greeting(): Greeting {
    const { capabilities, signal } = this.#start;
    const timeoutMs = Math.max(1, this.#untilMs - performance.now());
    return { capabilities, clientInfo: this.#clientInfo, timeoutMs, signal };
  }
}

function startFailed(spec: McpServerSpec, error: unknown): unknown {
  const known = reasonOf(spec, error);
  if (known === undefined) return error;
  const { code, reason, fix, diagnosis } = known;
  const clean = redactor(spec.secrets);
  const advice = fix === undefined ? '' : `; ${fix}`;
  const message = clean(`Cannot start MCP server "${spec.id}": ${reason}${advice}`);
  const apart = {
    reason: clean(reason),
    ...(fix === undefined ? {} : { fix }),
    ...(diagnosis === undefined ? {} : { diagnosis }),
  };
  return new Fault(code, message, {
    cause: error,
    data: { ...apart, ...(error instanceof Fault ? error.data : {}), mcpServerId: spec.id },
  });
}

interface RemoteFailure {
  readonly code: Fault['code'];
  readonly reason: string;
  /** Where the reason does not say it. */
  readonly fix?: string;
  /** Where the code does not say it. */
  readonly diagnosis?: CauseId;
}

function reasonOf(spec: McpServerSpec, error: unknown): RemoteFailure | undefined {
  if (error instanceof RpcRefusal) {
    const reason = `it refused with error ${error.error.code}: "${error.message}"`;
    return { code: 'MCP_SERVER_START_FAILED', reason, diagnosis: 'handshake_refused' };
  }
  if (!(error instanceof Fault)) return undefined;
  if (error.code !== 'CALL_TIMED_OUT') return { code: error.code, reason: error.message };
  const reason = `it did not answer within ${spec.startupTimeoutMs / 1_000} s (startup_timeout_s)`;
  const fix = 'check that the endpoint speaks MCP';
  return { code: 'MCP_SERVER_START_FAILED', reason, fix, diagnosis: 'no_answer' };
}
