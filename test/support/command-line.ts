/** Command lines of the real binary, run to their end in a home of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { COMMAND, environment } from './gateway.ts';
import type { Household } from './household.ts';
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

/** Starts a command line in the home, with the home's configuration unless another is named. */
export function command(house: Household, ...args: readonly string[]): CommandLine {
  const config = args.includes('--config') ? [] : ['--config', house.file];
  const child = spawn(process.execPath, [COMMAND, ...args, ...config], {
    env: environment(house.folder),
    cwd: house.folder,
    stdio: 'pipe',
  });
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
export function hangar(house: Household, ...args: readonly string[]): Promise<Outcome> {
  const started = command(house, ...args);
  started.process.stdin?.end();
  return started.ended;
}

/** What a command printed as JSON, where that went well and nothing was wrong. */
export async function json<Value>(house: Household, ...args: readonly string[]): Promise<Value> {
  const { code, stdout, stderr } = await hangar(house, ...args);
  if (code !== 0 || stderr !== '') throw new Error(`exit code ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Value; // what it is, is the test's to say
}

/** Waits until it has printed something, then ends it as Ctrl-C does. */
export async function interrupted(started: CommandLine, printed: string): Promise<Outcome> {
  await until(`it prints ${printed}`, () => started.stdout().includes(printed));
  started.process.kill('SIGINT');
  return started.ended;
}
