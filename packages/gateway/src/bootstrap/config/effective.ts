/** Every value that a configuration comes to, with where it comes from. Secrets are not shown. */
import './interpreted.ts'; // first: it says how schemas are made
import { createHash } from 'node:crypto';
import { dirname, resolve as resolvePath } from 'node:path';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import { z } from 'zod';
import type { EffectiveValue, Origin } from '../../domain/effective-config.ts';
import { type ConfigNode, isGiven, type Place, toValue } from './config-node.ts';
import { NO_ENV_FILE } from './env-file.ts';
import { unsetVariable } from './interpolate.ts';
import { loadDocument, parseText } from './load.ts';
import { type ConfigSource, loadGatewayConfig } from './load-config.ts';
import { collectOverrides, type Override } from './overlay.ts';
import { type ConfigPath, type ConfigProblem, formatPath } from './problem.ts';
import { HIDDEN, shown } from './redact.ts';
import { configDocument } from './schema.ts';
import {
  type Accepts,
  childAccepts,
  defaultOf,
  factsOf,
  knownKeys,
  unwrap,
} from './schema-walk.ts';

interface Walk {
  readonly overrides: readonly Override[];
  readonly salt: string;
  readonly values: EffectiveValue[];
}

/**
 * The values in the order of the schema, servers in that of the file. Refuses what the loader refuses, but not a
 * variable that is not set here: whoever serves the file may have it.
 *
 * @param salt of the fingerprints: values are equal where theirs are
 */
export function effectiveConfig(
  source: ConfigSource,
  salt: string,
): Result<readonly EffectiveValue[], readonly ConfigProblem[]> {
  const checked = loadGatewayConfig(source);
  const problems = checked.ok ? [] : checked.error;
  const refused = problems.filter((problem) => unsetVariable(problem) === undefined);
  if (refused.length > 0) return err(refused);
  const { path, text, env, overrides, envFile = NO_ENV_FILE } = source;
  const schema = configDocument();
  const directory = path === undefined ? {} : { CONFIG_DIR: dirname(resolvePath(path)) };
  const root =
    text === undefined
      ? undefined
      : loadDocument({
          file: path ?? 'config',
          parsed: parseText(text),
          env: { ...directory, ...envFile.variables, ...env },
          schema,
        }).root;
  const walk: Walk = {
    overrides: collectOverrides(schema, env, overrides ?? {}),
    salt,
    values: [],
  };
  visitMap(walk, root, { path: [], accepts: unwrap(schema) });
  return ok(walk.values);
}

interface Here {
  readonly path: ConfigPath;
  readonly accepts: Accepts;
}

function visitMap(walk: Walk, node: ConfigNode | undefined, here: Here): void {
  const known = knownKeys(here.accepts);
  const entries = node?.kind === 'map' ? node.entries : new Map<string, ConfigNode>();
  for (const [key, schema] of known) {
    const path = [...here.path, key];
    const override = walk.overrides.findLast((each) => formatPath(each.path) === formatPath(path));
    const child = entries.get(key);
    if (override !== undefined) addOverride(walk, override);
    else if (child !== undefined && isWritten(child))
      visit(walk, child, { path, accepts: childAccepts(here.accepts, key) });
    else if (factsOf(schema).inactive === undefined) addDefault(walk, schema, path);
  }
  for (const [key, child] of entries)
    if (!known.has(key) && isWritten(child))
      visit(walk, child, { path: [...here.path, key], accepts: childAccepts(here.accepts, key) });
}

function visit(walk: Walk, node: ConfigNode, here: Here): void {
  const { path } = here;
  if (node.kind === 'map' && (node.entries.size > 0 || knownKeys(here.accepts).size > 0))
    visitMap(walk, node, here);
  else
    add(walk, path, {
      value: toValue(node),
      text: textOf(node, path),
      origin: inFile(node.at),
      ...(isUnset(node) ? { isUnset: true } : {}),
    });
}

/** Blocks that stand in by themselves have their defaults; what is optional has none. */
function addDefault(walk: Walk, schema: z.core.$ZodType, path: ConfigPath): void {
  if (schema instanceof z.ZodPrefault) {
    visitMap(walk, undefined, { path, accepts: unwrap(schema) });
    return;
  }
  const value = defaultOf(schema);
  const isNothing =
    value === undefined || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  if (!isNothing) add(walk, path, { value, text: plainText(value), origin: { kind: 'default' } });
}

function addOverride(walk: Walk, { path, value, origin, name }: Override): void {
  const kind = origin === 'environment' ? 'environment' : 'flag';
  add(walk, path, { value, text: plainText(value), origin: { kind, name } });
}

interface Found {
  readonly value: unknown;
  readonly text: string;
  readonly origin: Origin;
  readonly isUnset?: boolean;
}

function add(walk: Walk, path: ConfigPath, { value, ...found }: Found): void {
  const fingerprint = createHash('sha256')
    .update(`${walk.salt}\n${JSON.stringify(value) ?? ''}`)
    .digest('base64url');
  walk.values.push({ key: formatPath(path), path, fingerprint, ...found });
}

/** A reference to a variable that is not set here is written all the same. */
const isWritten = (node: ConfigNode): boolean => isGiven(node) || isUnset(node);
const isUnset = (node: ConfigNode): boolean => node.kind === 'scalar' && node.broken;

const inFile = ({ line, column }: Place): Origin => ({ kind: 'file', line, column });

/** What may be shown of a value: text that refers to variables as it is written, everything else as it is. */
function textOf(node: ConfigNode, path: ConfigPath, before?: string): string {
  if (node.kind === 'scalar') {
    if (node.value !== undefined && typeof node.value !== 'string' && node.written.includes('${'))
      return String(node.value);
    return shown(path, node.written, before);
  }
  return JSON.stringify(shape(node, path, before));
}

function shape(node: ConfigNode, path: ConfigPath, before?: string): unknown {
  if (node.kind === 'scalar') {
    if (typeof node.value === 'string' || node.value === undefined)
      return textOf(node, path, before);
    return textOf(node, path, before) === HIDDEN ? HIDDEN : node.value;
  }
  if (node.kind === 'map')
    return Object.fromEntries(
      [...node.entries].map(([key, child]) => [key, shape(child, [...path, key])]),
    );
  return node.items.map((item, index) => {
    const earlier = node.items[index - 1];
    return shape(item, [...path, index], earlier?.kind === 'scalar' ? earlier.written : undefined);
  });
}

const plainText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
