/** Starts servers once, in this process, and says of each whether a client would reach it. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { SetupReport } from '../../application/setup/setup-report.ts';
import type { Logger } from '../../application/ports.ts';
import { NOBODY } from '../../application/servers/child.ts';
import type { McpServer } from '../../application/servers/mcp-server.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import { compose, type Gateway } from '../compose.ts';
import { readGatewayConfig } from '../config/load-config.ts';
import { configFault } from '../outcome.ts';

/** The first start of a server may have to install it. */
const READY_MS_MAX = 60_000;

type Outcome = SetupReport['smoke_test'][number];

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const ASKER = {
  era: 'legacy',
  owner: 'smoke-test',
  capabilities: NO_CAPABILITIES,
  wantsLogs: false,
  isOneClient: false,
} as const;

/** Waits for none longer than a minute. @throws Fault CONFIG_INVALID */
export async function smokeTest(
  path: string,
  ids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const loaded = await readGatewayConfig(path, { env: process.env });
  if (!loaded.ok) throw configFault(loaded.error);
  const eventLog = { ...loaded.value.eventLog, isEnabled: false };
  await using gateway = await compose({ ...loaded.value, eventLog }, { logger: SILENT });
  const wanted = gateway.hub.fleet.servers.filter(({ spec }) => ids.has(spec.id));
  return await Promise.all(wanted.map((server) => outcomeOf(gateway, server, signal)));
}

async function outcomeOf(
  { hub }: Gateway,
  server: McpServer,
  signal: AbortSignal,
): Promise<Outcome> {
  const user = { asker: ASKER, owner: NOBODY, clientInfo: undefined };
  const startedMs = performance.now();
  const outcome = (rest: Pick<Outcome, 'is_ready' | 'tools' | 'error'>): Outcome => ({
    id: server.spec.id,
    ms: Math.round(performance.now() - startedMs),
    ...rest,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), READY_MS_MAX);
    signal.addEventListener('abort', () => resolve('late'), { once: true });
  });
  const ready = (async () => {
    await server.start(user);
    if (hub.catalogs.find(server, user.asker, user.owner) === undefined)
      await hub.catalogs.demand(server, user);
    return hub.catalogs.offer(server, user.asker, user.owner).tools.length;
  })();
  ready.catch(() => undefined); // it may fail after we have stopped waiting
  try {
    const tools = await Promise.race([ready, late]);
    if (tools !== 'late') return outcome({ is_ready: true, tools, error: null });
    if (signal.aborted) return outcome({ is_ready: false, tools: null, error: 'interrupted' });
    const error = `not ready after ${READY_MS_MAX / 1000} s; a first start may still be downloading`;
    return outcome({ is_ready: false, tools: null, error });
  } catch (error) {
    return outcome({ is_ready: false, tools: null, error: messageOf(error) });
  } finally {
    clearTimeout(timer);
  }
}
