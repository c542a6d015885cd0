import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

/** The folder of the repository. */
export const ROOT = dirname(import.meta.dirname);

export interface CommandRun {
  /** The exit code; a process that was killed, or could not start, counts as 1. */
  readonly code: number;
  /** stdout and stderr in the order in which they came; empty when they were shown as they came. */
  readonly output: string;
  readonly tookMs: number;
}

export interface CommandOptions {
  /** `keep` collects the output, `show` passes it on as it comes. */
  readonly output: 'keep' | 'show';
  /** After this the process is killed and the run fails. */
  readonly timeoutMs: number;
}

/**
 * Runs a command in the repository's folder, with the tools of node_modules and this very Node first on
 * the PATH. Never rejects: a command that cannot start is a run with code 1 that says why.
 */
export function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandRun> {
  const [command = '', ...args] = argv;
  const startedMs = performance.now();
  const path = [
    dirname(process.execPath),
    join(ROOT, 'node_modules', '.bin'),
    process.env['PATH'] ?? '',
  ].join(delimiter);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, PATH: path },
      stdio:
        options.output === 'show' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = (code: number, remark: string): void =>
      resolve({
        code,
        output: Buffer.concat(chunks).toString() + remark,
        tookMs: performance.now() - startedMs,
      });
    child.once('error', (error) => finish(1, `cannot start ${command}: ${error.message}\n`));
    child.once('close', (code, signal) =>
      finish(code ?? 1, signal === null ? '' : `${command} was ended by ${signal}\n`),
    );
  });
}
