import { z } from 'zod';
import { findServer } from '../server-facts.ts';
import type { LogListener, ServerLogLine } from '../servers/server-logs.ts';
import { defineQuery } from '../use-case.ts';

export interface ServerLogView {
  readonly lines: readonly ServerLogLine[];
  /** Hears of every line that comes after these. Answers the function that ends it. */
  readonly watch: (listener: LogListener) => () => void;
}

export const getServerLogs = defineQuery({
  name: 'get_server_logs',
  input: () =>
    z.strictObject({
      id: z.string().optional(),
      lines: z.int().min(0).max(10_000).default(100),
    }),
  permission: 'mcp_servers:read',
  summary: 'Show what MCP servers wrote to stderr last, and what they write from now on.',
  run(deps, { id, lines }): ServerLogView {
    if (id !== undefined) findServer(deps, id); // of a group, its members are to be named
    return {
      lines: deps.logs.last(lines, id),
      watch: (listener) => deps.logs.watch(listener, id),
    };
  },
});
