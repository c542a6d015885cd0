import type { z } from 'zod';

import type { Environment } from './interpolate.ts';
import type { ConfigPath } from './problem.ts';
import { retypeVariable } from './retype.ts';
import { childAccepts, factsOf, knownKeys, scalarKinds, unwrap } from './schema-walk.ts';

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

/** Every override that is given, later ones winning over earlier ones. */
export function collectOverrides(
  schema: z.core.$ZodType,
  env: Environment,
  flags: ConfigOverrides,
): readonly Override[] {
  return [...fromEnvironment(schema, env), ...fromFlags(schema, flags)];
}

function fromEnvironment(schema: z.core.$ZodType, env: Environment): readonly Override[] {
  return variables(schema, []).flatMap(({ name, path }): readonly Override[] => {
    const text = Object.hasOwn(env, name) ? env[name] : undefined;
    // An empty variable is how shells and compose files say "not set".
    if (text === undefined || text === '') return [];
    const value = retypeVariable(text, kindsAt(schema, path));
    return [{ path, value, origin: 'environment', name }];
  });
}

interface Variable {
  readonly name: string;
  readonly path: ConfigPath;
}

/**
 * The variables that this build obeys. Inactive blocks are left out: a variable such as `OTEL_SERVICE_NAME` is set for
 * other programs and must not make this one complain.
 */
function variables(schema: z.core.$ZodType, path: ConfigPath): readonly Variable[] {
  return [...knownKeys(unwrap(schema))].flatMap(([key, child]): readonly Variable[] => {
    const { env, inactive } = factsOf(child);
    if (inactive !== undefined) return [];
    const here = [...path, key];
    return env === undefined ? variables(child, here) : [{ name: env, path: here }];
  });
}

function fromFlags(schema: z.core.$ZodType, flags: ConfigOverrides): readonly Override[] {
  const given: readonly (readonly [string, ConfigPath, string | number | boolean | undefined])[] = [
    ['--host', ['http', 'host'], flags.host],
    ['--port', ['http', 'port'], flags.port],
    ['--log-level', ['logging', 'level'], flags.logLevel],
    ['--json-logs', ['logging', 'json_format'], flags.jsonLogs],
  ];
  return given.flatMap(([name, path, raw]): readonly Override[] => {
    if (raw === undefined) return [];
    const value = typeof raw === 'string' ? retypeVariable(raw, kindsAt(schema, path)) : raw;
    return [{ path, value, origin: 'command line', name }];
  });
}

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
