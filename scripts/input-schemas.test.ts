import { expect, test } from 'vitest';
import {
  HANGAR_TOOLS,
  REGISTRY_TOOLS,
} from '../packages/gateway/src/application/gateway-tools/table.ts';
import { shownSchema } from './input-schemas.ts';

test('every tool of the gateway shows what its arguments are checked against', () => {
  for (const tool of [...REGISTRY_TOOLS, ...HANGAR_TOOLS])
    expect([tool.name, tool.definition['inputSchema']]).toEqual([tool.name, shownSchema(tool)]);
});
