/** `mcp-hangar init`: from what a user has to a gateway that their clients use. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { SetupReport, UndoReport } from '../../application/setup/setup-report.ts';
import { entriesOf } from '../../application/setup/read-clients.ts';
import { undoNewest } from '../../infrastructure/setup/change-journal.ts';
import type { InitFlags } from '../../server/cli/commands/setup.ts';
import { undoText } from '../../server/cli/setup-text.ts';
import { interruptible } from '../interrupt.ts';
import { progressOn } from '../progress.ts';
import { print } from '../say.ts';
import { INTERRUPTED } from '../exit-codes.ts';
import { carryOut, isInteractive, refusal, tell } from '../setup/carry-out.ts';
import { journalFolder } from '../setup/config-facts.ts';
import { planSetup, type SetupChoices } from '../setup/plan-setup.ts';
import { lookAround, type Scene } from '../setup/scene.ts';

/** Finds, asks, writes, tries. Answers the exit code. */
export async function init(flags: InitFlags): Promise<number> {
  if (flags.undo === true) return undo(flags);
  const asks = isInteractive(flags);
  if (!asks && flags.yes !== true && flags.dryRun !== true)
    throw new Fault('INPUT_INVALID', 'init asks questions, and there is no terminal to ask on', {
      data: { field: 'yes', fix: '-y takes the defaults; --dry-run shows what they are' },
    });
  const scene = await lookAround(flags);
  const choices = asks
    ? await (await import('../setup/ask-choices.ts')).askChoices(scene, defaults(scene, flags))
    : defaults(scene, flags);
  if (choices === undefined) return INTERRUPTED;
  const plan = await planSetup(scene, choices);
  const notes = [...plan.report.notes, ...folderNotes(scene, flags)];
  const refused = await refusal(plan.report, flags);
  if (refused !== undefined) return refused;
  const told = { ...plan, report: { ...plan.report, notes } };
  const report = await carryOut({ command: 'init', ...told }, flags);
  const isTried = report.undo !== null && flags.test;
  let smoke: SetupReport['smoke_test'] = [];
  // Files are written by now: who does not want to wait is told of them all the same.
  const code = await interruptible(async (signal) => {
    if (isTried) smoke = await tried(report, plan.newIds, signal);
    return 0;
  });
  await tell({ ...report, smoke_test: smoke }, flags);
  return code;
}

const ofUser = ({ files }: Scene): Scene['files'] => files.filter(({ scope }) => scope === 'user');

/** What -y leaves, and how it is taken all the same. */
function folderNotes({ files }: Scene, flags: InitFlags): readonly string[] {
  if (isInteractive(flags)) return [];
  return files
    .filter((file) => file.scope === 'project' && entriesOf(file).length > 0)
    .map(({ path }) => `${path} is not taken over unasked; look at it, then: mcp-hangar import`);
}

/** What -y does. */
function defaults(scene: Scene, flags: InitFlags): SetupChoices {
  return {
    // Who wrote the files of this folder nobody knows: what they start is looked at first.
    sources: isInteractive(flags) ? scene.files : ofUser(scene),
    keepsSecrets: flags.keepSecrets === true,
    bundle: flags.bundle ?? 'starter',
    connects: scene.files.filter(
      ({ scope, client, content }) =>
        scope === 'user' && content.kind !== 'broken' && scene.installed.has(client.id),
    ),
    transport: 'stdio',
    takesOver: false,
    replaces: flags.replace,
    needsConfig: true,
    stateDir: flags.stateDir,
    isDryRun: flags.dryRun === true,
  };
}

/** The new servers, each started once. */
async function tried(
  { config }: SetupReport,
  ids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<SetupReport['smoke_test']> {
  if (ids.size === 0) return [];
  const count = `${ids.size} MCP server${ids.size === 1 ? '' : 's'}`;
  using _progress = progressOn(`starting ${count} once; what is not installed yet is downloaded`);
  const { smokeTest } = await import('../setup/smoke-test.ts');
  return [...(await smokeTest(config, ids, signal))];
}

async function undo(flags: InitFlags): Promise<number> {
  const undone = await undoNewest(journalFolder(flags), { isForced: flags.force === true });
  const report: UndoReport = {
    undone: undone?.command ?? null,
    made_at: undone?.madeAt ?? null,
    files: [...(undone?.files ?? [])],
  };
  await print(flags.json === true ? JSON.stringify(report) : undoText(report));
  return 0;
}
