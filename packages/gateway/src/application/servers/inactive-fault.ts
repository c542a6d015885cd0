import { Fault } from '@mcp-hangar/kernel/errors';
import { insteadOfMode, type InactiveLaunch } from '../../domain/mcp-server/spec.ts';

/** What a call of a server is told whose mode this build cannot run. */
export function inactiveFault(id: string, { mode, reason }: InactiveLaunch): Fault {
  const fix = insteadOfMode(mode);
  const advice = fix === undefined ? '' : `; ${fix}`;
  return new Fault('MCP_SERVER_INACTIVE', `MCP server "${id}" is dead: ${reason}${advice}`, {
    data: { mcpServerId: id, reason, ...(fix === undefined ? {} : { fix }) },
  });
}
