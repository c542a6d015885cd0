/** Command lines of the real binary, run to their end in a home of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND, environment } from './gateway.ts';
import { until } from './until.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLine {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly stdout: () => string;
  readonly ended: Promise<Outcome>;
}

/** Whose command line it is. */
export interface Home {
  readonly folder: string;
  /** The configuration that is meant unless another one is named. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it is typed; the home unless set. */
  readonly cwd?: string;
  /** Who types it, by number; whoever runs the tests unless set. */
  readonly uid?: number;
}

/** A home without anything in it. */
export class EmptyHome implements Home, AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'hangar-home-'));
  readonly config = join(this.folder, '.config', 'mcp-hangar', 'config.yaml');

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Behind `--` stand words of somebody else. */
const NAMES_CONFIG: ReadonlySet<string> = new Set(['--config', '-c', '--']);

/** Starts a command line. */
export function command(home: Home, ...args: readonly string[]): CommandLine {
  const { folder, file, env = {}, cwd = folder, uid } = home;
  const isNamed = file === undefined || args.some((word) => NAMES_CONFIG.has(word));
  const child = spawn(
    process.execPath,
    [COMMAND, ...args, ...(isNamed ? [] : ['--config', file])],
    {
      env: { ...environment(folder), ...env },
      cwd,
      stdio: 'pipe',
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Outcome>((resolve) =>
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr })),
  );
  return { process: child, stdout: () => stdout, ended };
}

/** Runs one to its end. */
export function hangar(home: Home, ...args: readonly string[]): Promise<Outcome> {
  const started = command(home, ...args);
  started.process.stdin?.end();
  return started.ended;
}

/** What a command printed as JSON, where that went well and nothing was wrong. */
export async function json<Value>(home: Home, ...args: readonly string[]): Promise<Value> {
  const { code, stdout, stderr } = await hangar(home, ...args);
  if (code !== 0 || stderr !== '') throw new Error(`exit code ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Value; // what it is, is the test's to say
}

/** Waits until it has printed something, then ends it as Ctrl-C does. */
export async function interrupted(started: CommandLine, printed: string): Promise<Outcome> {
  await until(`it prints ${printed}`, () => started.stdout().includes(printed));
  started.process.kill('SIGINT');
  return started.ended;
}
