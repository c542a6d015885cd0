import { Fault } from '@mcp-hangar/kernel/errors';
import type { Child } from './child.ts';

/** Why something of a server ends that was replaced or taken out. */
export const retiredFault = (id: string): Fault =>
  new Fault(
    'MCP_SERVER_STOPPED',
    `MCP server "${id}" was changed in the configuration, and what it worked on took too long`,
  );

/** Nobody waits for anything of the child. */
export const isAtRest = ({ inFlight, asking, tasks }: Child): boolean =>
  inFlight === 0 && asking === 0 && tasks === 0;
