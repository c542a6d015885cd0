/** The process: arguments, configuration, signals, exit code. */
import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { nextFreePort, portHolder } from '../infrastructure/system/port-holder.ts';
import { guide } from '../server/cli/guide.ts';
import { runCli, type ServeFlags } from '../server/cli/program.ts';
import { compose, type Gateway } from './compose.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { loadGatewayConfig, readGatewayConfig } from './config/load-config.ts';
import { locateConfig } from './config/locate.ts';
import { formatProblem, type ConfigProblem } from './config/problem.ts';
import { VERSION } from './version.ts';

const USER_ERROR = 1;
const SYSTEM_ERROR = 2;
const LAST_LINES_MS = 1_000;
/**
 * How much the heap may grow between two full collections. Left alone, V8 allows a heap that was quiet for a while
 * a third: then every answer of 12 MB brings on a collection, which stops the calls of everybody for 10 ms.
 */
const HEAP_GROWING_PERCENT = 150;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs one command line. Resolves with the exit code when the command is done. */
export async function run(argv: readonly string[]): Promise<number> {
  process.stderr.on('error', () => undefined); // whoever read our log is gone; that is no reason to end
  const code = await runCli(argv, { version: VERSION, serve, configCheck });
  // A reader of our log that does not read must not keep us: what is left to write has this long.
  setTimeout(() => process.exit(code), LAST_LINES_MS).unref();
  return code;
}

async function serve(flags: ServeFlags): Promise<number> {
  const located = locate(flags.config);
  if ('code' in located) return located.code;
  const { path, chosenBy } = located;
  const overrides = {
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.logLevel === undefined ? {} : { logLevel: flags.logLevel }),
    ...(flags.jsonLogs === undefined ? {} : { jsonLogs: flags.jsonLogs }),
  };
  const loaded =
    path === undefined
      ? loadGatewayConfig({ env: process.env, overrides })
      : await readGatewayConfig(path, { env: process.env, overrides });
  if (!loaded.ok) return reportProblems(loaded.error);
  const config = loaded.value;
  if (flags.http !== true && process.env['MCP_MODE'] !== 'http') {
    say('mcp-hangar: this build serves over HTTP only; add --http');
    return USER_ERROR;
  }
  if (!LOOPBACK.test(config.http.host) && flags.unsafeNoAuth !== true) {
    say(
      `mcp-hangar: ${config.http.host} can be reached by others and nobody has to log in; bind 127.0.0.1, or add --unsafe-no-auth`,
    );
    return USER_ERROR;
  }
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const gateway = compose(config);
  gateway.logger.info(
    { config: path ?? 'none', chosenBy: chosenBy ?? 'nothing found' },
    'configuration_loaded',
  );
  if (config.servers.length === 0) gateway.logger.warn({}, 'no_mcp_servers_configured');
  for (const notice of config.notices) say(`mcp-hangar: ${notice}`);
  for (const server of deadServers(config)) say(`mcp-hangar: ${server}`);
  return serveUntilEnded(gateway, flags.guide === true);
}

async function serveUntilEnded(gateway: Gateway, withGuide: boolean): Promise<number> {
  const { host } = gateway.config.http;
  let port: number;
  try {
    port = await gateway.listen();
  } catch (error) {
    await gateway.close();
    say(await bindProblem(error, gateway.config));
    return USER_ERROR;
  }
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`;
  gateway.logger.info({ url, servers: gateway.config.servers.length }, 'serving');
  if (withGuide) say(guideFor(gateway.config, url));
  else say(`mcp-hangar serves at ${url}`);
  const { code, reason } = await ended(gateway);
  gateway.logger.info({ reason }, 'stopping');
  await gateway.close();
  return code;
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

/** Waits for the first reason to stop. A second signal ends the process at once. */
function ended(gateway: Gateway): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(130); // asked twice; the guardian ends the children
      stopping = true;
      resolve({ code: 0, reason: signal });
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)
      process.on(signal, onSignal);
    const onDefect = (error: unknown): void => {
      logDefect(gateway, error);
      resolve({ code: SYSTEM_ERROR, reason: 'a defect' });
    };
    process.on('uncaughtException', onDefect);
    // A promise that nobody waited for failed: what it belonged to is over, everything else goes on.
    process.on('unhandledRejection', (error) => logDefect(gateway, error));
    watchParent(() => resolve({ code: 0, reason: 'the launcher has ended' }));
  });
}

function logDefect({ logger }: Gateway, error: unknown): void {
  logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'defect');
}

/** The launcher holds the other end of this pipe: its end is ours. */
function watchParent(onEnd: () => void): void {
  const fd = Number(process.env['HANGAR_PARENT_FD']);
  if (!Number.isInteger(fd) || fd < 3) return;
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on('error', () => undefined);
  pipe.on('close', onEnd);
  pipe.resume();
  pipe.unref();
}

async function bindProblem(error: unknown, { http }: GatewayConfig): Promise<string> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'EADDRINUSE') {
    return `mcp-hangar: cannot listen on ${http.host}:${http.port}: ${error instanceof Error ? error.message : String(error)}`;
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

type Located = { readonly path: string | undefined; readonly chosenBy: string | undefined };

function locate(flag: string | undefined): Located | { readonly code: number } {
  const located = locateConfig({
    flag,
    env: process.env,
    workingDirectory: process.cwd(),
    fromTerminal: process.stdin.isTTY,
  });
  if (!located.ok) return { code: reportProblems([located.error]) };
  return { path: located.value?.path, chosenBy: located.value?.chosenBy };
}

function reportProblems(problems: readonly ConfigProblem[]): number {
  for (const problem of problems) say(formatProblem(problem));
  say(
    `${problems.length} problem${problems.length === 1 ? '' : 's'} in the configuration; nothing was started`,
  );
  return USER_ERROR;
}

async function configCheck(
  file: string | undefined,
  flags: { readonly config?: string },
): Promise<number> {
  const located = locate(file ?? flags.config);
  if ('code' in located) return SYSTEM_ERROR;
  if (located.path === undefined) {
    say('mcp-hangar: there is no configuration to check; name a file');
    return SYSTEM_ERROR;
  }
  const loaded = await readGatewayConfig(located.path, { env: process.env });
  if (!loaded.ok) {
    reportProblems(loaded.error);
    return loaded.error.every((problem) => problem.line === undefined) ? SYSTEM_ERROR : USER_ERROR;
  }
  const { servers, notices } = loaded.value;
  const dead = deadServers(loaded.value);
  process.stdout.write(
    `${located.path}: valid, ${servers.length} MCP server${servers.length === 1 ? '' : 's'}\n`,
  );
  for (const line of [...dead, ...notices]) process.stdout.write(`note: ${line}\n`);
  return 0;
}

/** One line for each server that cannot run in this build. */
function deadServers({ servers }: GatewayConfig): readonly string[] {
  return servers.flatMap(({ id, enabled, launch }) =>
    enabled && launch.kind === 'inactive' ? [`MCP server "${id}" is dead: ${launch.reason}`] : [],
  );
}
