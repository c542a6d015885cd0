/** Groups of servers through the real command: who gets a call, and what becomes of one that a member fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, structuredOf, textOf } from '../support/clients.ts';
import {
  fileOf,
  startGateway,
  startGatewayIn,
  type Config,
  type GatewayProcess,
} from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

/** A group whose members are defined in it, by their ids. */
const groupOf = (members: Readonly<Record<string, Config>>, keys: Config = {}): Config => ({
  mode: 'group',
  members: Object.entries(members).map(([id, member]) => ({ id, ...member })),
  ...keys,
});
const pidOf = async (client: LegacyClient, tool = 'pid'): Promise<string> =>
  textOf(await client.call(tool).answer());
const pidsOf = async (client: LegacyClient, times: number): Promise<readonly string[]> => {
  const pids: string[] = [];
  for (let call = 0; call < times; call += 1) pids.push(await pidOf(client));
  return pids;
};
const toolsIn = (message: Message): readonly string[] =>
  ((message.result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name);
/** How often each one occurs, the most frequent first. */
const countsOf = (values: readonly string[]): readonly number[] => {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].toSorted((a, b) => b - a);
};

describe('A group', () => {
  let gateway: GatewayProcess;

  beforeAll(async () => {
    gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { first: { weight: 3, ...upstream() }, alone: {} },
          { strategy: 'weighted_round_robin' },
        ),
        // Defined after the group that names it.
        alone: upstream(),
      },
    });
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  it('is listed once under its own id, and members that only it defines are not', async () => {
    const client = await LegacyClient.open(gateway.url());
    const listed = await until('the group is listed', async () => {
      const tools = toolsIn(await client.request('tools/list').answer());
      return tools.some((name) => name.startsWith('pool__')) && tools;
    });
    expect(listed.filter((name) => name.endsWith('__pid')).toSorted()).toEqual([
      'alone__pid',
      'pool__pid',
    ]);
  });

  it('gives calls to its members by their weights, exactly over a cycle (row 8)', async () => {
    const client = await LegacyClient.open(gateway.url('pool'));
    const pids = await pidsOf(client, 8);
    expect(countsOf(pids)).toEqual([6, 2]);
    expect(countsOf(pids.slice(0, 4))).toEqual([3, 1]);
    expect(countsOf(pids.slice(4))).toEqual([3, 1]);
  });

  it('has resources and an endpoint like a server', async () => {
    const client = await LegacyClient.open(gateway.url('pool'));
    const read = await client.request('resources/read', { uri: 'up://one' }).answer();
    expect(read.result?.['contents']).toEqual([{ uri: 'up://one', text: 'content' }]);
    const missing = await modern(gateway.url('first'), 'tools/list').ended;
    expect(missing).toBeUndefined();
    expect(textOf(await modernCall(gateway.url(), 'pool__pid').answer())).toMatch(/^\d+$/);
  });
});

