/** Starting a server for nobody in particular. */
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import { GATEWAY } from './child.ts';

/** A client that declares nothing: it uses the shared child. */
export const ANYBODY = {
  asker: {
    era: 'legacy',
    owner: '',
    capabilities: NO_CAPABILITIES,
    wantsLogs: false,
    isOneClient: false,
  },
  owner: GATEWAY,
  clientInfo: undefined,
} as const;
