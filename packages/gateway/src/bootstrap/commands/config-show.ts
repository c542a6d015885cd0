/** `config show` and `config schema`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { EffectiveValue } from '../../domain/effective-config.ts';
import { nearest } from '../../domain/near-names.ts';
import type { ConfigShowFlags } from '../../server/cli/commands/config.ts';
import { showReport, ShowReport, showText } from '../../server/cli/config-report.ts';
import { effectiveConfig } from '../config/effective.ts';
import { formatPath } from '../config/problem.ts';
import { schemaText } from '../config/schema-text.ts';
import { findConfigText } from '../find-config.ts';
import { configFault } from '../outcome.ts';
import { print, say } from '../say.ts';
import { overridesOf } from '../start.ts';

/** Prints what a configuration comes to. Answers the exit code. @throws Fault */
export async function configShow(key: string | undefined, flags: ConfigShowFlags): Promise<number> {
  const found = await findConfigText(flags.config);
  const { path } = found;
  const all = effectiveConfig({ ...found, env: process.env, overrides: overridesOf(flags) }, '');
  if (!all.ok) throw configFault(all.error, 'CONFIG_INVALID', 'nothing is shown');
  const values = (key === undefined ? all.value : below(key, all.value)).filter(
    ({ origin }) => flags.defaults !== false || origin.kind !== 'default',
  );
  if (flags.json === true) {
    await print(JSON.stringify(ShowReport.parse(showReport(found, values))));
    return 0;
  }
  if (path === undefined) say('note: there is no configuration file');
  else say(`# ${path}`);
  await print(showText(values, process.stdout.columns));
  return 0;
}

/** What is at a key or below it; a word that is no key may be the id of a server. @throws Fault INPUT_INVALID */
function below(key: string, values: readonly EffectiveValue[]): readonly EffectiveValue[] {
  for (const prefix of [key, `mcp_servers.${key}`, `providers.${key}`]) {
    const matching = values.filter(
      (value) =>
        value.key === prefix ||
        value.key.startsWith(`${prefix}.`) ||
        value.key.startsWith(`${prefix}[`),
    );
    if (matching.length > 0) return matching;
  }
  const keys = new Set(
    values.flatMap(({ path }) => path.map((_, index) => formatPath(path.slice(0, index + 1)))),
  );
  const ids = values.flatMap(({ path }) => (path.length > 2 ? [String(path[1])] : []));
  const meant = nearest(key, [...keys, ...ids]);
  const fix = meant === undefined ? 'see: mcp-hangar config show' : `did you mean "${meant}"?`;
  throw new Fault('INPUT_INVALID', `nothing is configured at "${key}"`, {
    data: { field: 'key', fix },
  });
}

/** Prints the schema of the file. Answers the exit code. */
export async function configSchema(): Promise<number> {
  await print(schemaText().trimEnd());
  return 0;
}
