/** The configuration that a command works with. */
import { locateConfig } from './config/locate.ts';
import { reportProblems } from './say.ts';

export interface Located {
  /** Absolute; undefined where there is no file. */
  readonly path: string | undefined;
  readonly chosenBy: string | undefined;
}

/** Where a file was named that does not exist, that is said and the exit code answered. */
export function findConfig(flag: string | undefined): Located | { readonly code: number } {
  const located = locateConfig({
    flag,
    env: process.env,
    workingDirectory: process.cwd(),
    fromTerminal: process.stdin.isTTY,
  });
  if (!located.ok) return { code: reportProblems([located.error]) };
  return { path: located.value?.path, chosenBy: located.value?.chosenBy };
}
