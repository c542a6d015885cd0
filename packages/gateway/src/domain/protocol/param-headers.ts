/** `Mcp-Param-*`: arguments that a tool's schema asks clients to repeat in a header (`x-mcp-header`). */
import { isObject, RPC, type JsonObject, type RpcError } from './json-rpc.ts';

/** One annotated argument: where it stands in `arguments`, and the header that repeats it, in lower case. */
export interface ParamHeader {
  readonly path: readonly string[];
  readonly header: string;
}

const NESTING_MAX = 32;

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
