/** What a pair of servers is told when another configuration holds. */
import { describe, expect, it } from 'vitest';
import { userOf, worldOf } from '../../../test-kit/server-world.ts';
import { failoverOf } from '../../domain/processes/failover.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { failoverProcess } from './failover-process.ts';

const NOW = 1_000_000;
const pair = { backup: 'spare', autoFailback: true, failbackDelayMs: 30_000 };
const main = (): McpServer => worldOf({ id: 'main', failuresMax: 1, failover: pair }).server;
const spare = (): McpServer => worldOf({ id: 'spare' }).server;

async function degraded(): Promise<McpServer> {
  const { server, launcher } = worldOf({ id: 'main', failuresMax: 1, failover: pair });
  launcher.failure = 'it does not run';
  await Promise.resolve(server.take(userOf())).catch(() => undefined);
  expect(server.phase).toBe('degraded');
  return server;
}

const none = { isGone: () => false };

describe('A pair under another configuration', () => {
  it('goes on where its server does, whatever that is doing', async () => {
    for (const server of [await degraded(), main()]) {
      const { followed } = failoverProcess(() => [server, spare()]);
      expect(followed('main', NOW, none)).toMatchObject({ isDegraded: true });
    }
  });

  it('has its calls back, after a while, where another server has the place of its own', () => {
    const { followed } = failoverProcess(() => [main(), spare()]);
    const change = { isGone: (id: string) => id === 'main' };
    expect(followed('main', NOW, change)).toMatchObject({ isDegraded: false });
  });

  it('is over where one of the two is not there any more', async () => {
    const server = await degraded();
    for (const servers of [[server], [spare()]]) {
      const { followed } = failoverProcess(() => servers);
      expect(followed('main', NOW, none)).toMatchObject({ isDegraded: undefined });
    }
  });

  it('uses the backup of now', async () => {
    const [server, fresh] = [await degraded(), spare()];
    let backup = spare();
    const { reflect } = failoverProcess(() => [server, backup]);
    const { initial } = failoverOf('main', pair);
    const state = { ...initial, phase: 'active', backup: 'spare' } as const;
    reflect?.('main', state);
    expect(server.standIn).toBe(backup);
    backup = fresh;
    reflect?.('main', state);
    expect(server.standIn).toBe(fresh);
  });
});
