/** Groups of servers through the real command: who gets a call, and what asks for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, structuredOf, textOf } from '../support/clients.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import { countsOf, groupOf, pidsOf, startAll, toolsIn } from '../support/groups.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

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

  it('row 8: gives calls to its members by their weights, exactly over a cycle', async () => {
    const client = await LegacyClient.open(gateway.url('pool'));
    await startAll(gateway);
    const pids = await pidsOf(client, 8);
    expect(countsOf(pids)).toEqual([6, 2]);
    expect(countsOf(pids.slice(0, 4))).toEqual([3, 1]);
    expect(countsOf(pids.slice(4))).toEqual([3, 1]);
  });

  it('has resources and an endpoint like a server', async () => {
    const client = await LegacyClient.open(gateway.url('pool'));
    const read = await client.request('resources/read', { uri: 'up://one' }).answer();
    expect(read.result?.['contents']).toEqual([{ uri: 'up://one', text: 'content' }]);
    const missing = modern(gateway.url('first'), 'tools/list');
    await missing.ended;
    expect(missing.status).toBe(404);
    expect(textOf(await modernCall(gateway.url(), 'pool__pid').answer())).toMatch(/^\d+$/);
  });
});

describe('A group that looks at connections', () => {
  it('row 8: gives calls to the member that works on the fewest', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        pool: groupOf(
          { one: upstream(), two: upstream(), three: upstream() },
          { strategy: 'least_connections' },
        ),
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    await startAll(gateway);
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
    await startAll(gateway);
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
    await startAll(gateway);
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
    const now = await until('another one has taken its place', async () => {
      // Until the gateway hears of its end, calls may still go to it.
      const seen = new Set(await pidsOf(client, 6).catch(() => []));
      return seen.size === 3 && !seen.has(first) && seen;
    });
    expect(now).not.toContain(first);
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
    await startAll(gateway);
    const client = await LegacyClient.open(gateway.url('pool'));
    const stream = await client.listen();
    const done = await client.request('resources/subscribe', { uri: 'up://one' }).answer();
    expect(done.result).toEqual({});
    await client.call('update', { uri: 'up://one' }).answer();
    await client.call('update', { uri: 'up://one' }).answer();
    const heard = (): readonly unknown[] =>
      stream
        .messages()
        .filter(({ method }) => method === 'notifications/resources/updated')
        .map(({ params }) => params?.['uri']);
    await until('the client hears of it', () => heard().length > 0);
    await client.call('echo').answer();
    expect(heard()).toEqual(['up://one']);
  });
});
