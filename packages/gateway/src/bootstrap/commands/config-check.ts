/** `config check`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { JsonFlag, PlaceFlags } from '../../server/cli/commands/group.ts';
import { CheckReport } from '../../server/cli/config-report.ts';
import { deadServers } from '../dead-servers.ts';
import { readGatewayConfig } from '../config/load-config.ts';
import { findConfig } from '../find-config.ts';
import { configFault } from '../outcome.ts';
import { print } from '../say.ts';

/** Says what is wrong with a configuration. Answers the exit code. */
export async function configCheck(
  file: string | undefined,
  flags: PlaceFlags & JsonFlag,
): Promise<number> {
  const { path } = findConfig(file ?? flags.config, 'CONFIG_MISSING');
  if (path === undefined)
    throw new Fault('CONFIG_MISSING', 'there is no configuration to check; name a file');
  const loaded = await readGatewayConfig(path, { env: process.env });
  if (!loaded.ok) {
    const isUnreadable = loaded.error.every((problem) => problem.line === undefined);
    throw configFault(loaded.error, isUnreadable ? 'CONFIG_MISSING' : 'CONFIG_INVALID');
  }
  const { servers, notices } = loaded.value;
  const notes = [...deadServers(loaded.value), ...notices];
  if (flags.json === true) {
    const ids = servers.map(({ id }) => id);
    await print(
      JSON.stringify(CheckReport.parse({ file: path, valid: true, servers: ids, notes })),
    );
    return 0;
  }
  const count = `${servers.length} MCP server${servers.length === 1 ? '' : 's'}`;
  await print([`${path}: valid, ${count}`, ...notes.map((line) => `note: ${line}`)].join('\n'));
  return 0;
}
