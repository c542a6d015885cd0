import { once } from '@mcp-hangar/kernel/once';
import { z } from 'zod';
import { allGroupFacts, type GroupFacts } from '../groups/group-facts.ts';
import { allFacts, type ServerFacts } from '../server-facts.ts';
import { defineQuery } from '../use-case.ts';

export interface McpServerList {
  readonly servers: readonly ServerFacts[];
  readonly groups: readonly GroupFacts[];
}

const STATES = ['cold', 'initializing', 'ready', 'degraded', 'dead', 'disabled'] as const;
export const ServerStateFilter = once(() => z.enum(STATES));

export const listMcpServers = defineQuery({
  name: 'list_mcp_servers',
  input: () => z.strictObject({ state: ServerStateFilter().optional() }),
  permission: 'mcp_servers:read',
  summary: 'List every configured MCP server with its state, its health and how many tools it has.',
  run(deps, { state }, context): McpServerList {
    const all = allFacts(deps, context);
    const servers = state === undefined ? all : all.filter((facts) => facts.state === state);
    return { servers, groups: allGroupFacts(deps, context) };
  },
});
