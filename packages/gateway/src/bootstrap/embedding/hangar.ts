/**
 * The gateway inside another program: what `mcp-hangar serve` runs, asked in the same words, drawn from the same
 * registry.
 *
 * It is open from `start` or `fromConfig` until `close`, which may be called at any time and more than once.
 *
 * Invariants
 * 1. Nothing of the process is touched: no signal, no exit code, no flag of V8, no stream.
 * 2. Two of one process share nothing.
 * 3. No server outlives the process, closed or not.
 */
import type { Readable, Writable } from 'node:stream';
import type { z } from 'zod';
import { resolve } from 'node:path';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ConfigurationSource, Logger } from '../../application/ports.ts';
import { REGISTRY } from '../../application/registry.ts';
import { runUseCase, type UseCase } from '../../application/use-case.ts';
import type { OwnerSocket } from '../../server/local-socket/owner-socket.ts';
import { compose, type Gateway } from '../compose.ts';
import { NO_ENV_FILE } from '../config/env-file.ts';
import type { Environment } from '../config/interpolate.ts';
import { deadServers } from '../dead-servers.ts';
import { endpointUrl, isLoopback } from '../loopback.ts';
import { platformNote } from '../platform.ts';
import { ServedFile } from '../reload/served-file.ts';
import { factsOf, openSocket } from '../serve-gateway.ts';
import type {
  ConfigText,
  Connection,
  HangarEvents,
  HangarOptions,
  Health,
  InvokeOptions,
  JsonObject,
  ListenOptions,
  McpServerDetails,
  McpServerHealth,
  McpServerSummary,
  Reloaded,
  ReloadOptions,
  StartedMcpServer,
  StartOptions,
  Tool,
  ToolResult,
} from './api.ts';
import { EventFeed } from './event-feed.ts';
import { GivenConfig } from './given-config.ts';
import { HangarError, hangarError } from './hangar-error.ts';
import { loadFile, loadText, loadValue, type LoadedConfig } from './load.ts';
import { checkSendable, contextOf, harmless, ProgramCalls, untilAborted } from './program.ts';
import { takeSeat, type Seat } from './seat.ts';
import { detailsOf, healthOf, reloadedOf, summaryOf, toolList, toolResult } from './values.ts';
import type { HangarConfig } from './vocabulary.ts';

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

interface Parts {
  readonly gateway: Gateway;
  readonly calls: ProgramCalls;
  readonly source: ConfigurationSource;
  readonly env: Environment;
  /** Lets go of the state folder, before and after the gateway has ended. */
  readonly seat: { readonly seat: Seat; readonly socket: OwnerSocket | undefined } | undefined;
}

export class Hangar implements AsyncDisposable {
  /** What servers do and what is called. */
  readonly events: HangarEvents;
  readonly #parts: Parts;
  readonly #ended = new AbortController();
  #closing: Promise<void> | undefined;
  #url: string | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    const { records, logger } = parts.gateway;
    this.events = new EventFeed(records.store, logger, this.#ended.signal);
  }

  /**
   * Opens a gateway with a configuration that is a value; its keys are those of the configuration file. Texts are
   * taken as they are: `${NAME}` stands for itself, and no variable of the environment wins over a value.
   * @throws HangarError CONFIG_INVALID, EVENT_STORE_UNAVAILABLE, STATE_UNAVAILABLE
   */
  static async start(config: HangarConfig, options: HangarOptions = {}): Promise<Hangar> {
    return open(
      options,
      (env) => loadValue(config, env),
      (parts) => new Hangar(parts),
    );
  }

  /**
   * The same with the configuration of a file, given by its path, or of a text; as `mcp-hangar serve` reads it.
   * @throws HangarError CONFIG_INVALID, EVENT_STORE_UNAVAILABLE, STATE_UNAVAILABLE
   */
  static async fromConfig(
    source: string | ConfigText,
    options: HangarOptions = {},
  ): Promise<Hangar> {
    const load = (env: Environment): LoadedConfig | Promise<LoadedConfig> =>
      typeof source === 'string' ? loadFile(source, env) : loadText(source, env);
    return open(options, load, (parts) => new Hangar(parts));
  }

