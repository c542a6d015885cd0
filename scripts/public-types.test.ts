import { expect, test } from 'vitest';
import { publishedText, typeText, vocabularyText, type SchemaNode } from './public-types.ts';

const SERVER: SchemaNode = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    idle_s: { type: 'number', description: 'Seconds.', default: 300 },
    later: { type: 'string', inactive: 'notice' },
  },
};

test.each<readonly [SchemaNode, string]>([
  [{ type: 'integer' }, 'number'],
  [{}, 'unknown'],
  [{ enum: ['a', 1] }, '"a" | 1'],
  [{ const: true }, 'true'],
  [
    { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    'string | readonly string[]',
  ],
  [{ type: 'array', items: { enum: ['a', 'b'] } }, 'readonly ("a" | "b")[]'],
  [
    { type: 'object', additionalProperties: { type: 'number' } },
    '{ readonly [name: string]: number }',
  ],
  [{ type: 'object' }, '{ readonly [name: string]: unknown }'],
  [
    SERVER,
    '{\n  readonly name: string;\n  /** Seconds. Default: `300`. */\n  readonly idle_s?: number | undefined;\n}',
  ],
])('%j is printed as %j', (node, text) => {
  expect(typeText(node)).toBe(text);
});

test('a server is a type of its own, under both of its names', () => {
  const servers: SchemaNode = { type: 'object', additionalProperties: SERVER };
  const config = { type: 'object', properties: { mcp_servers: servers, providers: servers } };
  const text = vocabularyText(config, ['GATEWAY_BUSY', 'INPUT_INVALID']);
  expect(text).toContain('readonly mcp_servers?: { readonly [name: string]: McpServerConfig }');
  expect(text).toContain('readonly providers?: { readonly [name: string]: McpServerConfig }');
  expect(text.match(/idle_s/g)).toHaveLength(1);
  expect(text).toMatch(/ErrorCode =\n {2}\| 'GATEWAY_BUSY'\n {2}\| 'INPUT_INVALID';\n$/);
});

test('a published type takes from published types and from Node only', () => {
  const text = "import type { A } from './api.ts';\nimport type { Readable } from 'node:stream';\n";
  expect(publishedText('hangar.d.ts', text)).toBe(text.replace('api.ts', 'api.js'));
  const leak = "import type { Gateway } from '../compose.ts';\n";
  expect(() => publishedText('hangar.d.ts', leak)).toThrow('take something from "../compose.ts"');
});
