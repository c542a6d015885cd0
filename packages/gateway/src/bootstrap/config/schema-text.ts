/** JSON Schema of the configuration file, for editors. */
import './interpreted.ts'; // first: it says how schemas are made
import { z } from 'zod';
import { configDocument } from './schema.ts';

type Node = Record<string, unknown>;

/** What the loader takes for a value of any kind, and looks at when it has resolved it. */
const REFERENCE = { type: 'string', pattern: String.raw`\$\{` };

/** The schema as editors are to see it: keys that have no effect say so, and every value may be a reference. */
export function schemaText(): string {
  const schema = z.toJSONSchema(configDocument(), {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => adapt(jsonSchema as Node), // JSON Schema is data
  }) as Node;
  shareServer(schema);
  const document = {
    ...schema,
    title: 'MCP Hangar',
    description: 'Configuration of mcp-hangar. Written by `mcp-hangar config schema`.',
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** An entry of a server is described once: `providers` and the members of groups have the same keys. */
function shareServer(schema: Node): void {
  const servers = nodeAt(schema, 'properties', 'mcp_servers');
  const providers = nodeAt(schema, 'properties', 'providers');
  const at = '#/properties/mcp_servers/additionalProperties';
  providers['additionalProperties'] = { $ref: at };
  const keys = nodeAt(servers, 'additionalProperties', 'properties');
  const member = nodeAt(keys, 'members', 'items', 'properties');
  for (const key of Object.keys(member))
    if (Object.hasOwn(keys, key)) member[key] = { $ref: `${at}/properties/${key}` };
}

const nodeAt = (node: Node, ...keys: readonly string[]): Node =>
  keys.reduce((inner, key) => inner[key] as Node, node); // JSON Schema of a schema that has these keys

function adapt(node: Node): void {
  const { description, inactive, env, aliasOf } = node;
  delete node['inactive'];
  delete node['env'];
  delete node['aliasOf'];
  const notes = [
    ...(typeof description === 'string' ? [description] : []),
    ...(typeof aliasOf === 'string' ? [`Another name of \`${aliasOf}\`.`] : []),
    ...(typeof env === 'string' ? [`Environment: ${env}.`] : []),
    ...(inactive === 'notice' ? ['Not active in this build.'] : []),
    ...(inactive === 'refuse' ? ['Refused in this build.'] : []),
  ];
  if (notes.length > 0) node['description'] = notes.join(' ');
  loosen(node);
}

/** The loader reads a number or a boolean as text where text is wanted, and a reference everywhere. */
function loosen(node: Node): void {
  const { type } = node;
  if (
    Array.isArray(node['enum']) ||
    node['pattern'] !== undefined ||
    type === 'number' ||
    type === 'integer' ||
    type === 'boolean'
  ) {
    const rules = Object.entries(node).filter(
      ([key]) => key !== 'description' && key !== 'default',
    );
    for (const [key] of rules) delete node[key];
    node['anyOf'] = [dropSafeBounds(rules), REFERENCE];
  } else if (type === 'string') {
    node['type'] = ['string', 'number', 'boolean'];
  }
}

/** Zod gives integers the bounds of safe integers, which nobody asked for. */
function dropSafeBounds(rules: readonly (readonly [string, unknown])[]): Node {
  const kept = rules.filter(
    ([, value]) => !(typeof value === 'number' && Math.abs(value) >= Number.MAX_SAFE_INTEGER),
  );
  return Object.fromEntries(kept);
}
