/** `mcp-hangar import`. */
import { resolve } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ClientFile } from '../../application/setup/read-clients.ts';
import type { ImportFlags } from '../../server/cli/commands/setup.ts';
import { carryOut, checkAgreement, refusal, tell } from '../setup/carry-out.ts';
import { clientNamed, namedFile } from '../setup/client-files.ts';
import { planSetup } from '../setup/plan-setup.ts';
import { lookAround, type Scene } from '../setup/scene.ts';

/** Takes servers of clients into the configuration. Answers the exit code. */
export async function importServers(
  clients: readonly string[],
  flags: ImportFlags,
): Promise<number> {
  if (flags.from !== undefined && clients.length > 0)
    throw new Fault('INPUT_INVALID', 'both a client and a file are named', {
      data: { field: 'from', fix: 'name one of them' },
    });
  const wanted = new Set(clients.map((id) => clientNamed(id).id));
  const scene = await lookAround(flags);
  const { changes, report } = await planSetup(scene, {
    sources: await sourcesOf(scene, wanted, flags.from),
    keepsSecrets: flags.keepSecrets === true,
    bundle: 'none',
    connects: [],
    transport: 'stdio',
    takesOver: false,
    replaces: false,
    needsConfig: false,
    stateDir: flags.stateDir,
    isDryRun: flags.dryRun === true,
  });
  checkAgreement(report, flags);
  const refused = await refusal(report, flags);
  if (refused !== undefined) return refused;
  await tell(await carryOut({ command: 'import', changes, report }, flags), flags);
  return 0;
}

async function sourcesOf(
  { files }: Scene,
  wanted: ReadonlySet<string>,
  from: string | undefined,
): Promise<readonly ClientFile[]> {
  if (from !== undefined) return [await namedFile(resolve(from))];
  return wanted.size === 0 ? files : files.filter(({ client }) => wanted.has(client.id));
}
