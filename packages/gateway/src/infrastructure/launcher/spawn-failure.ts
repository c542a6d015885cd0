import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isExecutableFile, searchPath } from './executable.ts';
import { findCommand } from './find-command.ts';
import type { ResolvedCommand } from './resolve-command.ts';

export interface SpawnFailureFacts {
  /**
   * The system's (`ENOENT`, `EACCES`, `EAGAIN`, `EMFILE`, `E2BIG`, …) or, where ENOENT would blame
   * the command for something else, one of ours:
   * - `CWD_MISSING`: the working directory does not exist or is no directory;
   * - `INTERPRETER_MISSING`: the file exists, but not the program that its first line names.
   */
  readonly code: string;
  /** As configured. */
  readonly command: string;
  /** The PATH that was searched. */
  readonly path: string;
  /** Where a command outside of PATH was seen, or the file that could not be run. */
  readonly foundAt: string | undefined;
  readonly cwd: string | undefined;
  readonly cause: unknown;
}

/** Why no process came to be. */
export class SpawnFailure extends Error {
  override readonly name = 'SpawnFailure';
  readonly code: string;
  readonly command: string;
  readonly path: string;
  readonly foundAt: string | undefined;
  readonly cwd: string | undefined;

  constructor(facts: SpawnFailureFacts) {
    super(`Cannot start "${facts.command}": ${facts.code}`, { cause: facts.cause });
    this.code = facts.code;
    this.command = facts.command;
    this.path = facts.path;
    this.foundAt = facts.foundAt;
    this.cwd = facts.cwd;
  }
}

export interface FailedSpawn {
  readonly launch: { readonly command: string; readonly cwd: string | undefined };
  readonly env: Readonly<Record<string, string>>;
  readonly command: ResolvedCommand;
  readonly cause: unknown;
}

/** Finds out what the system's error code means for this launch. */
export const explainFailure = async (failed: FailedSpawn): Promise<SpawnFailure> => {
  const { launch, env, command, cause } = failed;
  const known = {
    command: launch.command,
    path: searchPath(env),
    cwd: launch.cwd,
    cause,
    foundAt: undefined,
  };
  const code = errorCode(cause);
  if (launch.cwd !== undefined && !(await isFolder(launch.cwd))) {
    return new SpawnFailure({ ...known, code: 'CWD_MISSING' });
  }
  if (code !== 'ENOENT') {
    const foundAt = path.isAbsolute(command.file) ? command.file : undefined;
    return new SpawnFailure({ ...known, code, foundAt });
  }
  if (path.isAbsolute(command.file) && (await isExecutableFile(command.file))) {
    return new SpawnFailure({ ...known, code: 'INTERPRETER_MISSING', foundAt: command.file });
  }
  return new SpawnFailure({ ...known, code, foundAt: await findCommand(launch.command, env) });
};

const errorCode = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : 'UNKNOWN';

const isFolder = async (folder: string): Promise<boolean> => {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
};