  /**
   * Calls a tool. The server is started where it does not run.
   * @param tool as the server itself names it
   * @throws HangarError such as MCP_SERVER_UNKNOWN, TOOL_UNKNOWN, MCP_SERVER_START_FAILED, CALL_TIMED_OUT, UPSTREAM_REFUSED;
   * the reason of the signal
   */
  async invoke(
    server: string,
    tool: string,
    args: JsonObject = {},
    options: InvokeOptions = {},
  ): Promise<ToolResult> {
    const { timeoutMs } = options;
    checkSendable(args);
    const input = {
      id: server,
      tool,
      arguments: args,
      ...(timeoutMs === undefined ? {} : { timeoutS: timeoutMs / 1_000 }),
    };
    return this.#ask(REGISTRY.invoke_tool, input, toolResult, options);
  }

  /** The tools of a server, which is started where they are not known yet. @throws HangarError */
  async tools(server: string): Promise<readonly Tool[]> {
    return this.#ask(REGISTRY.get_mcp_server_tools, { id: server }, ({ tools }) => toolList(tools));
  }

  /** Starts a server now instead of on its first call, also one that failed a moment ago. @throws HangarError */
  async startMcpServer(server: string, options: StartOptions = {}): Promise<StartedMcpServer> {
    return this.#ask(REGISTRY.start_mcp_server, { id: server }, (started) => started, options);
  }

  /** Stops a server; its next call starts it again. @throws HangarError */
  async stopMcpServer(server: string): Promise<void> {
    await this.#ask(REGISTRY.stop_mcp_server, { id: server }, () => undefined);
  }

  /** All that is known of one server; starts nothing. @throws HangarError */
  async getMcpServer(server: string): Promise<McpServerDetails> {
    return this.#ask(REGISTRY.get_mcp_server, { id: server }, detailsOf);
  }

  /** Every configured server, also those that are switched off. @throws HangarError */
  async listMcpServers(): Promise<readonly McpServerSummary[]> {
    return this.#ask(REGISTRY.list_mcp_servers, {}, ({ servers, groups }) =>
      [...servers, ...groups.map(({ asServer }) => asServer)].map(summaryOf),
    );
  }

  /** How all servers do; starts nothing. @throws HangarError */
  async health(): Promise<Health> {
    const { status } = await this.#ask(REGISTRY.get_health, {}, (health) => health);
    return this.#ask(REGISTRY.list_mcp_servers, {}, ({ servers }) => healthOf(status, servers));
  }

  /** How one server does, by its last calls; starts nothing and asks it nothing. @throws HangarError */
  async healthCheck(server: string): Promise<McpServerHealth> {
    return (await this.getMcpServer(server)).health;
  }

  /**
   * Applies what has changed in the file that it was opened with, or the configuration that is handed over where it was
   * opened with one. Servers that have not changed go on untouched; what has goes as a whole or not at all.
   * @throws HangarError CONFIG_INVALID, CONFIG_RESTART_REQUIRED, CONFIG_MISSING: then nothing has changed
   */
  async reload(config?: HangarConfig | ConfigText, options: ReloadOptions = {}): Promise<Reloaded> {
    const { source, env } = this.#open();
    if (config !== undefined && !(source instanceof GivenConfig)) {
      const detail = 'it was opened with a file, which is read again: hand nothing over';
      throw new HangarError('INPUT_INVALID', detail, { data: { field: 'config' } });
    }
    if (config !== undefined && source instanceof GivenConfig)
      source.give(() => (isText(config) ? loadText(config, env) : loadValue(config, env)));
    const input = options.isDryRun === undefined ? {} : { dry_run: options.isDryRun };
    return this.#ask(REGISTRY.reload_configuration, input, reloadedOf);
  }

  /**
   * Serves MCP clients over HTTP. Answers the URL of all servers; that of one is `URL/SERVER`.
   * @throws HangarError ADDRESS_UNAVAILABLE, INPUT_INVALID where the address is not of this machine alone
   */
  async listen({ host, port, unsafeNoAuth }: ListenOptions = {}): Promise<string> {
    const { gateway } = this.#open();
    const { http } = gateway.config;
    const address = { host: host ?? http.host, port: port ?? http.port };
    if (!isLoopback(address.host) && unsafeNoAuth !== true) {
      const detail = `${address.host} can be reached by others and nobody has to log in; use 127.0.0.1, or unsafeNoAuth: true`;
      throw new HangarError('INPUT_INVALID', detail, { data: { field: 'host' } });
    }
    if (this.#url !== undefined)
      throw new HangarError('INPUT_INVALID', `it listens already, at ${this.#url}`);
    try {
      this.#url = endpointUrl(address.host, await gateway.listen(address));
    } catch (cause) {
      if (this.#closing !== undefined)
        throw new HangarError('GATEWAY_STOPPING', 'the gateway was closed', { cause });
      const detail = `cannot listen on ${address.host}:${address.port}: ${messageOf(cause)}`;
      throw new HangarError('ADDRESS_UNAVAILABLE', detail, { cause, data: address });
    }
    return this.#url;
  }

  /** Serves one MCP client over a pair of streams, one JSON-RPC message a line. @throws HangarError */
  connect(input: Readable, output: Writable): Connection {
    const { gateway } = this.#open();
    const front = gateway.connect(input, output);
    return {
      closed: front.closed.then(() => undefined),
      close: () => front.close(gateway.config.limits.shutdownGraceMs),
    };
  }

  /**
   * Takes nothing more, lets what is in flight end for `limits.shutdown_grace_s`, and ends every server. Calling it
   * again changes nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shutDown(): Promise<void> {
    const { gateway, seat } = this.#parts;
    await seat?.socket?.cut();
    await gateway.close();
    this.#ended.abort();
    await seat?.socket?.close();
    seat?.seat.place.lock.release();
  }

  #open(): Parts {
    if (this.#closing === undefined) return this.#parts;
    throw new HangarError('GATEWAY_STOPPING', 'this gateway is closed', {
      data: { fix: 'Open another one.' },
    });
  }

  /** Runs an entry of the registry for the program. */
  async #ask<Input extends z.ZodType, Output, Value>(
    useCase: UseCase<Input, Output>,
    input: z.input<Input>,
    read: (output: Output) => Value,
    options: InvokeOptions = {},
  ): Promise<Value> {
    const { gateway, calls } = this.#open();
    options.signal?.throwIfAborted();
    const given = options.signal === undefined ? [] : [options.signal];
    const signal = AbortSignal.any([calls.cut, ...given]);
    const context = contextOf({ signal, logger: gateway.logger, onProgress: options.onProgress });
    const work = runUseCase(useCase, gateway.hub.useCases, input, context);
    try {
      return read(await calls.wait(untilAborted(work, signal)));
    } catch (error) {
      options.signal?.throwIfAborted();
      const isCut = calls.cut.aborted;
      throw hangarError(isCut ? new Fault('GATEWAY_STOPPING', 'the gateway was closed') : error);
    }
  }
}

