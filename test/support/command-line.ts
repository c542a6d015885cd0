/** The command as somebody types it: one process, what it says, how it ends. */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND, environment } from './gateway.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Typed {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the process; the home unless set. */
  readonly cwd?: string;
}

/** Runs a command line for the user whose home is `folder`. */
export function hangar(typed: Typed, ...args: readonly string[]): Promise<Outcome> {
  const { folder, env = {}, cwd = folder } = typed;
  return new Promise((resolve) => {
    const options = { env: { ...environment(folder), ...env }, cwd };
    const child = execFile(process.execPath, [COMMAND, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(); // nobody types anything further
  });
}

/** A home without anything in it. */
export class EmptyHome implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'hangar-home-'));
  readonly config = join(this.folder, '.config', 'mcp-hangar', 'config.yaml');

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
