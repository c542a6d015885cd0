/** From a plan to files: shown, agreed to, written, told. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { SetupReport } from '../../application/setup/setup-report.ts';
import { applyChanges, type Change } from '../../infrastructure/setup/change-journal.ts';
import type { PlaceFlags } from '../../server/cli/commands/group.ts';
import { diffText, filesText, setupText } from '../../server/cli/setup-text.ts';
import { readerOf } from '../ask-gateway.ts';
import { INTERRUPTED } from '../exit-codes.ts';
import { print } from '../say.ts';
import { journalFolder } from './config-facts.ts';

interface Asked extends PlaceFlags {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** A longer diff is shown when it is asked for. */
const SHORT_LINES_MAX = 60;

/** A person can be asked. */
export const isInteractive = ({ json, yes, dryRun }: Asked): boolean =>
  json !== true && yes !== true && dryRun !== true && process.stdin.isTTY && process.stdout.isTTY;

export interface Deed {
  readonly command: string;
  readonly changes: readonly Change[];
  readonly report: SetupReport;
}

/** Writes what is planned, unless it is only to be shown. Answers the report of what was done. */
export async function carryOut(deed: Deed, flags: Asked): Promise<SetupReport> {
  const { command, changes, report } = deed;
  if (flags.dryRun === true || changes.length === 0) return report;
  await applyChanges(journalFolder(flags), changes, {
    command,
    madeAt: new Date().toISOString(),
  });
  const isConfigChanged = changes.some(({ path }) => path === report.config);
  const running = isConfigChanged ? await readerOf(flags, report.config) : undefined;
  if (running === undefined) return report;
  const note = `the gateway of process ${running.pid} takes this over by itself within seconds, or with "mcp-hangar reload"`;
  return { ...report, notes: [...report.notes, note] };
}

/** The report, as JSON or for people. */
export async function tell(report: SetupReport, flags: Asked): Promise<void> {
  if (flags.json === true) return print(JSON.stringify(report));
  if (flags.dryRun === true && report.files.length > 0) await print(diffText(report));
  await print(setupText(report, process.stdout.columns));
}

/** Shows what is about to be written, and asks. Answers the exit code where it may not be. */
export async function refusal(report: SetupReport, flags: Asked): Promise<number | undefined> {
  if (report.files.length === 0 || !isInteractive(flags)) return undefined;
  const diff = diffText(report);
  const isShort = diff.split('\n').length <= SHORT_LINES_MAX;
  await print(isShort ? diff : filesText(report));
  const { askToWrite, askYes, Cancelled } = await import('./ask.ts');
  const count = report.files.length;
  const question = `Write ${count === 1 ? 'this file' : `these ${count} files`}?`;
  try {
    if (isShort) return (await askYes(question)) ? undefined : 0;
    for (;;) {
      const answer = await askToWrite(question);
      if (answer !== 'diff') return answer === 'write' ? undefined : 0;
      await print(diff);
    }
  } catch (error) {
    if (error instanceof Cancelled) return INTERRUPTED;
    throw error;
  }
}

/** @throws Fault where secrets would move and nobody can say that they may */
export function checkAgreement(
  { secrets }: SetupReport,
  flags: Asked & { readonly keepSecrets?: boolean },
): void {
  if (secrets === null || flags.yes === true || flags.dryRun === true || isInteractive(flags))
    return;
  const count = secrets.variables.length;
  throw new Fault(
    'INPUT_INVALID',
    `${count} secret${count === 1 ? '' : 's'} would move to ${secrets.file}`,
    {
      data: { field: 'yes', fix: '-y agrees, --keep-secrets leaves them in the configuration' },
    },
  );
}
