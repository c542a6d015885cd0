import { z } from 'zod';
import { allFacts } from '../server-facts.ts';
import { defineQuery } from '../use-case.ts';

const STATES = ['cold', 'initializing', 'ready', 'degraded', 'dead', 'disabled'] as const;
export const ServerStateFilter = z.enum(STATES);

export const listMcpServers = defineQuery({
  name: 'list_mcp_servers',
  input: z.strictObject({ state: ServerStateFilter.optional() }),
  permission: 'mcp_servers:read',
  summary: 'List every configured MCP server with its state, its health and how many tools it has.',
  run(deps, { state }, context) {
    const all = allFacts(deps, context);
    return state === undefined ? all : all.filter((facts) => facts.state === state);
  },
});
