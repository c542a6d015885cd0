/** Where an embedded gateway has its configuration from: a file, a text, or a value. */
import type { Result } from '@mcp-hangar/kernel/result';
import type { FoundConfig } from '../find-config.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { readEnvFile } from '../config/env-file.ts';
import type { Environment } from '../config/interpolate.ts';
import { loadGatewayConfig, type ConfigSource } from '../config/load-config.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { readConfigText } from '../config/read-config-text.ts';
import { configFault } from '../outcome.ts';
import type { ConfigText } from './api.ts';
import type { HangarConfig } from './vocabulary.ts';

export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** What it was loaded from. */
  readonly source: ConfigSource;
  /** What tells it from other configurations. */
  readonly found: Pick<FoundConfig, 'path' | 'text'> & Partial<Pick<FoundConfig, 'envFile'>>;
}

/** @throws Fault CONFIG_INVALID */
export async function loadFile(path: string, env: Environment): Promise<LoadedConfig> {
  const text = await readConfigText(path);
  if (!text.ok) throw configFault([text.error]);
  const envFile = await readEnvFile(path, text.value);
  const found = { path, text: text.value, envFile };
  const source = { ...found, env };
  return { config: configIn(loadGatewayConfig(source)), source, found };
}

/** @throws Fault CONFIG_INVALID */
export function loadText({ text }: ConfigText, env: Environment): LoadedConfig {
  const found = { path: undefined, text };
  const source = { ...found, env };
  return { config: configIn(loadGatewayConfig(source)), source, found };
}

/**
 * A value says all of it: no variable of the environment is put in, and none wins over it.
 * @throws Fault CONFIG_INVALID
 */
export function loadValue(value: HangarConfig, env: Environment): LoadedConfig {
  const text = JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'string' ? member.replaceAll('${', () => '$${') : member,
  );
  const found = { path: undefined, text };
  const home = { HOME: env['HOME'], USERPROFILE: env['USERPROFILE'] };
  const source = { ...found, env: home };
  const loaded = loadGatewayConfig(source);
  // Nobody sees the text in which a problem has its line.
  const config = loaded.ok
    ? loaded
    : { ...loaded, error: loaded.error.map((problem) => ({ ...problem, line: undefined })) };
  return { config: configIn(config), source, found };
}

function configIn(loaded: Result<GatewayConfig, readonly ConfigProblem[]>): GatewayConfig {
  if (!loaded.ok) throw configFault(loaded.error);
  return loaded.value;
}
