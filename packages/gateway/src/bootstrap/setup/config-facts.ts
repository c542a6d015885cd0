/** The configuration that `init`, `import` and `connect` work on; it need not exist yet. */
import { resolve } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { parse } from 'yaml';
import { SECRETS_FILE } from '../../domain/setup/file-texts.ts';
import type { PlaceFlags } from '../../server/cli/commands/group.ts';
import { type EnvFile, envFilePath, NO_ENV_FILE, readEnvFile } from '../config/env-file.ts';
import { loadGatewayConfig } from '../config/load-config.ts';
import { userConfigFile } from '../config/locate.ts';
import { readConfigText } from '../config/read-config-text.ts';
import { SERVER_MAPS } from '../config/server-maps.ts';
import { defaultStateFolder } from '../config-identity.ts';
import { findConfig } from '../find-config.ts';
import { configFault } from '../outcome.ts';

export interface ConfigFacts {
  /** Absolute. */
  readonly path: string;
  /** With its byte order mark; undefined where there is no file yet. */
  readonly text: string | undefined;
  readonly envFile: EnvFile;
  /** Where secrets are or would be. */
  readonly secretsPath: string;
  /** The servers as they are written. */
  readonly entries: Readonly<Record<string, unknown>>;
  /** The file that is used where none is named. */
  readonly standardPath: string;
  /** What clients reach over HTTP. */
  readonly url: string;
}

/** @throws Fault CONFIG_INVALID where there is a file that cannot be used */
export async function configFacts(flags: PlaceFlags): Promise<ConfigFacts> {
  const path = configPath(flags.config);
  const found = await readConfigText(path, { keepsMark: true });
  const isMissing = !found.ok && found.error.message.includes('ENOENT');
  if (!found.ok && !isMissing)
    throw configFault([found.error], 'CONFIG_INVALID', 'nothing was written');
  const text = found.ok ? found.value : undefined;
  const envFile = text === undefined ? NO_ENV_FILE : await readEnvFile(path, text);
  const loaded = loadGatewayConfig({ path, text, envFile, env: process.env });
  if (!loaded.ok) throw configFault(loaded.error, 'CONFIG_INVALID', 'nothing was written');
  return {
    path,
    standardPath: userConfigFile(process.env),
    text,
    envFile,
    secretsPath: envFilePath(path, envFile.written ?? SECRETS_FILE),
    entries: text === undefined ? {} : entriesOf(text),
    url: `http://127.0.0.1:${loaded.value.http.port}/mcp`,
  };
}

function configPath(flag: string | undefined): string {
  const named = flag ?? process.env['MCP_CONFIG'];
  if (named !== undefined && named !== '') return resolve(named);
  return findConfig(undefined).path ?? userConfigFile(process.env);
}

/** The text was loaded before, so it is a mapping. */
function entriesOf(text: string): Readonly<Record<string, unknown>> {
  const document: unknown = parse(text, { merge: true });
  return Object.assign({}, ...SERVER_MAPS.map((map) => fieldsAt(document, map)));
}

function fieldsAt(value: unknown, key: string): object {
  const inner: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof inner === 'object' && inner !== null ? inner : {};
}

/** Where changes are remembered. @throws Fault STATE_UNAVAILABLE */
export function journalFolder({ stateDir }: PlaceFlags): string {
  const folder =
    stateDir === undefined ? defaultStateFolder('setup', process.env) : resolve(stateDir, 'setup');
  if (folder !== undefined) return folder;
  throw new Fault('STATE_UNAVAILABLE', 'there is no home folder to remember changes in', {
    data: { fix: 'name a folder by --state-dir' },
  });
}
