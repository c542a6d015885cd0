/** The real command as its users start it: a process of its own, a configuration file, a port. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until, within } from './until.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const COMMAND = join(ROOT, 'packages/gateway/bin/mcp-hangar.mjs');
const READY_MS_MAX = 20_000;
export const STOP_MS_MAX = 20_000;

export type Config = Readonly<Record<string, unknown>>;

export interface GatewayProcess extends AsyncDisposable {
  readonly pid: number;
  readonly origin: string;
  /** The URL of all servers, or of one. */
  url(server?: string): string;
  /** What it has written to stderr so far. */
  stderr(): string;
  /** Settles with exit code or signal when the process is gone. */
  readonly exited: Promise<number | string>;
  /** SIGTERM; answers exit code or signal. */
  stop(): Promise<number | string>;
  kill(): void;
}

/** The environment of a child of a test: the given Node stands first on the PATH. */
export function environment(folder: string): Record<string, string> {
  return {
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    HOME: folder,
    TMPDIR: tmpdir(),
  };
}

/**
 * Starts the gateway with a configuration (an object, or the path of a file) and waits until it is ready.
 * @param env added to the environment of a test's child
 */
export async function startGateway(
  config: Config | string,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const { folder, file } = await fileOf(config);
  return startGatewayIn(folder, file, { env });
}

/** The same in a folder that exists, and that is removed when the gateway is disposed of unless it `staysBehind`. */
export async function startGatewayIn(
  folder: string,
  file: string,
  options: {
    readonly flags?: readonly string[];
    readonly staysBehind?: boolean;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<GatewayProcess> {
  const flags = ['--port', '0', '--config', file, '--log-level', 'debug', ...(options.flags ?? [])];
  const child = spawn(process.execPath, [COMMAND, 'serve', '--http', ...flags], {
    cwd: folder,
    env: { ...environment(folder), ...options.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gateway = processOf(child, options.staysBehind === true ? undefined : folder);
  try {
    const origin = await until(
      'the gateway says where it serves',
      () => {
        if (child.exitCode !== null) throw new Error(`The gateway ended:\n${gateway.stderr()}`);
        return /serves at (http:\/\/[^/]+)\/mcp/.exec(gateway.stderr())?.[1];
      },
      READY_MS_MAX,
    );
    await until('the gateway is ready', async () => (await fetch(`${origin}/health/ready`)).ok);
    return Object.assign(gateway, {
      origin,
      url: (server?: string) => `${origin}/mcp${server === undefined ? '' : `/${server}`}`,
    });
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

/** A folder to run in, and the configuration as a file. */
export async function fileOf(config: Config | string): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'hangar-e2e-'));
  const file = typeof config === 'string' ? config : join(folder, 'config.yaml');
  // JSON is YAML.
  if (typeof config !== 'string') await writeFile(file, JSON.stringify(config, undefined, 2));
  return { folder, file };
}

function processOf(
  child: ChildProcess,
  folder: string | undefined,
): Omit<GatewayProcess, 'origin' | 'url'> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const stop = async (): Promise<number | string> => {
    child.kill('SIGTERM'); // of one that has ended, nothing
    return within('the gateway ends', exited, STOP_MS_MAX);
  };
  return {
    pid: child.pid ?? 0,
    stderr: () => stderr,
    exited,
    stop,
    kill: () => void child.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      try {
        await stop();
      } finally {
        child.kill('SIGKILL');
        if (folder !== undefined) await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
