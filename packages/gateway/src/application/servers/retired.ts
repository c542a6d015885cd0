import { Fault } from '@mcp-hangar/kernel/errors';
import type { Child } from './child.ts';

/** Why a start is given up, and what waits for it. */
export function unwantedFault(
  id: string,
  { isRetired, isClosed }: { readonly isRetired: boolean; readonly isClosed: boolean },
): Fault {
  if (isRetired) {
    const detail = `MCP server "${id}" was changed in the configuration, and what it worked on took too long`;
    return new Fault('MCP_SERVER_STOPPED', detail);
  }
  if (isClosed) return new Fault('GATEWAY_STOPPING', 'the gateway is shutting down');
  return new Fault('MCP_SERVER_STOPPED', `MCP server "${id}" was stopped while it started`);
}

/** Nobody waits for anything of the child. */
export const isAtRest = ({ inFlight, asking, tasks }: Child): boolean =>
  inFlight === 0 && asking === 0 && tasks === 0;
