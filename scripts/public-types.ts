// The types of the published package: those of the embedding API as the compiler writes them, and in place of what they
// take from the schema and the catalogue the same printed out. So they need no file that is not published.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What this file reads of the JSON Schema that zod prints of the configuration. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly inactive?: string;
  /** A type that is printed elsewhere. */
  readonly named?: string;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

const indented = (text: string): string => text.replaceAll('\n', '\n  ');
const union = (parts: readonly string[]): string => [...new Set(parts)].join(' | ');

/** One value of the configuration as a TypeScript type. What this build does not obey is left out. */
export function typeText(node: SchemaNode): string {
  if (node.named !== undefined) return node.named;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return union(node.enum.map((value) => JSON.stringify(value)));
  if (node.anyOf !== undefined) return union(node.anyOf.map(typeText));
  if (node.type === 'array') {
    const item = node.items === undefined ? 'unknown' : typeText(node.items);
    return /^\w+$/.test(item) ? `readonly ${item}[]` : `readonly (${item})[]`;
  }
  if (node.type === 'object') return objectText(node);
  return TYPES[node.type ?? ''] ?? 'unknown';
}

function objectText({ properties = {}, required = [], additionalProperties }: SchemaNode): string {
  const members = Object.entries(properties)
    .filter(([, node]) => node.inactive === undefined)
    .map(([key, node]) => {
      const isOptional = !required.includes(key) || node.default !== undefined;
      return `${comment(node)}readonly ${key}${isOptional ? '?' : ''}: ${typeText(node)}${isOptional ? ' | undefined' : ''};`;
    });
  if (members.length > 0) return `{\n  ${indented(members.join('\n'))}\n}`;
  const value =
    typeof additionalProperties === 'object' ? typeText(additionalProperties) : 'unknown';
  return `{ readonly [name: string]: ${value} }`;
}

function comment({ description, default: standard }: SchemaNode): string {
  const isPlain = standard !== undefined && typeof standard !== 'object';
  const parts = [
    description ?? '',
    isPlain ? `Default: \`${JSON.stringify(standard)}\`.` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `/** ${parts.join(' ').replaceAll('*/', '* /')} */\n`;
}

const SERVER_MAPS: ReadonlySet<string> = new Set(['mcp_servers', 'providers']);

/** In place of `vocabulary.ts`. */
export function vocabularyText(config: SchemaNode, codes: readonly string[]): string {
  const { mcp_servers: servers, ...blocks } = config.properties ?? {};
  const server = servers?.additionalProperties;
  if (servers === undefined || typeof server !== 'object')
    throw new Error('the schema has no mcp_servers');
  const named = (node: SchemaNode): SchemaNode => ({
    ...node,
    additionalProperties: { named: 'McpServerConfig' },
  });
  const properties = Object.entries({ mcp_servers: servers, ...blocks }).map(([key, node]) => [
    key,
    SERVER_MAPS.has(key) ? named(node) : node,
  ]);
  return `/** A configuration as a value: the keys are those of the configuration file. */
export type HangarConfig = ${typeText({ ...config, properties: Object.fromEntries(properties) })};

/** One server of a configuration. */
export type McpServerConfig = ${typeText(server)};

/** Stable; branch on it, not on the message. */
export type ErrorCode =
${codes.map((code) => `  | '${code}'`).join('\n')};
`;
}

const INDEX = `export { Hangar } from './hangar.js';
export { HangarError } from './hangar-error.js';
export type * from './api.js';
export type * from './vocabulary.js';
`;

/** Files that are published as the compiler wrote them. */
const OWN = ['hangar', 'hangar-error', 'api'];

/**
 * A declaration file as it is published.
 * @throws Error where it takes something from a file that is not published
 */
export function publishedText(file: string, text: string): string {
  const published = text.replaceAll(/(from\s*|import\s*\(?\s*)'(\.\/[\w-]+)\.ts'/g, "$1'$2.js'");
  for (const [, from = ''] of published.matchAll(/(?:from\s*|import\s*\(?\s*)['"]([^'"]+)['"]/g)) {
    const isPublished = [...OWN, 'vocabulary'].some((name) => from === `./${name}.js`);
    if (!isPublished && !from.startsWith('node:'))
      throw new Error(`${file}: the public types take something from "${from}"`);
  }
  return published;
}

/** Writes the types into a folder. @param from what the compiler made of the embedding API */
export function writePublicTypes(
  from: string,
  to: string,
  about: { readonly config: SchemaNode; readonly codes: readonly string[] },
): void {
  mkdirSync(to, { recursive: true });
  for (const name of OWN) {
    const file = `${name}.d.ts`;
    writeFileSync(join(to, file), publishedText(file, readFileSync(join(from, file), 'utf8')));
  }
  writeFileSync(join(to, 'vocabulary.d.ts'), vocabularyText(about.config, about.codes));
  writeFileSync(join(to, 'index.d.ts'), INDEX);
}
