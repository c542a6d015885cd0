/** `serve --http`: binds the address, and serves what comes or hands it to the gateway that runs already. */
import type { Socket } from 'node:net';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { callOwner } from '../infrastructure/state/owner-link.ts';
import type { Place } from '../infrastructure/state/place.ts';
import { recordedSocket } from '../infrastructure/state/socket-path.ts';
import { nextFreePort, portHolder } from '../infrastructure/system/port-holder.ts';
import { guide } from '../server/cli/guide.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { whenAsked, type Ending } from './ending.ts';
import { endpointUrl, isLoopback } from './loopback.ts';
import { join, Relay, type Carried } from './relay.ts';
import { tellFailure } from './outcome.ts';
import { SYSTEM_ERROR, USER_ERROR } from './exit-codes.ts';
import { say, tellDefect } from './say.ts';
import { loadStart, openGateway, untilEnded, usableStart, type Serving } from './serve-gateway.ts';
import { passOnHangUp } from './reload/hang-up.ts';
import { seekAgain, seekPlace, type Start } from './start.ts';

const RETRY_MS = 50;

/** Serves until there is a reason to stop. Answers the exit code. */
export async function serveHttp(start: Start): Promise<number> {
  const config = loadStart(start);
  if (!isLoopback(config.http.host) && start.flags.unsafeNoAuth !== true) {
    say(
      `mcp-hangar: ${config.http.host} can be reached by others and nobody has to log in; bind 127.0.0.1, or add --unsafe-no-auth`,
    );
    return USER_ERROR;
  }
  const place = await seekPlace(start.state, 'watch');
  if (place.kind === 'guest') return relay(start, config, place);
  const serving = await openGateway(start, place);
  const port = await bound(config, () => serving.gateway.listen());
  if (port === undefined) {
    await serving.close();
    return USER_ERROR;
  }
  const url = tell(start, config, port);
  serving.gateway.logger.info({ url, servers: config.servers.length }, 'serving');
  return untilEnded(serving);
}

async function relay(
  start: Start,
  config: GatewayConfig,
  first: Extract<Place, { kind: 'guest' }>,
): Promise<number> {
  const successor = new Successor(start, first);
  const front = new Relay({ carry: (client, withinMs) => successor.carry(client, withinMs) });
  const port = await bound(config, () => front.listen(config.http.host, config.http.port));
  if (port === undefined) {
    await successor.close();
    return USER_ERROR;
  }
  tell(start, config, port);
  say(`mcp-hangar: its calls go through the gateway of process ${first.facts.pid}`);
  const asked = whenAsked(
    (error) => successor.logDefect(error),
    () => successor.hangUp(),
  );
  const { code } = await Promise.race([asked, successor.failed]);
  await Promise.all([front.close(config.limits.shutdownGraceMs), successor.close()]);
  return code;
}

/** The gateway behind a relay: another process, or this one once it has to be. */
class Successor {
  /** As of the gateway that serves now. */
  #start: Start;
  /** The gateway in this process; undefined while another one serves. */
  #serving: Serving | undefined;
  #watch: Socket | undefined;
  #seeking: Promise<void> | undefined;
  readonly #closing = new AbortController();
  #fail: (ending: Ending) => void = () => undefined;
  /** Settles when this process had to serve and cannot: nobody is served by an open port. */
  readonly failed: Promise<Ending>;

  constructor(start: Start, first: Extract<Place, { kind: 'guest' }>) {
    this.#start = start;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#follow(first.socket);
  }

  /** @throws Error where there is no gateway within the time */
  async carry(client: Socket, withinMs: number): Promise<Carried | undefined> {
    const untilMs = performance.now() + withinMs;
    while (performance.now() < untilMs && !client.destroyed) {
      await this.#seeking;
      if (this.#serving !== undefined) {
        this.#serving.gateway.accept(client);
        return undefined;
      }
      const gateway = await this.#call();
      if (gateway !== undefined) return join(client, gateway);
      await pause(RETRY_MS);
    }
    throw new Error('no gateway serves');
  }

