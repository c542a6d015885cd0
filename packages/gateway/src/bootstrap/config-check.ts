/** `config check`. */
import { deadServers } from './dead-servers.ts';
import { readGatewayConfig } from './config/load-config.ts';
import { findConfig } from './find-config.ts';
import { reportProblems, say, SYSTEM_ERROR, USER_ERROR } from './say.ts';

/** Says what is wrong with a configuration. Answers the exit code. */
export async function configCheck(
  file: string | undefined,
  flags: { readonly config?: string },
): Promise<number> {
  const located = findConfig(file ?? flags.config);
  if ('code' in located) return SYSTEM_ERROR;
  if (located.path === undefined) {
    say('mcp-hangar: there is no configuration to check; name a file');
    return SYSTEM_ERROR;
  }
  const loaded = await readGatewayConfig(located.path, { env: process.env });
  if (!loaded.ok) {
    reportProblems(loaded.error);
    return loaded.error.every((problem) => problem.line === undefined) ? SYSTEM_ERROR : USER_ERROR;
  }
  const { servers, notices } = loaded.value;
  const dead = deadServers(loaded.value);
  process.stdout.write(
    `${located.path}: valid, ${servers.length} MCP server${servers.length === 1 ? '' : 's'}\n`,
  );
  for (const line of [...dead, ...notices]) process.stdout.write(`note: ${line}\n`);
  return 0;
}
