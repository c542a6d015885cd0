/** Servers over HTTP as processes of their own: the fixtures of ours, and those of others. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { environment, ROOT } from './gateway.ts';
import { until, within } from './until.ts';

const START_MS_MAX = 20_000;
const fixture = (path: string): string =>
  fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));

export interface RemoteServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  output(): string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts a program that says its port as `port N` on stdout, or listens where it was told. */
async function start(
  args: readonly string[],
  options: {
    readonly path: string;
    readonly env?: Record<string, string>;
    readonly ready?: RegExp;
  },
): Promise<RemoteServer> {
  const { path, env, ready = /^port (\d+)/m } = options;
  const child = spawn(process.execPath, [...args], {
    env: { ...environment('/tmp'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await within('the server ends', exited);
  };
  try {
    const port = await until(
      'the server listens',
      () => {
        if (child.exitCode !== null) throw new Error(`The server ended:\n${output()}`);
        return ready.exec(output())?.[1];
      },
      START_MS_MAX,
    );
    return {
      port: Number(port),
      url: `http://127.0.0.1:${port}${path}`,
      pid: child.pid ?? 0,
      output,
      kill,
      [Symbol.asyncDispose]: kill,
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

/** The fixture of the conformance suite over Streamable HTTP. @param port 0 lets the system choose */
export const conformanceOverHttp = (
  era: 'legacy' | 'modern' | 'dual',
  port = 0,
): Promise<RemoteServer> =>
  start([fixture('conformance-server/http.ts'), '--era', era, '--port', String(port)], {
    path: '/mcp',
  });

/** The fixture that speaks 2026-07-28 alone, over Streamable HTTP. */
export const modernOverHttp = (): Promise<RemoteServer> =>
  start([fixture('modern-server/http.ts')], { path: '/mcp' });

/** The fixture whose tools run as tasks, of the 2026-07-28 revision over Streamable HTTP. */
export const tasksOverHttp = (args: readonly string[] = []): Promise<RemoteServer> =>
  start([fixture('tasks/main.ts'), '--era=modern', '--http', ...args], { path: '/mcp' });

/** A modern server on SDK v2 whose resources change when it is told. */
export const subscriptionsOverHttp = (): Promise<RemoteServer> =>
  start([fixture('subscriptions/server.ts'), 'http'], { path: '/mcp' });

/** A server on SDK v1 over HTTP. */
export const sdkV1 = (mode: 'sessions' | 'json' | 'stateless' | 'sse'): Promise<RemoteServer> =>
  start([fixture('remote/sdk-v1.ts'), mode], { path: '/mcp' });

/** The reference server of the protocol's authors, over either of its HTTP transports. */
export async function everything(transport: 'streamableHttp' | 'sse'): Promise<RemoteServer> {
  const port = await freePort();
  const program = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
  const loopbackOnly = ['--import', fixture('remote/loopback-only.mjs')];
  return start([...loopbackOnly, program, transport], {
    path: transport === 'sse' ? '/sse' : '/mcp',
    env: { PORT: String(port) },
    ready: /(?:listening|running) on port (\d+)/,
  });
}

/** A port that was free a moment ago, for programs that want to be told one. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** A remote server in a configuration. */
export const remote = (
  url: string,
  keys: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> => ({ mode: 'remote', endpoint: url, ...keys });
