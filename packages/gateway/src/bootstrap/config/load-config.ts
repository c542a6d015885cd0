import './interpreted.ts'; // first: it says how schemas are made
import { homedir } from 'node:os';
import { dirname, resolve as resolvePath } from 'node:path';

import type { z } from 'zod';

import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import { Secret } from '@mcp-hangar/kernel/secret';

import { childNode, type ConfigNode, toValue } from './config-node.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { type EnvFile, NO_ENV_FILE, readEnvFile } from './env-file.ts';
import { findInactive } from './inactive.ts';
import type { Environment } from './interpolate.ts';
import { problemsOf } from './issues.ts';
import { loadDocument, parseText, type ParsedText } from './load.ts';
import {
  applyOverrides,
  collectOverrides,
  givenOverrides,
  type ConfigOverrides,
} from './overlay.ts';
import { type ConfigProblem, inFileOrder, withoutConsequences } from './problem.ts';
import { readConfigText } from './read-config-text.ts';
import { checkRelations } from './relations.ts';
import { resolveConfig } from './resolve.ts';
import {
  configDocument,
  writtenDocument,
  type ConfigDocument,
  type WrittenKeys,
} from './schema.ts';
import { withStandard } from './standard.ts';
import { writtenKeys } from './written-keys.ts';

interface ConfigSurroundings {
  readonly env: Environment;
  /** From the command line; they win over `env`, and `env` over the file. */
  readonly overrides?: ConfigOverrides | undefined;
}

export interface ConfigSource extends ConfigSurroundings {
  /** Named in problems, and what relative paths are relative to. */
  readonly path?: string | undefined;
  /** Without a text there is no file: no servers, defaults and overrides only. */
  readonly text?: string | undefined;
  /** What `env_file` names; the environment wins over it. */
  readonly envFile?: EnvFile | undefined;
}

/**
 * Load → interpolate → check → resolve. Refuses with every problem that was found, in file order. Beside the
 * environment, values may use `${CONFIG_DIR}`, the folder of the file.
 */
export function loadGatewayConfig(
  source: ConfigSource,
): Result<GatewayConfig, readonly ConfigProblem[]> {
  const parsed = source.text === undefined ? undefined : parseText(source.text);
  const written: WrittenKeys | undefined =
    parsed === undefined ? { document: new Set(), servers: new Set() } : writtenKeys(parsed);
  const part = written && writtenDocument(withOverridden(written, source));
  const loaded = part && loadWith(part, { ...source, parsed });
  return loaded?.ok === true ? loaded : loadWith(configDocument(), { ...source, parsed });
}

/** With the blocks that something beside the file says a value for. */
const withOverridden = (
  { document, servers }: WrittenKeys,
  { env, overrides = {} }: ConfigSource,
): WrittenKeys => ({
  document: new Set([
    ...document,
    ...givenOverrides(env, overrides).flatMap(({ path }) => path.slice(0, 1).map(String)),
  ]),
  servers,
});

function loadWith(
  schema: z.ZodType<Partial<ConfigDocument>>,
  source: ConfigSource & { readonly parsed: ParsedText | undefined },
): Result<GatewayConfig, readonly ConfigProblem[]> {
  const { path, text, parsed: yaml, env, envFile = NO_ENV_FILE } = source;
  if (envFile.problems.length > 0) return err(envFile.problems);
  const file = path ?? 'config';
  const directory = path === undefined ? undefined : dirname(resolvePath(path));
  // For values that a server reads for itself, where we cannot tell that they are paths.
  const known = { ...envFile.variables, ...env };
  const variables = directory === undefined ? known : { CONFIG_DIR: directory, ...known };
  const loaded =
    yaml === undefined
      ? { root: emptyDocument(), problems: [], names: new Set<string>() }
      : loadDocument({ file, parsed: yaml, env: variables, schema });
  const { root } = loaded;
  if (root === undefined) return err(inFileOrder(loaded.problems));
  const overrides = collectOverrides(schema, env, source.overrides ?? {});
  const parsed = schema.safeParse(applyOverrides(toValue(root), overrides));
  const inactive = findInactive(file, schema, root);
  const context = { file, schema, root, overrides };
  const problems = [
    ...loaded.problems,
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, context)),
    ...inactive.problems,
    ...(text === undefined ? [] : checkRelations(file, schema, root)),
    ...unreadEnvFile(file, root, envFile),
  ];
  if (!parsed.success || problems.length > 0)
    return err(inFileOrder(withoutConsequences(problems)));
  const base = {
    directory,
    home: env['HOME'] ?? env['USERPROFILE'] ?? homedir(),
  };
  const { notices } = inactive;
  const secrets = secretsOf(loaded.names, known);
  return ok(resolveConfig({ document: withStandard(parsed.data), path, base, notices, secrets }));
}

/** Variables that a configuration refers to without hiding anything in them. */
const HARMLESS: ReadonlySet<string> = new Set([
  'CONFIG_DIR',
  'HOME',
  'USER',
  'LOGNAME',
  'PWD',
  'PATH',
  'TMPDIR',
  'LANG',
]);

/** What came from the environment may be a secret wherever it was put. */
function secretsOf(names: ReadonlySet<string>, env: Environment): readonly Secret[] {
  return [...names].flatMap((name) => {
    const value = HARMLESS.has(name) ? undefined : env[name];
    return value === undefined ? [] : [new Secret(value)];
  });
}

/** `env_file` is looked for before YAML is parsed, so it has to stand where it is found. */
function unreadEnvFile(
  file: string,
  root: ConfigNode,
  { written }: EnvFile,
): readonly ConfigProblem[] {
  const node = childNode(root, 'env_file');
  if (node?.kind !== 'scalar' || node.value === undefined || node.value === written) return [];
  const message = 'env_file cannot be read here';
  const fix = 'write "env_file: NAME" in a file, on a line of its own, without ${…}';
  return [{ file, ...node.keyAt, path: 'env_file', message, fix }];
}

function emptyDocument(): ConfigNode {
  const start = { line: 1, column: 1 };
  return { kind: 'map', keyAt: start, at: start, entries: new Map() };
}

/** Reads and loads a file. Refuses, beside what `loadGatewayConfig` refuses, a file that cannot be read. */
export async function readGatewayConfig(
  path: string,
  surroundings: ConfigSurroundings,
): Promise<Result<GatewayConfig, readonly ConfigProblem[]>> {
  const text = await readConfigText(path);
  if (!text.ok) return err([text.error]);
  const envFile = await readEnvFile(path, text.value);
  return loadGatewayConfig({ ...surroundings, path, text: text.value, envFile });
}
