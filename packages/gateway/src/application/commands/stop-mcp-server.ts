import { z } from 'zod';
import { findServer } from '../server-facts.ts';
import { defineCommand } from '../use-case.ts';

const REASON = 'user_request';

export const stopMcpServer = defineCommand({
  name: 'stop_mcp_server',
  input: z.strictObject({ id: z.string() }),
  permission: 'mcp_servers:lifecycle',
  summary: 'Stop an MCP server; its next call starts it again.',
  async run(deps, { id }) {
    await findServer(deps, id).stop(REASON);
    return { id, reason: REASON };
  },
});
