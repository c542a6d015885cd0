/** `config check`. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { deadServers } from '../dead-servers.ts';
import { readGatewayConfig } from '../config/load-config.ts';
import { findConfig } from '../find-config.ts';
import { configFault } from '../outcome.ts';

/** Says what is wrong with a configuration. Answers the exit code. */
export async function configCheck(
  file: string | undefined,
  flags: { readonly config?: string },
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
  const dead = deadServers(loaded.value);
  process.stdout.write(
    `${path}: valid, ${servers.length} MCP server${servers.length === 1 ? '' : 's'}\n`,
  );
  for (const line of [...dead, ...notices]) process.stdout.write(`note: ${line}\n`);
  return 0;
}
