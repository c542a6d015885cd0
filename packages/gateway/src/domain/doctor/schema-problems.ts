/** What is wrong with the input schema of a tool, as far as a schema can be judged by itself. */
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';

export interface SchemaProblem {
  readonly kind: 'missing' | 'not-object' | 'invalid' | 'ref';
  /** Follows `the input schema of "x" `. */
  readonly message: string;
}

/** Deeper ones are not looked at. Levels. */
const DEPTH_MAX = 64;
const NODES_MAX = 20_000;
const PROBLEMS_MAX = 5;
const TYPES: ReadonlySet<unknown> = new Set([
  'array',
  'boolean',
  'integer',
  'null',
  'number',
  'object',
  'string',
]);

/** Problems of one schema, the first few. */
export function schemaProblems(schema: unknown): readonly SchemaProblem[] {
  if (schema === undefined) return [{ kind: 'missing', message: 'is missing' }];
  if (!isObject(schema)) return [{ kind: 'not-object', message: 'is no object' }];
  const problems: SchemaProblem[] = [];
  if (schema['type'] !== 'object') {
    const { type } = schema;
    const what = type === undefined ? 'has no type' : `has the type ${JSON.stringify(type)}`;
    problems.push({ kind: 'not-object', message: `${what}; MCP wants "object"` });
  }
  const walk = new Walk(schema, problems);
  walk.schema(schema, '#', 0);
  return problems.slice(0, PROBLEMS_MAX);
}

/** Keywords whose value is a schema, a list of schemas, or a mapping of schemas. */
const ONE = [
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAPPING = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];

/** What a keyword must be. */
const FORMS: Readonly<
  Record<string, readonly [isRight: (value: unknown) => boolean, form: string]>
> = {
  type: [isType, 'one of the seven types, or a list of them'],
  required: [isTexts, 'a list of names'],
  enum: [Array.isArray, 'a list'],
  pattern: [isPattern, 'a regular expression'],
  $ref: [isText, 'a text'],
  minimum: [isNumber, 'a number'],
  maximum: [isNumber, 'a number'],
  minLength: [isCount, 'a whole number from 0'],
  maxLength: [isCount, 'a whole number from 0'],
  minItems: [isCount, 'a whole number from 0'],
  maxItems: [isCount, 'a whole number from 0'],
};

function isType(value: unknown): boolean {
  if (!Array.isArray(value)) return TYPES.has(value);
  return value.length > 0 && value.every((each) => TYPES.has(each));
}
function isText(value: unknown): boolean {
  return typeof value === 'string';
}
function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}
function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
function isPattern(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    return new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

class Walk {
  readonly #root: JsonObject;
  readonly #problems: SchemaProblem[];
  #nodes = 0;

  constructor(root: JsonObject, problems: SchemaProblem[]) {
    this.#root = root;
    this.#problems = problems;
  }

  schema(value: unknown, at: string, depth: number): void {
    this.#nodes += 1;
    if (typeof value === 'boolean' || depth > DEPTH_MAX || this.#nodes > NODES_MAX) return;
    if (!isObject(value)) {
      this.#invalid(at, 'is no schema');
      return;
    }
    for (const [keyword, [isRight, form]] of Object.entries(FORMS)) {
      const given = value[keyword];
      if (given !== undefined && !isRight(given))
        this.#invalid(`${at}/${keyword}`, `is not ${form}`);
    }
    this.#ref(value['$ref'], at);
    for (const keyword of ONE) {
      const given = value[keyword];
      // Before 2020-12 `items` could be a list.
      if (Array.isArray(given)) this.#list(given, `${at}/${keyword}`, depth);
      else if (given !== undefined) this.schema(given, `${at}/${keyword}`, depth + 1);
    }
    for (const keyword of LIST) {
      const given = value[keyword];
      if (Array.isArray(given)) this.#list(given, `${at}/${keyword}`, depth);
      else if (given !== undefined) this.#invalid(`${at}/${keyword}`, 'is no list');
    }
    for (const keyword of MAPPING) this.#mapping(value[keyword], `${at}/${keyword}`, depth);
  }

  #list(schemas: readonly unknown[], at: string, depth: number): void {
    for (const [index, schema] of schemas.entries())
      this.schema(schema, `${at}/${index}`, depth + 1);
  }

  #mapping(schemas: unknown, at: string, depth: number): void {
    if (schemas === undefined) return;
    if (!isObject(schemas)) this.#invalid(at, 'is no object');
    else
      for (const [name, schema] of Object.entries(schemas))
        this.schema(schema, `${at}/${name}`, depth + 1);
  }

  #ref(ref: unknown, at: string): void {
    if (typeof ref !== 'string') return;
    if (!ref.startsWith('#')) this.#unresolved(at, ref, 'leads out of the schema');
    else if (!this.#leadsSomewhere(ref)) this.#unresolved(at, ref, 'leads nowhere');
  }

  #leadsSomewhere(ref: string): boolean {
    if (ref === '#') return true;
    if (!ref.startsWith('#/')) return this.#hasAnchor(this.#root, ref.slice(1), 0);
    let value: unknown = this.#root;
    for (const step of ref.slice(2).split('/')) {
      const key = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(value)) value = value[Number(key)] as unknown;
      else value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    }
    return value !== undefined;
  }

  #hasAnchor(value: unknown, name: string, depth: number): boolean {
    if (depth > DEPTH_MAX) return true; // not known: no problem is made up
    if (Array.isArray(value)) return value.some((each) => this.#hasAnchor(each, name, depth + 1));
    if (!isObject(value)) return false;
    if (value['$anchor'] === name || value['$dynamicAnchor'] === name) return true;
    return Object.values(value).some((each) => this.#hasAnchor(each, name, depth + 1));
  }

  #invalid(at: string, message: string): void {
    this.#add({ kind: 'invalid', message: `is no valid JSON Schema: ${at} ${message}` });
  }

  #unresolved(at: string, ref: string, message: string): void {
    this.#add({ kind: 'ref', message: `has a $ref at ${at} that ${message}: ${ref}` });
  }

  #add(problem: SchemaProblem): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
