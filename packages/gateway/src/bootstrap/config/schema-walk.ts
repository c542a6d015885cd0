import { z } from 'zod';
import { once, onceFor } from '@mcp-hangar/kernel/once';

/**
 * Questions that the loader asks the schema: what is accepted here, and what is known about a key. It asks them at
 * every value of a document, so what does not depend on the document is remembered with the schema.
 */

type AnySchema = z.core.$ZodType;

/** What a place in the document accepts: more than one schema where the schema has a union. */
export type Accepts = readonly AnySchema[];

/** What `.meta()` says about a key; see `schema.ts`. */
interface KeyFacts {
  readonly description: string | undefined;
  readonly env: string | undefined;
  readonly aliasOf: string | undefined;
  readonly inactive: 'notice' | 'refuse' | undefined;
}

/** The schemas under wrappers (optional, default, transform) and unions. */
export const unwrap = onceFor((schema: AnySchema): Accepts => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return unwrap(schema.def.innerType);
  }
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType);
  }
  if (schema instanceof z.ZodLazy) return unwrap(schema.def.getter());
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in);
  if (schema instanceof z.ZodUnion) return schema.def.options.flatMap((option) => unwrap(option));
  return [schema];
});

/** The value that stands in when the key is left out, where the schema has a plain one. */
export function defaultOf(schema: AnySchema): unknown {
  if (schema instanceof z.ZodPipe) return defaultOf(schema.def.in);
  return schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
}

export const factsOf = onceFor((schema: AnySchema): KeyFacts => {
  const meta = z.globalRegistry.get(schema) ?? {};
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' ? value : undefined;
  const inactive = meta['inactive'];
  return {
    description: text(meta.description),
    env: text(meta['env']),
    aliasOf: text(meta['aliasOf']),
    inactive: inactive === 'notice' || inactive === 'refuse' ? inactive : undefined,
  };
});

/** The keys that objects accepted here know, each with its schema. */
export const knownKeys = onceFor((accepts: Accepts): ReadonlyMap<string, AnySchema> => {
  const keys = new Map<string, AnySchema>();
  for (const schema of accepts) {
    if (!(schema instanceof z.ZodObject)) continue;
    for (const [key, child] of Object.entries(schema.shape)) keys.set(key, child);
  }
  return keys;
});

/** The schemas of `key` (of any item, where lists are accepted), still with their wrappers. */
export function childSchemas(accepts: Accepts, key: string | number): Accepts {
  return accepts.flatMap((schema): Accepts => {
    if (schema instanceof z.ZodObject) {
      const child = typeof key === 'string' ? ownShape(schema, key) : undefined;
      return child === undefined ? [] : [child];
    }
    if (schema instanceof z.ZodRecord) return typeof key === 'string' ? [schema.valueType] : [];
    if (schema instanceof z.ZodArray) return typeof key === 'number' ? [schema.element] : [];
    return [];
  });
}

function ownShape(schema: z.ZodObject, key: string): AnySchema | undefined {
  return Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined;
}

/** What is accepted at `key` below a place that accepts `accepts`. */
export function childAccepts(accepts: Accepts, key: string | number): Accepts {
  const { known, other, item } = inside(accepts);
  if (typeof key === 'number') return item();
  return known.get(key)?.() ?? other();
}

interface Inside {
  readonly known: ReadonlyMap<string, () => Accepts>;
  /** Of keys that no schema names, as the ids of servers are. */
  readonly other: () => Accepts;
  readonly item: () => Accepts;
}

const inside = onceFor((accepts: Accepts): Inside => {
  const at = (key: string | number): (() => Accepts) =>
    once(() => childSchemas(accepts, key).flatMap((schema) => unwrap(schema)));
  const keys = [...knownKeys(accepts).keys()];
  return { known: new Map(keys.map((key) => [key, at(key)])), other: at(''), item: at(0) };
});

export type ScalarKind = 'text' | 'number' | 'boolean';

export const scalarKinds = onceFor((accepts: Accepts): ReadonlySet<ScalarKind> => {
  const kinds = new Set<ScalarKind>();
  for (const schema of accepts) {
    if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) kinds.add('text');
    if (schema instanceof z.ZodNumber) kinds.add('number');
    if (schema instanceof z.ZodBoolean) kinds.add('boolean');
  }
  return kinds;
});

/** The spellings that a choice offers; upper-case twins of lower-case ones are left out. */
export function choices(accepts: Accepts): readonly string[] {
  const all = accepts.flatMap((schema) =>
    schema instanceof z.ZodEnum ? schema.options.map(String) : [],
  );
  return all.filter(
    (choice) => choice === choice.toLowerCase() || !all.includes(choice.toLowerCase()),
  );
}

/** What is accepted, as the middle of "expected …, got …". */
export function describeAccepted(accepts: Accepts): string {
  return [...new Set(accepts.map(describeOne))].join(' or ');
}

function describeOne(schema: AnySchema): string {
  if (schema instanceof z.ZodNumber) return describeNumber(schema);
  if (schema instanceof z.ZodEnum) {
    const offered = choices([schema]);
    return offered.length === 1 ? `"${offered[0]}"` : `one of ${offered.join(', ')}`;
  }
  if (schema instanceof z.ZodString) return describeLength(schema, 'text', 'characters');
  if (schema instanceof z.ZodArray) return describeArray(schema);
  if (schema instanceof z.ZodBoolean) return 'true or false';
  if (schema instanceof z.ZodObject || schema instanceof z.ZodRecord) return 'a mapping';
  return 'another value';
}

function describeNumber(schema: z.ZodNumber): string {
  const noun = schema.format === 'safeint' ? 'a whole number' : 'a number';
  const low = bound(schema.minValue);
  const high = bound(schema.maxValue);
  if (low !== undefined && high !== undefined) return `${noun} from ${low} to ${high}`;
  if (low !== undefined) return `${noun} of at least ${low}`;
  return high === undefined ? noun : `${noun} of at most ${high}`;
}

/** Zod gives integers the bounds of safe integers, which nobody asked for. */
function bound(value: number | null): number | undefined {
  return value === null || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
}

function describeLength(schema: z.ZodString, noun: string, units: string): string {
  const low = schema.minLength ?? 0;
  const high = schema.maxLength ?? Infinity;
  if (high !== Infinity) return `${noun} of at most ${high} ${units}`;
  return low > 0 ? `non-empty ${noun}` : noun;
}

function describeArray(schema: z.ZodArray): string {
  const checks = schema.def.checks ?? [];
  const low = checks.find((check) => check instanceof z.core.$ZodCheckMinLength);
  const high = checks.find((check) => check instanceof z.core.$ZodCheckMaxLength);
  const noun = low === undefined ? 'a list' : 'a non-empty list';
  return high === undefined ? noun : `${noun} of at most ${high._zod.def.maximum}`;
}
