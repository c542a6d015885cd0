import { z } from 'zod';
import type { McpServerPhase } from '../../domain/mcp-server/health.ts';
import { phaseOf } from '../groups/group-as-server.ts';
import { startGroup, type StartedGroup } from '../groups/operate-group.ts';
import { ServerGroup } from '../groups/server-group.ts';
import { findUpstream } from '../server-facts.ts';
import { watchStart } from '../start-progress.ts';
import { defineCommand } from '../use-case.ts';

export interface StartedMcpServer {
  readonly id: string;
  readonly state: McpServerPhase;
  readonly tools: readonly string[];
  /** Of a group, all of whose members are started. */
  readonly group?: StartedGroup | undefined;
}

export const startMcpServer = defineCommand({
  name: 'start_mcp_server',
  input: () => z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:lifecycle',
  summary:
    'Start an MCP server now instead of on its first call, also one that failed a moment ago.',
  async run(deps, { id }, context): Promise<StartedMcpServer> {
    const server = findUpstream(deps, id);
    const { user } = context.caller;
    const unwatch = watchStart(deps, server, context);
    let group: StartedGroup | undefined;
    try {
      if (server instanceof ServerGroup) group = await startGroup(deps, server, context);
      else await server.start(user);
      if (deps.catalogs.find(server, user.asker, user.owner) === undefined)
        await deps.catalogs.demand(server, user);
    } finally {
      unwatch();
    }
    context.progress('ready', `MCP server "${id}" is ready`);
    const { tools } = deps.catalogs.offer(server, user.asker, user.owner);
    const state = server instanceof ServerGroup ? phaseOf(server) : server.phase;
    return { id, state, tools: tools.map(({ name }) => String(name)), group };
  },
});
