import { z } from 'zod';
import { forEra } from '../../domain/catalog/surface.ts';
import type { McpServerPhase } from '../../domain/mcp-server/health.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { phaseOf } from '../groups/group-as-server.ts';
import { ServerGroup } from '../groups/server-group.ts';
import { findUpstream } from '../server-facts.ts';
import { defineQuery } from '../use-case.ts';

export interface McpServerTools {
  readonly id: string;
  readonly state: McpServerPhase;
  readonly isGroup: boolean;
  /** They come from the configuration; the server has not said yet what it really has. */
  readonly arePredefined: boolean;
  readonly tools: readonly JsonObject[];
}

export const getMcpServerTools = defineQuery({
  name: 'get_mcp_server_tools',
  input: () => z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:read',
  summary:
    'Show the tools of an MCP server with their schemas; a server whose tools are not known yet is started for it.',
  async run(deps, { id }, { caller }): Promise<McpServerTools> {
    const server = findUpstream(deps, id);
    const { user } = caller;
    if (deps.catalogs.lacks(server, user.asker)) await deps.catalogs.demand(server, user);
    const isGroup = server instanceof ServerGroup;
    const isListed = deps.catalogs.find(server, user.asker, user.owner) !== undefined;
    const { tools, era } = deps.catalogs.offer(server, user.asker, user.owner);
    return {
      id,
      state: isGroup ? phaseOf(server) : server.phase,
      isGroup,
      arePredefined: !isListed && server.spec.predefinedTools !== undefined,
      tools: tools.map((tool) => forEra(tool, era, user.asker.era)),
    };
  },
});
