import { z } from 'zod';
import type { GroupFacts } from '../groups/group-facts.ts';
import { stopGroup } from '../groups/operate-group.ts';
import { ServerGroup } from '../groups/server-group.ts';
import { findUpstream } from '../server-facts.ts';
import { defineCommand } from '../use-case.ts';

export interface StoppedMcpServer {
  readonly id: string;
  readonly reason: string;
  /** Of a group, all of whose members were stopped. */
  readonly group?: GroupFacts | undefined;
}

const REASON = 'user_request';

export const stopMcpServer = defineCommand({
  name: 'stop_mcp_server',
  input: () => z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:lifecycle',
  summary: 'Stop an MCP server; its next call starts it again.',
  async run(deps, { id }, context): Promise<StoppedMcpServer> {
    const server = findUpstream(deps, id);
    if (server instanceof ServerGroup)
      return { id, reason: REASON, group: await stopGroup(deps, server, context) };
    await server.stop(REASON);
    return { id, reason: REASON };
  },
});