/** Builds the gateway, and leaves nothing behind where that fails. @throws HangarError */
async function open(
  { stateDir, logger: given = SILENT, env = process.env }: HangarOptions,
  load: (env: Environment) => LoadedConfig | Promise<LoadedConfig>,
  make: (parts: Parts) => Hangar,
): Promise<Hangar> {
  const logger = harmless(given);
  let seat: Seat | undefined;
  try {
    const loaded = await load(env);
    seat = stateDir === undefined ? undefined : await takeSeat(stateDir, loaded, env);
    const calls = new ProgramCalls();
    const source = sourceOf(loaded, env);
    const gateway = await compose(loaded.config, {
      logger,
      env,
      source,
      ...(seat === undefined ? {} : { state: seat.state }),
      drain: (graceMs) => calls.drain(graceMs),
    });
    warn(gateway, logger);
    gateway.begin();
    const { config } = gateway;
    const socket =
      seat === undefined
        ? undefined
        : await openSocket(gateway, seat.place.socketPath, {
            facts: factsOf(config),
            digest: seat.digest,
            isOurs: (digest) =>
              Promise.resolve(source instanceof ServedFile && source.hasServed(digest)),
          });
    return make({
      gateway,
      calls,
      source,
      env,
      seat: seat === undefined ? undefined : { seat, socket },
    });
  } catch (error) {
    seat?.place.lock.release();
    throw hangarError(error);
  }
}

/** From where it can be read again. */
function sourceOf(loaded: LoadedConfig, env: Environment): ConfigurationSource {
  const { config, found } = loaded;
  const { path, text, envFile = NO_ENV_FILE } = found;
  if (path === undefined || text === undefined) return new GivenConfig(loaded);
  return new ServedFile({ path: resolve(path), text, envFile, config }, { env, overrides: {} });
}

const isText = (config: HangarConfig | ConfigText): config is ConfigText =>
  'text' in config && typeof config.text === 'string';

/** What `serve` says on stderr. */
function warn({ config }: Gateway, logger: Logger): void {
  const platform = platformNote(process.platform);
  if (platform !== undefined) logger.warn({ note: platform }, 'platform');
  for (const note of [...config.notices, ...deadServers(config)])
    logger.warn({ note }, 'configuration_notice');
}

export { HangarError };
