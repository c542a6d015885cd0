import path from 'node:path';
import { findExecutable, pathFolders } from './executable.ts';
import { resolveNpx } from './resolve-npx.ts';
import { resolveUvx } from './resolve-uvx.ts';

export interface ConfiguredCommand {
  readonly command: string;
  readonly args: readonly string[];
}

export interface ResolvedCommand {
  /** An absolute path; the bare command where PATH does not lead to it. */
  readonly file: string;
  readonly args: readonly string[];
  /** The runner that was left out, `npx` or `uvx`. */
  readonly via?: string;
}

export interface ResolveContext {
  /** The environment of the child. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/**
 * The program that a configured command really is. `npx` and `uvx` stay behind as a second process
 * and cost a quarter of a second and more a start, so they are left out when what they would run is
 * installed already. In any doubt the command stays as it is. Never throws.
 */
export const resolveCommand = async (
  wanted: ConfiguredCommand,
  context: ResolveContext,
): Promise<ResolvedCommand> => {
  const file = await locate(wanted.command, context);
  const plain = { file, args: wanted.args };
  try {
    switch (path.basename(wanted.command)) {
      case 'npx':
        return (await resolveNpx(plain, context)) ?? plain;
      case 'uvx':
        return (await resolveUvx(plain, context)) ?? plain;
      default:
        return plain;
    }
  } catch {
    // Unreadable files, odd manifests: the runner will say what is wrong with them.
    return plain;
  }
};

const locate = async (command: string, context: ResolveContext): Promise<string> => {
  if (path.basename(command) !== command) return path.resolve(context.cwd ?? '.', command);
  return (
    (await findExecutable(command, pathFolders(context.env, context.cwd), context.env)) ?? command
  );
};
