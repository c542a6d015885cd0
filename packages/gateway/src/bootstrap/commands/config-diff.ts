/** `config diff`. */
import { randomUUID } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import { ConfigurationReport } from '../../application/operator/configuration-report.ts';
import { compareConfigs, type EffectiveValue } from '../../domain/effective-config.ts';
import type { ConfigDiffFlags } from '../../server/cli/commands/config.ts';
import { diffReport, DiffReport, diffText } from '../../server/cli/config-report.ts';
import { askGateway, readAnswer } from '../ask-gateway.ts';
import { effectiveConfig } from '../config/effective.ts';
import { findConfigText } from '../find-config.ts';
import { progressOn } from '../progress.ts';
import { configFault } from '../outcome.ts';
import { needsRestart } from '../reload/restart-keys.ts';
import { print, say } from '../say.ts';

const DIFFERENT = 1;

interface Side {
  readonly name: string;
  readonly values: readonly EffectiveValue[];
}

/** Prints what differs. Answers the exit code. @throws Fault */
export async function configDiff(
  files: readonly string[],
  flags: ConfigDiffFlags,
): Promise<number> {
  if (files.length > 2)
    throw new Fault('INPUT_INVALID', `${files.length} files are named; two can be compared`, {
      data: { field: 'files' },
    });
  const salt = randomUUID();
  const [first, second] = files;
  const now = await ofFile(second ?? first ?? flags.config, salt);
  const old =
    first === undefined
      ? await ofGateway(flags, salt)
      : await ofFile(second === undefined ? flags.config : first, salt);
  const report = DiffReport.parse(
    diffReport(old.name, now.name, compareConfigs(old.values, now.values)),
  );
  await print(flags.json === true ? JSON.stringify(report) : diffText(report));
  if (first === undefined && report.differs && flags.quiet !== true)
    say(`note: ${howToApply(report)}`);
  return flags.exitCode === true && report.differs ? DIFFERENT : 0;
}

function howToApply({ values }: DiffReport): string {
  const keys = values.map(({ key }) => key).filter(needsRestart);
  return keys.length === 0
    ? 'mcp-hangar reload applies it'
    : `only a restart of the gateway applies ${keys.join(', ')}; until then mcp-hangar reload refuses the file`;
}

async function ofFile(file: string | undefined, salt: string): Promise<Side> {
  const { path, text, envFile } = await findConfigText(file);
  if (path === undefined)
    throw new Fault('CONFIG_MISSING', 'there is no configuration file to compare', {
      data: { fix: 'name one with --config FILE' },
    });
  const values = effectiveConfig({ path, text, envFile, env: process.env }, salt);
  if (!values.ok) throw configFault(values.error, 'CONFIG_INVALID', 'nothing was compared');
  return { name: path, values: values.value };
}

async function ofGateway(flags: ConfigDiffFlags, salt: string): Promise<Side> {
  using _progress = progressOn('asking the gateway', flags);
  const answer = await askGateway(flags, { query: 'get_configuration', input: { salt } });
  return { name: 'the gateway that runs', values: readAnswer(ConfigurationReport, answer).values };
}
