/** The scripts of this folder as tests run them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface ScriptOutcome {
  /** 0 where what the script looks at is as it should be. */
  readonly code: number;
  readonly printed: string;
}

/** Runs `test/load/NAME.ts` to its end. What it says on stderr is seen. */
export async function runScript(name: string, args: readonly string[]): Promise<ScriptOutcome> {
  const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const run = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await Promise.all([text(run.stdout), once(run, 'close')]);
  return { code: run.exitCode ?? -1, printed };
}
