/** All that one command would write, and what it says of it. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { FoundEntry } from '../../application/setup/find-servers.ts';
import type { SetupReport } from '../../application/setup/setup-report.ts';
import { type BundleName, bundleOf } from '../../domain/setup/bundles.ts';
import type { Change } from '../../infrastructure/setup/change-journal.ts';
import { assembleReport } from './assemble-report.ts';
import { bundleFolder } from './bundle-folder.ts';
import { gatewayCommand } from './gateway-command.ts';
import { planConfig } from './plan-config.ts';
import { type ConnectionPlan, planConnection, type Wish } from './plan-connection.ts';
import { type ImportPlan, planImport } from './plan-import.ts';
import type { Scene } from './scene.ts';

export interface SetupChoices {
  /** Where servers are taken from. */
  readonly sources: readonly ClientFile[];
  readonly wants?: (entry: FoundEntry) => boolean;
  readonly keepsSecrets: boolean;
  /** Only where there is no server else. */
  readonly bundle: BundleName;
  readonly connects: readonly ClientFile[];
  readonly transport: Wish['transport'];
  /** Whether an entry of a client that leads to another configuration is changed. */
  readonly takesOver: boolean;
  /** Take out of connected clients what the gateway has now. */
  readonly replaces: boolean;
  /** Write a configuration also where it would have no server. */
  readonly needsConfig: boolean;
  readonly stateDir: string | undefined;
  readonly isDryRun: boolean;
}

export interface SetupPlan {
  readonly changes: readonly Change[];
  readonly report: SetupReport;
  readonly imported: ImportPlan;
  /** New in the configuration. */
  readonly newIds: ReadonlySet<string>;
}

/** @throws Fault CONFIG_INVALID, FILE_NOT_WRITTEN, INPUT_INVALID */
export async function planSetup(scene: Scene, choices: SetupChoices): Promise<SetupPlan> {
  const { config, places } = scene;
  const imported = planImport(choices.sources, config, places.home, choices);
  const isEmpty =
    Object.keys(config.entries).length === 0 && Object.keys(imported.entries).length === 0;
  const bundle = bundleOf(isEmpty ? choices.bundle : 'none', {
    has: (name) => scene.runtimes.some((it) => it.name === name && it.path !== undefined),
    folder: bundleFolder(places.home, process.cwd()),
  });
  const entries = { ...imported.entries, ...bundle.servers };
  const ours = await planConfig(config, {
    entries,
    secrets: imported.secrets,
    missing: imported.missing,
    mustExist: choices.needsConfig,
  });
  const { connections, notes: unusable } = planConnections(scene, choices, imported);
  const theirs = [...connections.values()].flatMap(({ file }) =>
    file === undefined ? [] : [file],
  );
  const changes = [...ours, ...theirs];
  const notes = [...bundle.notes, ...unusable, ...notesOf(connections)];
  const added = Object.keys(bundle.servers);
  const { isDryRun } = choices;
  const parts = { scene, isDryRun, imported, added, connections, changes, notes };
  const newIds = new Set(Object.keys(entries));
  return { changes, report: assembleReport(parts), imported, newIds };
}

interface Connections {
  readonly connections: ReadonlyMap<ClientFile, ConnectionPlan>;
  readonly notes: readonly string[];
}

function planConnections(
  { config, runtimes }: Scene,
  choices: SetupChoices,
  { found, servers }: ImportPlan,
): Connections {
  const { stateDir, transport, takesOver } = choices;
  const replaced = found.filter((_, index) => {
    const outcome = servers[index]?.outcome;
    return choices.replaces && (outcome === 'imported' || outcome === 'already_there');
  });
  const wish: Wish = {
    isConnected: true,
    transport,
    takesOver,
    replaced,
    url: config.url,
    configPath: config.path,
    standardPath: config.standardPath,
    command: (client) => gatewayCommand(client, { configPath: config.path, stateDir, runtimes }),
  };
  const connections = new Map<ClientFile, ConnectionPlan>();
  const notes: string[] = [];
  for (const file of choices.connects) {
    try {
      connections.set(file, planConnection(file, wish));
    } catch (error) {
      // One file that cannot be edited is no reason to leave the others.
      if (!(error instanceof Fault) || error.code !== 'FILE_NOT_WRITTEN') throw error;
      notes.push(error.message);
    }
  }
  return { connections, notes };
}

function notesOf(connections: ReadonlyMap<ClientFile, ConnectionPlan>): readonly string[] {
  return [...connections].flatMap(([{ client }, { otherConfig, removed }]) => [
    ...(otherConfig === undefined
      ? []
      : [`${client.title} uses ${otherConfig}; mcp-hangar connect ${client.id} changes that`]),
    ...(removed.length === 0
      ? []
      : [`${client.title} has these through the gateway now: ${removed.join(', ')}`]),
  ]);
}
