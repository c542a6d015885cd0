/** The choices of `init`, asked for one by one. */
import { askBundle, askClients, askServers, askYes, Cancelled, showScene } from './ask.ts';
import { planImport } from './plan-import.ts';
import type { SetupChoices } from './plan-setup.ts';
import type { Scene } from './scene.ts';

/** Undefined where the user has cancelled. @param defaults what `-y` would do */
export async function askChoices(
  scene: Scene,
  defaults: SetupChoices,
): Promise<SetupChoices | undefined> {
  try {
    return await asked(scene, defaults);
  } catch (error) {
    if (error instanceof Cancelled) return undefined;
    throw error;
  }
}

async function asked(scene: Scene, defaults: SetupChoices): Promise<SetupChoices> {
  showScene(scene);
  const { config, places } = scene;
  const all = planImport(defaults.sources, config, places.home, { keepsSecrets: false });
  const chosen = await askServers(all);
  const isChosen = new Set(
    all.found.filter((_, at) => chosen.has(at) || all.servers[at]?.outcome === 'already_there'),
  );
  const names = new Set(
    [...isChosen].map(({ at }) => JSON.stringify([at.file.path, at.path, at.name])),
  );
  const wants: SetupChoices['wants'] = ({ at }) =>
    names.has(JSON.stringify([at.file.path, at.path, at.name]));
  const hasNone = chosen.size === 0 && Object.keys(config.entries).length === 0;
  const bundle = hasNone ? await askBundle() : 'none';
  const secrets = planImport(defaults.sources, config, places.home, {
    keepsSecrets: false,
    wants,
  }).secrets;
  const keepsSecrets =
    secrets.size > 0 &&
    !(await askYes(
      `Move ${secrets.size} secret(s) into ${config.secretsPath}, which only you can read?`,
    ));
  const connects = await askClients(scene);
  const replaces =
    connects.length > 0 &&
    isChosen.size > 0 &&
    (await askYes('Take these servers out of the clients, so that they do not have them twice?'));
  return { ...defaults, wants, bundle, keepsSecrets, connects, replaces };
}
