/** What servers wrote to stderr, each line as one item; with `follow` without end. */
import { z } from 'zod';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { REGISTRY } from '../registry.ts';
import type { ServerLogLine } from '../servers/server-logs.ts';
import { runUseCase } from '../use-case.ts';
import { FOLLOW_MS_MAX, type OperatorEntry } from './entry.ts';

/** What `mcp-hangar logs --json` prints a line: members are added, never renamed or removed. */
export const LogLineReport = z.object({
  at: z.iso.datetime(),
  mcp_server: z.string(),
  pid: z.number(),
  line: z.string(),
});
export type LogLineReport = z.infer<typeof LogLineReport>;

export const logsEntry: OperatorEntry = {
  useCase: REGISTRY.get_server_logs,
  msMax: FOLLOW_MS_MAX,
  async run({ follow, ...input }, { deps, context, tell }): Promise<JsonObject> {
    const view = await runUseCase(REGISTRY.get_server_logs, deps, input, context);
    const say = (line: ServerLogLine): void => tell(reportOf(line));
    view.lines.forEach(say);
    if (follow !== true) return {};
    const end = view.watch(say);
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    end();
    return {};
  },
};

const reportOf = ({ atMs, mcpServerId, pid, line }: ServerLogLine): LogLineReport => ({
  at: new Date(atMs).toISOString(),
  mcp_server: mcpServerId,
  pid,
  line,
});
