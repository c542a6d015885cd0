import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectHttp, connectStdio, type Client } from './client.ts';

const READY_MS_MAX = 60_000;
const POLL_MS = 50;
const STOP_MS_MAX = 5_000;
const LOG_CHARS_MAX = 2_000;
const TOOLS_PER_UPSTREAM = 20;
const UPSTREAM = join(import.meta.dirname, 'upstream.cjs');
const GATEWAY = join(import.meta.dirname, '..', 'packages', 'gateway', 'bin', 'mcp-hangar.mjs');
const FLOOR = join(import.meta.dirname, 'floor.mjs');

/** One way to reach the same upstream. */
export interface Arm extends AsyncDisposable {
  readonly name: string;
  readonly client: Client;
  /** What this arm calls a tool of the upstream. */
  readonly toolName: (tool: string) => string;
  /** CPU time that its process has used so far, in µs; 0 where /proc is missing. */
  readonly cpuUs: () => number;
  /** The last of what its process has written, to explain a failure. */
  readonly lastWords: () => string;
}

/** A start command with `{port}` and `{config}` where those go. */
export type Command = readonly string[];

const PLACES: Command = ['--port', '{port}', '--config', '{config}'];
export const FLOOR_COMMAND: Command = [process.execPath, FLOOR, ...PLACES];
export const SPLICING_FLOOR_COMMAND: Command = [...FLOOR_COMMAND, '--splice'];
export const GATEWAY_COMMAND: Command = [
  process.execPath,
  GATEWAY,
  'serve',
  '--http',
  '--host',
  '127.0.0.1',
  ...PLACES,
];

/** The same over stdin and stdout. */
export const STDIO_FLOOR_COMMAND: Command = [
  process.execPath,
  FLOOR,
  '--stdio',
  '--config',
  '{config}',
];
export const STDIO_GATEWAY_COMMAND: Command = [
  process.execPath,
  GATEWAY,
  '--log-level',
  'error',
  '--config',
  '{config}',
];

/** The protocol era of an upstream, or of a client. */
export type Era = 'legacy' | 'modern';

const serverName = (index: number): string => `s${String(index).padStart(2, '0')}`;

function upstreamCommand(name: string, era: Era = 'legacy'): string[] {
  const tools = String(TOOLS_PER_UPSTREAM);
  return [process.execPath, UPSTREAM, '--name', name, '--tools', tools, '--era', era];
}

/** What a configuration says beside its servers, and of each of them. */
interface Extra {
  readonly document?: Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
}

/** Nothing between the client and the server, and nothing is recorded. */
export const GATES_OFF: Extra = { document: { event_store: { enabled: false } } };
const OFTEN = { rps: 1_000_000, burst: 1_000_000 };
/** Everything that a call can pass, none of which holds it up; and the record of it. */
export const GATES_ON: Extra = {
  document: {
    execution: { max_concurrency: 10_000 },
    rate_limit: { ...OFTEN, per_principal: OFTEN },
    retry: { default_policy: { max_attempts: 3 } },
  },
  server: {
    max_concurrency: 1_000,
    rate_limit: { ...OFTEN, tools: { '*': OFTEN } },
    circuit_breaker: { error_rate_pct: 50, slow_call_ms: 5_000 },
  },
};

const configOf = (upstreams: readonly Era[], { document, server }: Extra = {}): string =>
  JSON.stringify({
    mcp_servers: Object.fromEntries(
      upstreams.map((era, index) => [
        serverName(index),
        { mode: 'subprocess', command: upstreamCommand(serverName(index), era), ...server },
      ]),
    ),
    tool_access: { gateway_tools: 'none' },
    ...document,
  });

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port, not on a pipe
  server.close();
  await once(server, 'close');
  return port;
}

/** On-CPU time of all threads of a process, in µs (Linux). */
function cpuUsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0])
      .reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1000, 0);
  } catch {
    return 0; // another platform, or a thread that has just ended
  }
}

