import type { z } from 'zod';

import type { Environment } from './interpolate.ts';
import type { ConfigPath } from './problem.ts';
import { retypeVariable } from './retype.ts';
import { childAccepts, scalarKinds, unwrap } from './schema-walk.ts';
import { VARIABLES } from './standard-values.ts';

/** Values that win over the file: command line over environment over file. */

export interface ConfigOverrides {
  readonly host?: string | undefined;
  readonly port?: string | number | undefined;
  readonly logLevel?: string | undefined;
  readonly jsonLogs?: boolean | undefined;
}

export interface Override {
  readonly path: ConfigPath;
  readonly value: string | number | boolean;
  readonly origin: 'environment' | 'command line';
  /** As the user knows it: a variable or a flag. */
  readonly name: string;
}

type Given = Omit<Override, 'value'> & { readonly raw: Override['value'] };

/** What is given, later ones winning over earlier ones. */
export function givenOverrides(env: Environment, flags: ConfigOverrides): readonly Given[] {
  const variables = VARIABLES.flatMap(([name, path]): readonly Given[] => {
    const raw = Object.hasOwn(env, name) ? env[name] : undefined;
    // An empty variable is how shells and compose files say "not set".
    if (raw === undefined || raw === '') return [];
    return [{ path, raw, origin: 'environment', name }];
  });
  const given: readonly (readonly [string, ConfigPath, string | number | boolean | undefined])[] = [
    ['--host', ['http', 'host'], flags.host],
    ['--port', ['http', 'port'], flags.port],
    ['--log-level', ['logging', 'level'], flags.logLevel],
    ['--json-logs', ['logging', 'json_format'], flags.jsonLogs],
  ];
  const words = given.flatMap(([name, path, raw]): readonly Given[] =>
    raw === undefined ? [] : [{ path, raw, origin: 'command line', name }],
  );
  return [...variables, ...words];
}

/** Every override as a value of the kind that the schema wants there. */
export const collectOverrides = (
  schema: z.core.$ZodType,
  env: Environment,
  flags: ConfigOverrides,
): readonly Override[] =>
  givenOverrides(env, flags).map(({ raw, ...override }) => ({
    ...override,
    value: typeof raw === 'string' ? retypeVariable(raw, kindsAt(schema, override.path)) : raw,
  }));

function kindsAt(schema: z.core.$ZodType, path: ConfigPath): ReturnType<typeof scalarKinds> {
  return scalarKinds(path.reduce(childAccepts, unwrap(schema)));
}

/** Puts the overrides into the value of the file; a block that is not a mapping keeps its own problem. */
export function applyOverrides(value: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((document, override) => put(document, override.path, override), value);
}

function put(target: unknown, path: ConfigPath, override: Override): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return override.value;
  if (target !== undefined && !isRecord(target)) return target;
  return { ...target, [key]: put(target?.[key], rest, override) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
