/** `Mcp-Param-*`: arguments that a tool's schema asks clients to repeat in a header (`x-mcp-header`). */
import { isObject, RPC, type JsonObject, type RpcError } from './json-rpc.ts';

/** One annotated argument: where it stands in `arguments`, and the header that repeats it, in lower case. */
export interface ParamHeader {
  readonly path: readonly string[];
  readonly header: string;
}

const NESTING_MAX = 32;
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const MIRRORED_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

/** The annotated arguments of a tool; only those reachable by `properties` alone count. */
export function paramHeaders(
  inputSchema: unknown,
  path: readonly string[] = [],
): readonly ParamHeader[] {
  const properties = isObject(inputSchema) ? inputSchema['properties'] : undefined;
  if (!isObject(properties) || path.length > NESTING_MAX) return [];
  return Object.entries(properties).flatMap(([key, schema]) => {
    const here = [...path, key];
    const name = isObject(schema) ? schema['x-mcp-header'] : undefined;
    const own =
      typeof name === 'string' ? [{ path: here, header: `mcp-param-${name.toLowerCase()}` }] : [];
    return [...own, ...paramHeaders(schema, here)];
  });
}

/** Whether a tool's annotations are such that a client over HTTP may offer it (2026-07-28, "x-mcp-header"). */
export function hasUsableHeaders(inputSchema: unknown): boolean {
  const names: string[] = [];
  if (!collect(inputSchema, true, names)) return false;
  return new Set(names).size === names.length;
}

/** Gathers the annotations below a schema; false where one of them is not allowed. */
function collect(schema: unknown, isReachable: boolean, names: string[], depth = 0): boolean {
  if (Array.isArray(schema)) return schema.every((each) => collect(each, false, names, depth + 1));
  if (!isObject(schema)) return true;
  if (depth > NESTING_MAX) return true; // nothing below is looked at by anybody
  return Object.entries(schema).every(([key, value]) => {
    if (key !== 'properties' || !isObject(value)) return collect(value, false, names, depth + 1);
    return Object.values(value).every(
      (property) =>
        isUsable(property, isReachable, names) && collect(property, isReachable, names, depth + 1),
    );
  });
}

function isUsable(property: unknown, isReachable: boolean, names: string[]): boolean {
  const name = isObject(property) ? property['x-mcp-header'] : undefined;
  if (!isObject(property) || name === undefined) return true;
  if (typeof name !== 'string' || !TOKEN.test(name) || !isReachable) return false;
  names.push(name.toLowerCase());
  return MIRRORED_TYPES.has(property['type']);
}

/** The headers that repeat arguments, with their plain values; absent and null ones are left out. */
export function mirroredParams(
  wanted: readonly ParamHeader[],
  args: unknown,
): readonly (readonly [header: string, value: string])[] {
  return wanted.flatMap(({ path, header }) => {
    const value = valueAt(args, path);
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    return isPlain ? [[header, String(value)] as const] : [];
  });
}

/**
 * Refuses where a header and its argument disagree or only one of them is there.
 * @param header the decoded value of a header, undefined where it is absent or cannot be decoded
 */
export function checkParamHeaders(
  wanted: readonly ParamHeader[],
  args: unknown,
  header: (name: string) => string | undefined,
): RpcError | undefined {
  for (const { path, header: name } of wanted) {
    const value = valueAt(args, path);
    const sent = header(name);
    if (value === undefined && sent === undefined) continue;
    if (value === undefined || sent === undefined || !sameValue(value, sent)) {
      const problem =
        sent === undefined ? 'is missing or not valid' : 'does not agree with the arguments';
      return { code: RPC.headerMismatch, message: `Header mismatch: ${name} ${problem}` };
    }
  }
  return undefined;
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value: unknown = args;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return value === null ? undefined : value;
}

const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function sameValue(value: unknown, text: string): boolean {
  if (typeof value === 'number') return DECIMAL.test(text) && Number(text) === value;
  return typeof value === 'boolean' ? text === String(value) : text === value;
}
