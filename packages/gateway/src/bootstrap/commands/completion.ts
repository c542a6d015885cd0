/** `completion`, and what its scripts ask for while somebody types. */
import { homedir } from 'node:os';
import type { CompletedServer } from '../../server/cli/complete.ts';
import type { Shell } from '../../server/cli/commands/completion.ts';
import { COMPLETION_SCRIPTS } from '../../server/cli/completion-scripts.ts';
import { writtenServers } from '../config/edit/edit-config.ts';
import { findConfigText } from '../find-config.ts';
import { print } from '../say.ts';

/** Prints the script of a shell. Answers the exit code. */
export async function completion(shell: Shell): Promise<number> {
  await print(COMPLETION_SCRIPTS[shell].trimEnd());
  return 0;
}

/** None where there is no configuration that can be read: whoever types is not to be told of it now. Never rejects. */
export async function configuredServers(
  config: string | undefined,
): Promise<readonly CompletedServer[]> {
  try {
    // The shell has not looked at the word yet.
    const { path, text } = await findConfigText(config?.replace(/^~(?=\/)/, homedir()));
    const servers = writtenServers({ file: path ?? '', text });
    // A shell puts the words into its line as they are.
    return servers.ok ? servers.value.filter(({ id }) => /^[\w-]+$/.test(id)) : [];
  } catch {
    return [];
  }
}
