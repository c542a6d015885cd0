/** Groups of servers whose members fail, through the real command: what becomes of calls, and who comes back when. */
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { LegacyClient, pidOf, structuredOf, textOf } from '../support/clients.ts';
import { fileOf, startGateway, startGatewayIn, type GatewayProcess } from '../support/gateway.ts';
import { groupOf, pidsOf, startAll } from '../support/groups.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

describe('A group with priorities', () => {
  const reading = upstream(['--read-only=pid']);

  it('row 8: fails over when the first member is killed, and back when it is well again', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { main: { priority: 1, ...reading }, spare: { priority: 2, ...reading } },
          { strategy: 'priority' },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    await startAll(gateway);
    const main = await pidOf(client);
    expect(await pidsOf(client, 3)).toEqual([main, main, main]);
    process.kill(Number(main), 'SIGKILL');
    await until('the process is gone', () => !isAlive(Number(main)));
    const spare = await pidOf(client);
    expect(spare).not.toBe(main);
    const back = await until('the first member serves again', async () => {
      const pid = await pidOf(client);
      return pid !== spare && pid;
    });
    expect(back).not.toBe(main);
    expect(await pidsOf(client, 3)).toEqual([back, back, back]);
  });
});

describe('A call that a member fails', () => {
  it('goes on with another member where the tool only reads, and the client sees one answer', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf({
          one: upstream([journal.option, '--read-only=sleep']),
          two: upstream([journal.option, '--read-only=sleep']),
        }),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    await startAll(gateway);
    const exchange = client.call('sleep', { ms: 300 });
    const [entry] = await until('a member has the call', () => {
      const found = journal.entries().filter(({ line }) => line?.includes('"sleep"') === true);
      return found.length > 0 && found;
    });
    process.kill(entry?.pid ?? 0, 'SIGKILL');
    expect(textOf(await exchange.answer())).toBe('slept 300');
    expect(journal.lines('"sleep"')).toHaveLength(2);
  });

  it('fails where it may have changed something', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf({ one: upstream([journal.option]), two: upstream([journal.option]) }),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    await startAll(gateway);
    const exchange = client.call('sleep', { ms: 300 });
    const [entry] = await until('a member has the call', () => {
      const found = journal.entries().filter(({ line }) => line?.includes('"sleep"') === true);
      return found.length > 0 && found;
    });
    process.kill(entry?.pid ?? 0, 'SIGKILL');
    const { error } = await exchange.answer();
    expect(error?.data).toMatchObject({ code: 'UPSTREAM_ENDED' });
    expect(journal.lines('"sleep"')).toHaveLength(1);
  });
});

describe('A group whose members fail', () => {
  it('opens its circuit, tries once when the time is over, and closes it again', async () => {
    await using journal = await Journal.open();
    const flag = `${journal.folder}/flag`;
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { only: upstream([journal.option, '--boot=once', `--flag=${flag}`]) },
          {
            auto_start: false,
            predefined_tools: [{ name: 'pid' }],
            health: { unhealthy_threshold: 1 },
            circuit_breaker: { failure_threshold: 1, reset_timeout_s: 3 },
          },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    const first = await client.call('pid').answer();
    expect(first.error?.data).toMatchObject({ code: 'MCP_SERVER_START_FAILED' });
    // Out of rotation, and its server backs off: then the circuit keeps everybody away.
    const codes = new Set<unknown>();
    await until('the circuit refuses', async () => {
      const { error } = await client.call('pid').answer();
      const data = error?.data as { code?: string; retryAfterMs?: number } | undefined;
      codes.add(data?.code);
      return data?.code === 'GROUP_NOT_AVAILABLE' && (data.retryAfterMs ?? 0) > 0;
    });
    expect([...codes]).toEqual(['NO_HEALTHY_MEMBERS_IN_GROUP', 'GROUP_NOT_AVAILABLE']);
    const starts = journal.starts().length;
    await writeFile(flag, '');
    await until('a trial is admitted', async () => {
      return (await client.call('pid').answer()).error === undefined;
    });
    expect(journal.starts().length).toBe(starts + 1);
    const list = await (
      await LegacyClient.open(gateway.url())
    )
      .call('registry_group_list')
      .answer();
    expect(structuredOf(list)).toMatchObject({
      groups: [{ group_id: 'pool', state: 'healthy', circuit_open: false, healthy_count: 1 }],
    });
  });

  it('is as it was after a restart: who was out of rotation is out', async () => {
    const broken = upstream(['--boot=exit']);
    const { folder, file } = await fileOf({
      mcp_servers: {
        pool: groupOf(
          { well: upstream(), broken },
          { auto_start: false, predefined_tools: [{ name: 'pid' }] },
        ),
      },
    });
    const rotation = async (gateway: GatewayProcess): Promise<unknown> => {
      const client = await LegacyClient.open(gateway.url());
      const { groups } = structuredOf(await client.call('registry_group_list').answer()) as {
        groups: { members: { id: string; in_rotation: boolean }[] }[];
      };
      return groups[0]?.members.map((member) => [member.id, member.in_rotation]);
    };
    const left = [
      ['well', true],
      ['broken', false],
    ];
    {
      await using gateway = await startGatewayIn(folder, file, { staysBehind: true });
      const client = await LegacyClient.open(gateway.url('pool'));
      await until(
        'the broken one has left',
        async () => {
          expect(await pidOf(client)).toMatch(/^\d+$/); // nobody notices
          return JSON.stringify(await rotation(gateway)) === JSON.stringify(left);
        },
        20_000,
      );
    }
    await using again = await startGatewayIn(folder, file);
    expect(await rotation(again)).toEqual(left);
  });

  it('counts against nobody what a person stops, or what was idle', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { one: upstream([], { idle_ttl_s: 1 }), two: upstream([], { idle_ttl_s: 1 }) },
          { health: { unhealthy_threshold: 1 } },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url());
    const status = async (): Promise<unknown> =>
      structuredOf(await client.call('registry_details', { provider: 'pool' }).answer());
    await until('members are idle', async () => {
      const { members } = (await status()) as { members: { state: string }[] };
      return members.every(({ state }) => state === 'cold');
    });
    await client.call('registry_start', { provider: 'pool' }).answer();
    await client.call('registry_stop', { provider: 'one' }).answer();
    expect(await status()).toMatchObject({ state: 'healthy', healthy_count: 2 });
  });
});

describe('A call that takes long', () => {
  it('is given to a second member where the tool only reads, and the slower one is told to stop', async () => {
    await using journal = await Journal.open();
    const member = upstream([journal.option, '--read-only=pid']);
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { slow: { priority: 1, ...member }, other: { priority: 2, ...member } },
          { strategy: 'priority', hedge_after_ms: 100 },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    await startAll(gateway);
    const slow = Number(await pidOf(client));
    process.kill(slow, 'SIGSTOP');
    try {
      const pid = await pidOf(client);
      expect(Number(pid)).not.toBe(slow);
      const single = client.call('echo');
      expect(Number(await pidOf(client))).not.toBe(slow); // longer ago than a second member is waited for
      expect(journal.lines('"echo"')).toHaveLength(0);
      process.kill(slow, 'SIGCONT');
      expect((await single.answer()).error).toBeUndefined();
    } finally {
      process.kill(slow, 'SIGCONT');
    }
    await until(
      'the slower one was told',
      () => journal.lines('notifications/cancelled').length === 2,
    );
    expect(journal.lines('"echo"')).toHaveLength(1);
    expect(await pidsOf(client, 2)).toEqual([String(slow), String(slow)]);
  });
});
