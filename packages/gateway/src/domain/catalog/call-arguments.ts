/**
 * Arguments of a tool call as a person types them (`path=.`, `tags=a tags=b`, `filter.since=3`), made into JSON by the
 * tool's input schema. The outcome is JSON text: numbers stay as they were typed.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { nearest } from '../near-names.ts';
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';

/** JSON text of a value, or members that are still being collected. */
type Node = string | Map<string, Node>;

/** A schema within the schema that its references are relative to. */
interface Place {
  readonly schema: JsonObject;
  readonly root: JsonObject;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const REFERENCES_MAX = 16;

/**
 * The arguments as JSON text.
 * @param words `name=value` each
 * @param schema the tool's `inputSchema`; undefined where it is not known
 * @throws Fault INPUT_INVALID with the name of the argument and what is expected
 */
export function argumentsText(words: readonly string[], schema: JsonObject = {}): string {
  const place = { schema, root: schema };
  const given = new Map<string, string[]>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) throw wrong(word, `"${word}" is no argument`, 'write NAME=VALUE');
    const name = word.slice(0, at);
    given.set(name, [...(given.get(name) ?? []), word.slice(at + 1)]);
  }
  const tree = new Map<string, Node>();
  for (const [name, values] of given) put(tree, name, { name, values }, place);
  const names = [...tree.keys()];
  checkNames(names, place);
  checkRequired(names, schema);
  return textOf(tree);
}

/** The same checks for arguments that come as an object. @throws Fault INPUT_INVALID */
export function checkArguments(given: JsonObject, schema: JsonObject = {}): void {
  const names = Object.keys(given);
  if (schema['additionalProperties'] === false) checkNames(names, { schema, root: schema });
  checkRequired(names, schema);
}

interface Given {
  /** As it was typed, dots included. */
  readonly name: string;
  readonly values: readonly string[];
}

/** `a.b=1` is a member of the object `a`, unless there is an argument of that whole name. */
function put(tree: Map<string, Node>, path: string, given: Given, { schema, root }: Place): void {
  const properties = propertiesOf(schema);
  const dot = path.indexOf('.');
  const isWhole = dot <= 0 || dot === path.length - 1 || Object.hasOwn(properties, path);
  const name = isWhole ? path : path.slice(0, dot);
  const own = { schema: resolved(properties[name], root), root };
  if (isWhole) {
    if (tree.has(name)) throw wrong(given.name, `argument "${given.name}" is given twice`);
    tree.set(name, valueText(given, own));
    return;
  }
  const inner = tree.get(name) ?? new Map<string, Node>();
  if (typeof inner === 'string')
    throw wrong(given.name, `argument "${name}" is given as a whole and in parts`);
  tree.set(name, inner);
  put(inner, path.slice(dot + 1), given, own);
}

function textOf(node: Node): string {
  if (typeof node === 'string') return node;
  return `{${[...node].map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join(',')}}`;
}

function valueText({ name, values }: Given, { schema, root }: Place): string {
  const kinds = kindsOf(schema, root);
  const [first = ''] = values;
  const isList = kinds.has('array') || (kinds.size === 0 && values.length > 1);
  if (isList && (values.length > 1 || !isJson(first, 'array'))) {
    const items = { schema: resolved(schema['items'], root), root };
    if (!kinds.has('string') || values.length > 1)
      return `[${values.map((value) => oneText({ name, values: [value] }, items)).join(',')}]`;
  }
  if (values.length > 1) throw wrong(name, `argument "${name}" is given ${values.length} times`);
  return oneText({ name, values }, { schema, root });
}

function oneText({ name, values: [value = ''] }: Given, { schema, root }: Place): string {
  const kinds = kindsOf(schema, root);
  const may = (kind: string): boolean => kinds.size === 0 || kinds.has(kind);
  const isNumber = may('number') ? NUMBER.test(value) : kinds.has('integer') && INTEGER.test(value);
  const isWord =
    (may('boolean') && /^(?:true|false)$/.test(value)) || (may('null') && value === 'null');
  const isNested =
    (may('array') && isJson(value, 'array')) || (may('object') && isJson(value, 'object'));
  const options = Array.isArray(schema['enum']) ? schema['enum'] : undefined;
  if (isNumber || isWord || isNested) return value;
  if (!may('string'))
    throw wrong(name, `argument "${name}" is "${value}"`, `expected ${[...kinds].join(' or ')}`);
  if (options !== undefined && !options.includes(value)) {
    const known = options.map(String);
    const meant = nearest(value, known);
    const fix = meant === undefined ? `expected ${known.join(', ')}` : `did you mean "${meant}"?`;
    throw wrong(name, `argument "${name}" is "${value}"`, fix);
  }
  return JSON.stringify(value);
}

function isJson(text: string, kind: 'array' | 'object'): boolean {
  if (!text.startsWith(kind === 'array' ? '[' : '{')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // a text that begins like JSON
  }
}

/** The JSON types that a schema allows; empty where it does not say. */
function kindsOf(schema: JsonObject, root: JsonObject, depth = 0): ReadonlySet<string> {
  const { type, anyOf, oneOf, enum: options, const: only } = schema;
  if (typeof type === 'string') return new Set([type]);
  if (Array.isArray(type)) return new Set(type.map(String));
  const values = Array.isArray(options) ? options : only === undefined ? [] : [only];
  if (values.length > 0) return new Set(values.map(kindOf));
  const choices = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : [];
  if (depth >= REFERENCES_MAX) return new Set();
  return new Set(
    choices.flatMap((choice) => [...kindsOf(resolved(choice, root), root, depth + 1)]),
  );
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/** The schema behind `$ref`, where it is in the same document; what is no schema allows everything. */
function resolved(schema: unknown, root: JsonObject): JsonObject {
  let at: unknown = schema;
  for (let hops = 0; isObject(at) && typeof at['$ref'] === 'string'; hops += 1) {
    if (hops >= REFERENCES_MAX || !at['$ref'].startsWith('#/')) return {};
    const path = at['$ref'].slice(2).split('/');
    at = path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), root);
  }
  return isObject(at) ? at : {};
}

const propertiesOf = (schema: JsonObject): JsonObject =>
  isObject(schema['properties']) ? schema['properties'] : {};

/** A name that the schema does not have is mistyped, unless the schema says that there may be others. */
function checkNames(names: readonly string[], { schema }: Place): void {
  const { properties, additionalProperties, patternProperties } = schema;
  const isOpen = additionalProperties !== undefined && additionalProperties !== false;
  if (!isObject(properties) || isOpen || patternProperties !== undefined) return;
  const known = Object.keys(properties);
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    const fix =
      meant !== undefined
        ? `did you mean "${meant}"?`
        : known.length === 0
          ? 'the tool takes no arguments'
          : `expected ${known.join(', ')}`;
    throw wrong(name, `the tool has no argument "${name}"`, fix);
  }
}

function checkRequired(names: readonly string[], schema: JsonObject): void {
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  const missing = required.filter((name) => !names.includes(name));
  const [first] = missing;
  if (first === undefined) return;
  const list = missing.map((name) => `"${name}"`).join(', ');
  const fix = `add ${missing.map((name) => `${name}=…`).join(' ')}`;
  throw wrong(
    first,
    `the tool needs ${list}, which ${missing.length === 1 ? 'is' : 'are'} missing`,
    fix,
  );
}

const wrong = (field: string, message: string, fix?: string): Fault =>
  new Fault('INPUT_INVALID', message, { data: { field, ...(fix === undefined ? {} : { fix }) } });