  hangUp(): void {
    void passOnHangUp(this.#start, this.#serving);
  }

  logDefect(error: unknown): void {
    tellDefect(error, this.#serving?.gateway.logger);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#watch?.destroy();
    await this.#seeking;
    await this.#serving?.close();
  }

  async #call(): Promise<Socket | undefined> {
    const { state } = this.#start;
    const path = state.kind === 'folder' ? recordedSocket(state.folder) : undefined;
    if (state.kind !== 'folder' || path === undefined) return undefined;
    const answer = await callOwner(path, 'http', state.digest);
    return answer.kind === 'linked' ? answer.socket : undefined;
  }

  /** The end of this connection is the end of the gateway. */
  #follow(watch: Socket): void {
    this.#watch = watch;
    watch.on('error', () => undefined);
    watch.on('end', () => watch.destroy());
    watch.on('close', () => {
      if (this.#closing.signal.aborted) return;
      this.#seeking = this.#seek().catch((error: unknown) => {
        this.logDefect(error);
        this.#fail({ code: SYSTEM_ERROR, reason: 'a defect' });
      });
    });
    watch.resume();
  }

  async #seek(): Promise<void> {
    const { signal } = this.#closing;
    const { start, place } = await seekAgain(this.#start, 'watch', signal);
    if (signal.aborted) {
      if (place.kind === 'owner') place.lock.release();
      if (place.kind === 'guest') place.socket.destroy();
      return;
    }
    if (place.kind === 'guest') {
      this.#start = start;
      this.#follow(place.socket);
      return;
    }
    try {
      this.#serving = await openGateway(usableStart(start, this.#start), place);
    } catch (error) {
      // The text is the one that was served until now, but the event log may be damaged meanwhile.
      this.#fail({ code: tellFailure(error, false), reason: 'it cannot serve' });
    }
  }
}

/** Binds. Where that fails, says why, and what would work. */
async function bound(
  config: GatewayConfig,
  listen: () => Promise<number>,
): Promise<number | undefined> {
  try {
    return await listen();
  } catch (error) {
    say(await bindProblem(error, config));
    return undefined;
  }
}

function tell({ flags }: Start, config: GatewayConfig, port: number): string {
  const { host } = config.http;
  const url = endpointUrl(host, port);
  say(flags.guide === true ? guideFor(config, url) : `mcp-hangar serves at ${url}`);
  return url;
}

function guideFor(config: GatewayConfig, url: string): string {
  const servers = config.servers.filter(({ enabled }) => enabled).map(({ id }) => id);
  const everything = servers.find((id) => id === 'everything');
  const example =
    everything === undefined
      ? undefined
      : { tool: `${everything}__echo`, argument: 'message=hello' };
  return guide({ url, servers, example, statusTool: statusToolOf(config) });
}

function statusToolOf({ toolAccess }: GatewayConfig): string | undefined {
  const { mode, gatewayTools } = toolAccess;
  if (mode === 'front_door' || gatewayTools === 'none') return undefined;
  return gatewayTools === 'hangar' ? 'hangar_status' : 'registry_status';
}

async function bindProblem(error: unknown, { http }: GatewayConfig): Promise<string> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'EADDRINUSE') {
    return `mcp-hangar: cannot listen on ${http.host}:${http.port}: ${messageOf(error)}`;
  }
  const [holder, free] = await Promise.all([
    portHolder(http.port),
    nextFreePort(http.host, http.port),
  ]);
  const by = holder === undefined ? 'in use' : `held by process ${holder.pid} (${holder.command})`;
  const offer =
    free === undefined ? 'choose another with --port' : `try --port ${free}, which is free`;
  return `mcp-hangar: port ${http.port} is ${by}; ${offer}`;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
