import { z } from 'zod';
import type { McpServerPhase } from '../../domain/mcp-server/health.ts';
import { findServer } from '../server-facts.ts';
import { watchStart } from '../start-progress.ts';
import { defineCommand } from '../use-case.ts';

export interface StartedMcpServer {
  readonly id: string;
  readonly state: McpServerPhase;
  readonly tools: readonly string[];
}

export const startMcpServer = defineCommand({
  name: 'start_mcp_server',
  input: z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:lifecycle',
  summary:
    'Start an MCP server now instead of on its first call, also one that failed a moment ago.',
  async run(deps, { id }, context): Promise<StartedMcpServer> {
    const server = findServer(deps, id);
    const { user } = context.caller;
    const unwatch = watchStart(deps, server, context);
    try {
      await server.start(user);
      if (deps.catalogs.find(server, user.asker, user.owner) === undefined)
        await deps.catalogs.demand(server, user);
    } finally {
      unwatch();
    }
    context.progress('ready', `MCP server "${id}" is ready`);
    const { tools } = deps.catalogs.offer(server, user.asker, user.owner);
    return { id, state: server.phase, tools: tools.map(({ name }) => String(name)) };
  },
});
