/** Our own files as they are to be. */
import { basename, dirname, extname } from 'node:path';
import type { ServerEntry } from '../../domain/setup/draft.ts';
import { withEnvFile, withSecrets } from '../../domain/setup/file-texts.ts';
import type { Change } from '../../infrastructure/setup/change-journal.ts';
import { requireText } from '../../infrastructure/setup/user-file.ts';
import { editConfig } from '../config/edit/edit-config.ts';
import { NO_ENV_FILE, writtenEnvFile } from '../config/env-file.ts';
import { loadGatewayConfig } from '../config/load-config.ts';
import { schemaText } from '../config/schema-text.ts';
import { SCHEMA_FILE, schemaFileFor } from '../config-file.ts';
import { configFault } from '../outcome.ts';
import type { ConfigFacts } from './config-facts.ts';

export interface Additions {
  readonly entries: Readonly<Record<string, ServerEntry>>;
  readonly secrets: ReadonlyMap<string, string>;
  /** Variables that servers need and nobody has set. */
  readonly missing: readonly string[];
  /** Write a configuration without servers rather than none. */
  readonly mustExist: boolean;
}

const HEAD = `# yaml-language-server: $schema=./${SCHEMA_FILE}
#
# MCP Hangar: the MCP servers behind this gateway. After a change: mcp-hangar config check

`;

/**
 * Secrets first: a configuration never names what is not there yet.
 * @throws Fault CONFIG_INVALID where the result could not be loaded
 */
export async function planConfig(
  config: ConfigFacts,
  { entries, secrets, missing, mustExist }: Additions,
): Promise<readonly Change[]> {
  const { path, text, envFile, secretsPath } = config;
  const edits = Object.entries(entries).map(
    ([id, server]) => ({ kind: 'set', id, server }) as const,
  );
  const isNew = text === undefined;
  if (edits.length === 0 && !(isNew && mustExist)) return [];
  const changes: Change[] = [];
  const hasSecrets = secrets.size > 0 || missing.length > 0;
  if (hasSecrets) {
    const before = await requireText(secretsPath);
    changes.push({
      path: secretsPath,
      before,
      after: withSecrets(before, secrets, missing),
      isPrivate: true,
    });
  }
  const start = text ?? (extname(path) === '.json' ? '{}\n' : HEAD);
  const edited = editConfig({ file: path, text: start }, edits);
  if (!edited.ok) throw configFault(edited.error, 'CONFIG_INVALID', 'nothing was written');
  const named = edits.length === 0 ? empty(start) : edited.value;
  const after =
    hasSecrets && envFile.written === undefined
      ? withEnvFile(named, relativeTo(path, secretsPath))
      : named;
  checkLoads(config, after, secrets);
  changes.push({ path, before: text, after });
  if (isNew) changes.push(...schemaBeside(path));
  return changes;
}

const empty = (start: string): string =>
  start.startsWith('{') ? '{ "mcp_servers": {} }\n' : `${start}mcp_servers: {}\n`;

const relativeTo = (path: string, file: string): string =>
  dirname(path) === dirname(file) ? basename(file) : file;

function checkLoads(
  { path, envFile }: ConfigFacts,
  text: string,
  secrets: ReadonlyMap<string, string>,
): void {
  const written = writtenEnvFile(text);
  const variables = { ...envFile.variables, ...Object.fromEntries(secrets) };
  const file = written === undefined ? NO_ENV_FILE : { written, variables, problems: [] };
  const loaded = loadGatewayConfig({ path, text, envFile: file, env: process.env });
  if (!loaded.ok) throw configFault(loaded.error, 'CONFIG_INVALID', 'nothing was written');
}

/** What the first line of the configuration tells editors to look at. */
function schemaBeside(path: string): readonly Change[] {
  const schema = schemaFileFor(path);
  if (schema === undefined) return [];
  return [{ path: schema, before: undefined, after: schemaText(), isGenerated: true }];
}
