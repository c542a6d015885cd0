/** The configuration that a command works with. */
import { type EnvFile, NO_ENV_FILE, readEnvFile } from './config/env-file.ts';
import { locateConfig } from './config/locate.ts';
import { readConfigText } from './config/read-config-text.ts';
import { configFault } from './outcome.ts';

export interface Located {
  /** Absolute; undefined where there is no file. */
  readonly path: string | undefined;
  readonly chosenBy: string | undefined;
}

export interface FoundConfig extends Located {
  /** Undefined where there is no file. */
  readonly text: string | undefined;
  readonly envFile: EnvFile;
}

/** @throws Fault of the given code where a file was named that does not exist */
export function findConfig(
  flag: string | undefined,
  code: 'CONFIG_INVALID' | 'CONFIG_MISSING' = 'CONFIG_INVALID',
): Located {
  const located = locateConfig({
    flag,
    env: process.env,
    workingDirectory: process.cwd(),
    fromTerminal: process.stdin.isTTY,
  });
  if (!located.ok) throw configFault([located.error], code);
  return { path: located.value?.path, chosenBy: located.value?.chosenBy };
}

/** The same with what is in the file. @throws Fault of the code where it does not exist or cannot be read */
export async function findConfigText(
  flag: string | undefined,
  code: 'CONFIG_INVALID' | 'CONFIG_MISSING' = 'CONFIG_INVALID',
): Promise<FoundConfig> {
  const located = findConfig(flag, code);
  if (located.path === undefined) return { ...located, text: undefined, envFile: NO_ENV_FILE };
  const text = await readConfigText(located.path);
  if (!text.ok) throw configFault([text.error], code);
  return { ...located, text: text.value, envFile: await readEnvFile(located.path, text.value) };
}
