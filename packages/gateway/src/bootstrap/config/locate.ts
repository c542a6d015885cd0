import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve as resolvePath } from 'node:path';

import { err, ok, type Result } from '@mcp-hangar/kernel/result';

import type { Environment } from './interpolate.ts';
import type { ConfigProblem } from './problem.ts';

interface LocateInput {
  /** The value of `--config`. */
  readonly flag: string | undefined;
  readonly env: Environment;
  readonly workingDirectory: string;
  /** Only a person at a terminal means the file of the directory they are in; a client starts us anywhere. */
  readonly fromTerminal: boolean;
}

interface LocatedConfig {
  /** Absolute. */
  readonly path: string;
  readonly chosenBy: '--config' | 'MCP_CONFIG' | './config.yaml' | 'user configuration';
}

/**
 * `--config`, then `MCP_CONFIG`, then `./config.yaml`, then the file of the user. Refuses a named file that does not
 * exist; finds nothing (undefined) only when none was named.
 */
export function locateConfig(input: LocateInput): Result<LocatedConfig | undefined, ConfigProblem> {
  const { flag, env, workingDirectory } = input;
  if (flag !== undefined) return named('--config', flag, workingDirectory);
  const variable = env['MCP_CONFIG'];
  // An empty variable is how shells and compose files say "not set".
  if (variable !== undefined && variable !== '') {
    return named('MCP_CONFIG', variable, workingDirectory);
  }
  const local = join(workingDirectory, 'config.yaml');
  if (input.fromTerminal && exists(local)) return ok({ path: local, chosenBy: './config.yaml' });
  const ofUser = userConfigFile(env);
  return ok(exists(ofUser) ? { path: ofUser, chosenBy: 'user configuration' } : undefined);
}

function named(
  chosenBy: '--config' | 'MCP_CONFIG',
  value: string,
  workingDirectory: string,
): Result<LocatedConfig, ConfigProblem> {
  const path = resolvePath(workingDirectory, value);
  if (value !== '' && exists(path)) return ok({ path, chosenBy });
  return err({
    file: chosenBy === '--config' ? 'command line' : 'environment',
    line: undefined,
    column: undefined,
    path: chosenBy,
    message: value === '' ? 'no file is named' : `there is no file "${path}"`,
    fix: `check the path, or leave ${chosenBy} out`,
  });
}

/** The file that is used where none is named, whether it is there or not. */
export const userConfigFile = (env: Environment): string =>
  join(userDirectory(env), 'mcp-hangar', 'config.yaml');

/** XDG Base Directory: a relative XDG_CONFIG_HOME is to be ignored. */
function userDirectory(env: Environment): string {
  const xdg = env['XDG_CONFIG_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return xdg;
  return join(env['HOME'] ?? env['USERPROFILE'] ?? homedir(), '.config');
}

/** Whatever may be there is to be opened, so that a directory or a missing right is named by the reader. */
function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A directory on the way may not be searched.
    return true;
  }
}
