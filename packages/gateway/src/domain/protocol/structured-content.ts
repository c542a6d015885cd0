/**
 * Structured results of modern tools for legacy clients, which know objects only: any other value, and every value of a
 * tool whose schema is not one of objects, stands in an object as `result`. SDK v2 does the same (SEP-2106).
 */
import { isObject, type JsonObject } from './json-rpc.ts';

/** Whether the output of a tool is shown to legacy clients as `{ result: … }`. */
export const wrapsOutput = ({ outputSchema }: JsonObject): boolean =>
  isObject(outputSchema) && outputSchema['type'] !== 'object';

/** The tool as legacy clients see it. */
export function legacyTool(tool: JsonObject): JsonObject {
  const { outputSchema } = tool;
  if (!isObject(outputSchema) || !wrapsOutput(tool)) return tool;
  return { ...tool, outputSchema: wrappedSchema(outputSchema) };
}

/** The result as legacy clients read it. @param isWrapped the tool's schema is shown to them wrapped */
export function legacyToolResult(result: JsonObject, isWrapped: boolean): JsonObject {
  const { content, structuredContent: value } = result;
  if (value === undefined) return result;
  const isAnObject = isObject(value) && !isNumber(value);
  if (isAnObject && !isWrapped) return result;
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const hasText = blocks.some((block) => isObject(block) && block['type'] === 'text');
  const text = { type: 'text', text: JSON.stringify(value) };
  return {
    ...result,
    ...(!isAnObject && !hasText && { content: [...blocks, text] }),
    structuredContent: { result: value },
  };
}

/** A number that is kept as it was written is an object without a prototype. */
const isNumber = (value: JsonObject): boolean => Object.getPrototypeOf(value) === null;

const RESULT = '#/properties/result';
/** What nests deeper keeps its pointers: no schema that a person wrote does. */
const DEPTH_MAX = 128;

/** Keywords whose values are data: a `$ref` in there is none. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);
/** Keywords whose values are schemas by names of the author's choice. */
const SCHEMAS_BY_NAME: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

function wrappedSchema(schema: JsonObject): JsonObject {
  const { $schema } = schema;
  const isOf2019 = typeof $schema === 'string' && $schema.includes('/2019-09/');
  const mover: Mover = { recurses: isOf2019 && schema['$recursiveAnchor'] !== true };
  return {
    ...(typeof $schema === 'string' && { $schema }),
    type: 'object',
    properties: { result: moved(schema, mover, 0) },
    required: ['result'],
  };
}

interface Mover {
  /** `$recursiveRef` leads to the root, which is somewhere else now. */
  readonly recurses: boolean;
}

/** The schema with its pointers from the root leading to where the root stands now. */
function moved(schema: unknown, mover: Mover, depth: number): unknown {
  if (depth > DEPTH_MAX) return schema;
  if (Array.isArray(schema)) return schema.map((item) => moved(item, mover, depth + 1));
  if (!isObject(schema) || isNumber(schema) || isRootOfItsOwn(schema)) return schema;
  const { $recursiveRef, ...rest } = schema;
  const isRecursion = mover.recurses && $recursiveRef === '#';
  const entries = Object.entries(isRecursion ? rest : schema).map(([key, value]) => [
    key,
    movedMember(key, value, { mover, depth }),
  ]);
  const out: JsonObject = Object.fromEntries(entries);
  return isRecursion ? withPointer(out, RESULT) : out;
}

function movedMember(
  key: string,
  value: unknown,
  { mover, depth }: { readonly mover: Mover; readonly depth: number },
): unknown {
  if (DATA.has(key)) return value;
  if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string')
    return value === '#' || value.startsWith('#/') ? RESULT + value.slice(1) : value;
  if (!SCHEMAS_BY_NAME.has(key) || !isObject(value)) return moved(value, mover, depth + 1);
  const named = Object.entries(value);
  return Object.fromEntries(named.map(([name, member]) => [name, moved(member, mover, depth + 1)]));
}

/** A schema may have one `$ref` beside which others stand in `allOf`. */
function withPointer(schema: JsonObject, pointer: string): JsonObject {
  if (!('$ref' in schema)) return { ...schema, $ref: pointer };
  const others: readonly unknown[] = Array.isArray(schema['allOf']) ? schema['allOf'] : [];
  return { ...schema, allOf: [...others, { $ref: pointer }] };
}

/** Pointers inside lead from there. An `$id` that is only a fragment names the place and moves nothing. */
const isRootOfItsOwn = ({ $id }: JsonObject): boolean =>
  $id !== undefined && !(typeof $id === 'string' && $id.startsWith('#'));