describe('A group with priorities', () => {
  const reading = upstream(['--read-only=pid']);

  it('fails over when the first member is killed, and back when it is well again (row 8)', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { main: { priority: 1, ...reading }, spare: { priority: 2, ...reading } },
          { strategy: 'priority' },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
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
    await pidsOf(client, 2);
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
    await pidsOf(client, 2);
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

describe('A group that looks at connections', () => {
  it('gives calls to the member that works on the fewest (row 8)', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { one: upstream(), two: upstream(), three: upstream() },
          { strategy: 'least_connections' },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    const pids = new Set(await pidsOf(client, 3));
    expect(pids.size).toBe(3);
    // Two members are busy: whatever else is called goes to the third.
    const slow = [client.call('sleep', { ms: 2_000 }), client.call('sleep', { ms: 2_000 })];
    const free = await until('two members are busy', async () => {
      const [member, ...others] = await pidsOf(client, 3);
      return others.every((pid) => pid === member) && member;
    });
    expect(await pidsOf(client, 5)).toEqual(Array.from({ length: 5 }, () => free));
    for (const exchange of slow) expect(textOf(await exchange.answer())).toBe('slept 2000');
    expect(new Set(await pidsOf(client, 3))).toEqual(pids);
  });
});

describe('A group without auto_start', () => {
  it('starts nothing by itself, and a member with the first call that it gets', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { one: upstream([journal.option]), two: upstream([journal.option]) },
          { auto_start: false, predefined_tools: [{ name: 'pid' }] },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    expect(toolsIn(await client.request('tools/list').answer())).toEqual(['pid']);
    expect(journal.starts()).toEqual([]);
    const pids = await pidsOf(client, 4);
    expect(journal.starts().map(String)).toEqual(pids.slice(0, 2));
    expect(countsOf(pids)).toEqual([2, 2]);
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
    const { writeFile } = await import('node:fs/promises');
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

describe('Session affinity', () => {
  const pool = (affinity: Config): Config => ({
    mcp_servers: {
      pool: groupOf(
        { one: upstream(['--era=dual']), two: upstream(['--era=dual']) },
        { session_affinity: affinity },
      ),
    },
  });

  it('keeps each session on one member, and sessions apart', async () => {
    await using gateway = await startGateway(pool({ by: 'session' }));
    const clients = await Promise.all(
      Array.from({ length: 4 }, () => LegacyClient.open(gateway.url('pool'))),
    );
    const served: string[] = [];
    for (const client of clients) {
      const pids = new Set(await pidsOf(client, 4));
      expect(pids.size).toBe(1);
      served.push(...pids);
    }
    expect(countsOf(served)).toEqual([2, 2]);
  });

  it('goes by a header, in both eras', async () => {
    await using gateway = await startGateway(pool({ by: 'header', header: 'X-Tenant' }));
    const legacy = await LegacyClient.open(gateway.url('pool'));
    const params = { name: 'pid', arguments: {} };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const asLegacy = async (tenant: string): Promise<string> =>
      textOf(await legacy.post(body, { 'x-tenant': tenant }).answer());
    const asModern = async (tenant: string): Promise<string> =>
      textOf(
        await modernCall(
          gateway.url('pool'),
          'pid',
          {},
          { headers: { 'x-tenant': tenant } },
        ).answer(),
      );
    for (const call of [asLegacy, asModern]) {
      const seen: Record<string, Set<string>> = { a: new Set(), b: new Set() };
      for (let round = 0; round < 4; round += 1)
        for (const tenant of ['a', 'b']) seen[tenant]?.add(await call(tenant));
      expect([seen['a']?.size, seen['b']?.size]).toEqual([1, 1]);
    }
  });
});

describe('Replicas of a server', () => {
  it('share its calls, and one that is killed is replaced', async () => {
    await using gateway = await startGateway({
      mcp_servers: { pool: upstream([], { replicas: 3 }) },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    const pids = await until('all of them serve', async () => {
      const seen = new Set(await pidsOf(client, 6));
      return seen.size === 3 && seen;
    });
    const [first = ''] = pids;
    process.kill(Number(first), 'SIGKILL');
    await until('the process is gone', () => !isAlive(Number(first)));
    await until('another one has taken its place', async () => {
      const exchange = await client.call('pid').answer();
      if (exchange.error !== undefined) return false;
      const seen = new Set(await pidsOf(client, 6));
      return seen.size === 3 && !seen.has(first);
    });
    const slow = Array.from({ length: 6 }, () => client.call('sleep', { ms: 300 }));
    const beganMs = performance.now();
    for (const exchange of slow) expect(textOf(await exchange.answer())).toBe('slept 300');
    expect(performance.now() - beganMs).toBeLessThan(1_500);
  });
});

describe('What asks for a group by its name', () => {
  it('is served by the gateway tools of both families', async () => {
    await using gateway = await startGateway({
      tool_access: { gateway_tools: 'both' },
      mcp_servers: {
        pool: groupOf({ one: upstream(), known: {} }, { description: 'many' }),
        known: upstream(),
      },
    });
    const client = await LegacyClient.open(gateway.url());
    const ask = async (name: string, args: Config = {}): Promise<Record<string, unknown>> =>
      structuredOf(await client.call(name, args).answer());
    const list = await ask('registry_list');
    expect(list['providers']).toMatchObject([{ provider: 'known' }]);
    expect(list['groups']).toMatchObject([
      {
        group_id: 'pool',
        description: 'many',
        state: 'healthy',
        strategy: 'round_robin',
        total_members: 2,
        members: [{ id: 'one', in_rotation: true, weight: 1, priority: 1 }, { id: 'known' }],
      },
    ]);
    expect(await ask('registry_start', { provider: 'pool' })).toEqual({
      group: 'pool',
      state: 'healthy',
      members_started: 2,
      healthy_count: 2,
      total_members: 2,
    });
    const tools = await ask('hangar_tools', { mcp_server: 'pool' });
    expect(tools).toMatchObject({ mcp_server: 'pool', group: true });
    expect((tools['tools'] as { name: string }[]).map(({ name }) => name)).toContain('pid');
    const call = { provider: 'pool', tool: 'pid' };
    const pids = [
      textOf(await client.call('registry_invoke', call).answer()),
      textOf(await client.call('registry_invoke', call).answer()),
    ];
    expect(new Set(pids).size).toBe(2);
    expect(await ask('registry_health')).toMatchObject({
      groups: { total: 1, by_state: { healthy: 1 }, total_members: 2, healthy_members: 2 },
    });
    expect(await ask('hangar_group_rebalance', { group: 'pool' })).toEqual({
      group_id: 'pool',
      state: 'healthy',
      healthy_count: 2,
      total_members: 2,
      members_in_rotation: ['one', 'known'],
    });
    expect(await ask('registry_stop', { provider: 'pool' })).toEqual({
      group: 'pool',
      state: 'healthy',
      stopped: true,
    });
    await until('the processes are gone', () => pids.every((pid) => !isAlive(Number(pid))));
  });
});

describe('A subscription at a group', () => {
  it('is heard from one member, under the name that the client used', async () => {
    await using gateway = await startGateway({
      mcp_servers: { pool: groupOf({ one: upstream(), two: upstream() }) },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    const stream = await client.listen();
    const done = await client.request('resources/subscribe', { uri: 'up://one' }).answer();
    expect(done.result).toEqual({});
    await client.call('update', { uri: 'up://one' }).answer();
    await client.call('update', { uri: 'up://one' }).answer();
    await until('the client hears of it', () =>
      stream.messages().some(({ method }) => method === 'notifications/resources/updated'),
    );
  });
});
