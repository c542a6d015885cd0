import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import { GATEWAY } from './child.ts';
import type { ServerUser } from './mcp-server.ts';

/** A client that declares nothing: it uses the shared child. */
export const ANYBODY: ServerUser = {
  asker: {
    era: 'legacy',
    owner: '',
    capabilities: NO_CAPABILITIES,
    wantsLogs: false,
    isOneClient: false,
  },
  owner: GATEWAY,
  clientInfo: undefined,
};