async function stop(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(kill);
}

async function countTools(client: Client): Promise<number> {
  const answer = JSON.parse((await client.request('tools/list', '{}')).toString());
  if (answer.result?.nextCursor !== undefined) throw new Error('tools/list came in pages');
  return answer.result?.tools?.length ?? 0;
}

/** Connects as soon as that is possible, and waits until the tools of all upstreams are listed. */
async function connectWhenReady(port: number, toolCount: number): Promise<Client> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  let problem = 'it was not tried';
  while (performance.now() < deadlineMs) {
    let client: Client | undefined;
    try {
      client = await connectHttp(port);
      const count = await countTools(client);
      if (count === toolCount) return client;
      problem = `${count} of ${toolCount} tools`;
    } catch (error) {
      problem = String(error);
    }
    client?.close();
    await wait(POLL_MS);
  }
  throw new Error(`not ready after ${READY_MS_MAX / 1000} s: ${problem}`);
}

export interface HttpArm extends Arm {
  readonly port: number;
}

/** Starts a gateway, or a floor, in front of these upstreams. Its log is shown when it does not start. */
export async function startHttpArm(
  name: string,
  command: Command,
  upstreams: readonly Era[] = ['legacy'],
  extra?: Extra,
): Promise<HttpArm> {
  const folder = mkdtempSync(join(tmpdir(), 'hangar-bench-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(config, configOf(upstreams, extra));
  const port = await freePort();
  const [executable = '', ...args] = command.map((part) =>
    part.replace('{port}', String(port)).replace('{config}', config),
  );
  // A small environment, the same for all: a certificate file to load, say, costs 30 ms at each start.
  const child = spawn(executable, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const keep = (text: unknown): void => {
    log = (log + String(text)).slice(-LOG_CHARS_MAX);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', keep);
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  const dispose = async (): Promise<void> => {
    await stop(child);
    process.off('exit', killNow);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const died = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`it ended with ${code ?? signal}`);
  });
  died.catch(() => {}); // an end after the start shows as a failed call
  try {
    const client = await Promise.race([
      connectWhenReady(port, upstreams.length * TOOLS_PER_UPSTREAM),
      died,
    ]);
    return {
      name,
      port,
      client,
      toolName: (tool) => `${serverName(0)}__${tool}`,
      cpuUs: () => cpuUsOf(child.pid ?? 0),
      lastWords: () => log,
      [Symbol.asyncDispose]: async () => {
        client.close();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw new Error(`${name} does not start: ${String(error)}\n${log}`, {
      cause: error,
    });
  }
}

/** The same gateway seen by another client, which calls the upstream at `index`; ends with the first arm. */
export const otherArm = (arm: Arm, name: string, client: Client, index: number): Arm => ({
  ...arm,
  name,
  client,
  toolName: (tool) => `${serverName(index)}__${tool}`,
});

/** Starts a gateway, or a floor, that speaks over its pipes, in front of one upstream. */
export async function startStdioArm(name: string, command: Command): Promise<Arm> {
  const folder = mkdtempSync(join(tmpdir(), 'hangar-bench-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(config, configOf(['legacy']));
  const argv = command.map((part) => part.replace('{config}', config));
  const env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder };
  const client = await connectStdio(argv, { cwd: folder, env });
  return {
    name,
    client,
    toolName: (tool) => `${serverName(0)}__${tool}`,
    cpuUs: () => cpuUsOf(client.pid),
    lastWords: () => '',
    [Symbol.asyncDispose]: () => {
      client.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
      return Promise.resolve();
    },
  };
}

/** The upstream as a child of the bench itself. */
export async function startDirectArm(): Promise<Arm> {
  const client = await connectStdio(upstreamCommand(serverName(0)));
  return {
    name: 'direct',
    client,
    toolName: (tool) => tool,
    cpuUs: () => 0,
    lastWords: () => '',
    [Symbol.asyncDispose]: async () => client.close(),
  };
}
