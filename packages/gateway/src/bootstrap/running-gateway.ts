/** Whether a gateway runs that has read the configuration before it was changed. */
import { callOwner } from '../infrastructure/state/owner-link.ts';
import { recordedSocket } from '../infrastructure/state/socket-path.ts';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { NO_ENV_FILE } from './config/env-file.ts';
import { chooseState } from './start.ts';

/** The process of the gateway that runs for a file; undefined where none does, or it cannot be told. Never rejects. */
export async function runningGateway(
  flags: PlaceFlags,
  path: string,
): Promise<{ readonly pid: number } | undefined> {
  try {
    const state = chooseState(flags, {
      path,
      text: '',
      chosenBy: undefined,
      envFile: NO_ENV_FILE,
    });
    const socketPath = state.kind === 'folder' ? recordedSocket(state.folder) : undefined;
    if (socketPath === undefined) return undefined;
    // A question is taken whatever the digest; none is asked.
    const found = await callOwner(socketPath, 'query', '');
    if (found.kind !== 'linked') return undefined;
    found.socket.on('error', () => undefined).destroy();
    return { pid: found.facts.pid };
  } catch {
    return undefined; // a folder that nobody may look into: it was never the question
  }
}
