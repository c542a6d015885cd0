/** `mcp-hangar connect`. */
import { join } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { ClientSpec } from '../../domain/setup/client-table.ts';
import type { ConnectFlags } from '../../server/cli/commands/setup.ts';
import { clientsText } from '../../server/cli/setup-text.ts';
import { print } from '../say.ts';
import { assembleReport } from '../setup/assemble-report.ts';
import { carryOut, refusal, tell } from '../setup/carry-out.ts';
import { clientNamed, projectFile } from '../setup/client-files.ts';
import { gatewayCommand } from '../setup/gateway-command.ts';
import { planConnection } from '../setup/plan-connection.ts';
import { planImport } from '../setup/plan-import.ts';
import { lookAround, type Scene } from '../setup/scene.ts';

/** Writes this gateway into a client's file, or lists the clients. Answers the exit code. */
export async function connect(id: string | undefined, flags: ConnectFlags): Promise<number> {
  const client = id === undefined ? undefined : clientNamed(id);
  const scene = await lookAround(flags);
  if (client === undefined) return listClients(scene, flags);
  const isConnected = flags.remove !== true;
  if (isConnected && scene.config.text === undefined)
    throw new Fault('CONFIG_MISSING', `there is no configuration ${scene.config.path}`, {
      data: { fix: 'make one: mcp-hangar init' },
    });
  const file = await fileOf(client, scene, flags.scope);
  const imported = planImport([file], scene.config, scene.places.home, { keepsSecrets: true });
  const { config, runtimes } = scene;
  const plan = planConnection(file, {
    isConnected,
    transport: flags.transport,
    url: config.url,
    configPath: config.path,
    standardPath: config.standardPath,
    takesOver: true,
    replaced:
      flags.replace === true
        ? imported.found.filter((_, at) => imported.servers[at]?.outcome === 'already_there')
        : [],
    command: (spec) =>
      gatewayCommand(spec, { configPath: config.path, stateDir: flags.stateDir, runtimes }),
  });
  const changes = plan.file === undefined ? [] : [plan.file];
  const report = {
    ...assembleReport({
      scene,
      isDryRun: flags.dryRun === true,
      imported: { ...imported, secrets: new Map() },
      connections: new Map([[file, plan]]),
      changes,
      notes: notesOn(file, scene, isConnected && plan.file !== undefined),
    }),
    servers: [],
  };
  const refused = await refusal(report, flags);
  if (refused !== undefined) return refused;
  await tell(await carryOut({ command: `connect ${client.id}`, changes, report }, flags), flags);
  return 0;
}

function notesOn(
  { client, scope }: ClientFile,
  { installed }: Scene,
  isWritten: boolean,
): readonly string[] {
  if (!isWritten) return [];
  if (scope === 'project')
    return ['the file names paths of this machine; others who use it have other ones'];
  return installed.has(client.id) ? [] : [`${client.title} was not found on this machine`];
}

async function listClients(scene: Scene, flags: ConnectFlags): Promise<number> {
  const report = assembleReport({
    scene,
    isDryRun: false,
    imported: undefined,
    connections: new Map(),
    changes: [],
    notes: [],
  });
  await print(
    flags.json === true ? JSON.stringify(report) : clientsText(report, process.stdout.columns),
  );
  return 0;
}

/** @throws Fault INPUT_INVALID where the client has no file for a folder */
async function fileOf(
  client: ClientSpec,
  scene: Scene,
  scope: ConnectFlags['scope'],
): Promise<ClientFile> {
  const known = scene.files.find((file) => file.client === client && file.scope === scope);
  if (known !== undefined) return known;
  if (client.projectFile === undefined)
    throw new Fault('INPUT_INVALID', `${client.title} has no file for a single folder`, {
      data: { field: 'scope', fix: 'leave --scope project out' },
    });
  const folder = process.cwd();
  return projectFile(client, join(folder, client.projectFile), folder);
}
