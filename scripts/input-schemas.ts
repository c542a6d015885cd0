// The JSON Schemas of the gateway's own tools, made from the zod schemas that check their arguments. To make them in
// each gateway would take a tenth of its start.
import * as z from 'zod';
import { shownName } from '../packages/gateway/src/application/gateway-tools/arguments.ts';
import {
  HANGAR_TOOLS,
  REGISTRY_TOOLS,
} from '../packages/gateway/src/application/gateway-tools/table.ts';
import type { GatewayTool } from '../packages/gateway/src/application/gateway-tools/tool.ts';
import { generatedModule } from './generated-module.ts';

/** What clients are shown of the arguments of a tool. */
export function shownSchema({ args, definition, words }: GatewayTool): unknown {
  if (args === undefined) return definition['inputSchema'];
  const json = z.toJSONSchema(args(), { io: 'input', unrepresentable: 'any' });
  const properties = Object.entries(json.properties ?? {}).map(
    ([name, property]) => [shownName(name, words), property] as const,
  );
  const required = (json.required ?? []).map((name) => shownName(name, words));
  // Not closed by `additionalProperties`: the word of the other family is accepted too.
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
  };
}

/** The module that holds them. */
export function inputSchemas(): Promise<string> {
  const made = [...REGISTRY_TOOLS, ...HANGAR_TOOLS].filter(({ args }) => args !== undefined);
  const schemas = Object.fromEntries(made.map((tool) => [tool.name, shownSchema(tool)]));
  return generatedModule(`/** Made by \`npm run reference\` from the schemas of the tools' arguments; do not edit. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

export const INPUT_SCHEMAS: Readonly<Record<string, JsonObject>> = ${JSON.stringify(schemas)};
`);
}
