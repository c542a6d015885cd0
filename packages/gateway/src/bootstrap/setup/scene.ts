/** What `init`, `import` and `connect` see before they decide anything. */
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { Places } from '../../domain/setup/client-table.ts';
import { placesOf } from '../../infrastructure/setup/places.ts';
import { findRuntimes, type Runtime } from '../../infrastructure/setup/runtimes.ts';
import type { PlaceFlags } from '../../server/cli/commands/group.ts';
import { clientFiles, isInstalled } from './client-files.ts';
import { type ConfigFacts, configFacts } from './config-facts.ts';

export interface Scene {
  readonly config: ConfigFacts;
  readonly places: Places;
  readonly files: readonly ClientFile[];
  /** Ids of clients. */
  readonly installed: ReadonlySet<string>;
  readonly runtimes: readonly Runtime[];
}

/** @throws Fault CONFIG_INVALID */
export async function lookAround(flags: PlaceFlags): Promise<Scene> {
  const config = await configFacts(flags);
  const places = placesOf(process.env, process.platform);
  const [files, runtimes] = await Promise.all([
    clientFiles(places, process.cwd()),
    findRuntimes(process.env),
  ]);
  const installed = new Set<string>();
  for (const file of files) {
    if (file.scope === 'user' && (await isInstalled(file, places, process.env)))
      installed.add(file.client.id);
  }
  return { config, places, files, installed, runtimes };
}
