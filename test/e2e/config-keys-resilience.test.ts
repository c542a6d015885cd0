/** Keys about servers that fail, and about groups, that no other test sees at work; `test/config-keys.ts` lists all. */
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, structuredOf, textOf } from '../support/clients.ts';
import { json } from '../support/command-line.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import { toolsIn } from '../support/groups.ts';
import { HostileServer } from '../support/hostile-server.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { eventsOf } from '../support/reload.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const codeOf = ({ error }: Message): unknown =>
  (error?.data as { readonly code?: unknown } | undefined)?.code;
const pidOf = async (client: LegacyClient): Promise<string> =>
  textOf(await client.call('pid').answer());
const passed = (what: string, ms: number): Promise<true> => {
  const untilMs = performance.now() + ms;
  return until(what, () => performance.now() > untilMs);
};

describe('circuit_breaker', () => {
  let gateway: GatewayProcess;
  let operator: LegacyClient;
  const server = (circuit_breaker: Config, call_timeout_s = 0.4): Config =>
    upstream([], {
      call_timeout_s,
      max_consecutive_failures: 100,
      auto_start: true,
      circuit_breaker,
    });
  const slow = { slow_call_ms: 1_000, min_calls: 2 };

  beforeAll(async () => {
    gateway = await startGateway({
      mcp_servers: {
        errors: server({ failure_threshold: 100, error_rate_pct: 60, min_calls: 4 }),
        slow: server({ ...slow, slow_rate_pct: 60 }, 30),
        rare: server({ ...slow, window_s: 1 }, 30),
        probed: server({ failure_threshold: 1, reset_timeout_s: 1, probe_count: 2 }),
      },
    });
    operator = await LegacyClient.open(gateway.url());
    for (const id of ['errors', 'slow', 'rare', 'probed'])
      await until(`${id} runs`, async () => (await detailsOf(id))['state'] === 'ready');
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  const detailsOf = async (id: string): Promise<Record<string, unknown>> =>
    structuredOf(await operator.call('registry_details', { provider: id }).answer());
  const refusalOf = async (client: LegacyClient): Promise<string | undefined> => {
    const message = await client.call('pid').answer();
    if (message.error !== undefined) expect(codeOf(message)).toBe('CIRCUIT_OPEN');
    return message.error?.message;
  };

  it('opens at the share of failures that error_rate_pct says, once there are min_calls', async () => {
    const client = await LegacyClient.open(gateway.url('errors'));
    for (let call = 0; call < 2; call += 1)
      expect(codeOf(await client.call('hang').answer())).toBe('CALL_TIMED_OUT');
    expect(await refusalOf(client)).toBeUndefined(); // 2 of 2
    expect(codeOf(await client.call('hang').answer())).toBe('CALL_TIMED_OUT');
    expect(await refusalOf(client)).toContain('3 of 4 calls in 60 s failed');
  });

  it('opens at the share of slow calls, within window_s', async () => {
    const [often, rare] = [
      await LegacyClient.open(gateway.url('slow')),
      await LegacyClient.open(gateway.url('rare')),
    ];
    const twice = async (client: LegacyClient): Promise<void> => {
      for (let call = 0; call < 2; call += 1)
        expect(textOf(await client.call('sleep', { ms: 1_100 }).answer())).toBe('slept 1100');
    };
    await pidOf(often); // with the first slow one it is 1 of 2
    await Promise.all([twice(often), twice(rare)]);
    expect(await refusalOf(often)).toContain('2 of 3 calls in 60 s took 1000 ms or longer');
    expect(await refusalOf(rare)).toBeUndefined();
  });

  it('closes once as many probes as probe_count says have succeeded', async () => {
    const client = await LegacyClient.open(gateway.url('probed'));
    expect(codeOf(await client.call('hang').answer())).toBe('CALL_TIMED_OUT');
    expect(await detailsOf('probed')).toMatchObject({ circuit_breaker: { state: 'open' } });
    await until('it is tried', async () => (await refusalOf(client)) === undefined);
    expect(await detailsOf('probed')).toMatchObject({ circuit_breaker: { state: 'half_open' } });
    await pidOf(client);
    expect(await detailsOf('probed')).toMatchObject({ circuit_breaker: { state: 'closed' } });
  });
});

describe('What stands in', () => {
  it('is the backup, and stays so without auto_failback', async () => {
    const main = (keys: Config): Config =>
      upstream([], { call_timeout_s: 0.5, max_consecutive_failures: 1, ...keys });
    await using house = new Household(() => ({
      mcp_servers: {
        short: main({ backup: 'one' }),
        stays: main({ failover: { backup: 'two', auto_failback: false, failback_delay_s: 0 } }),
        returns: main({ failover: { backup: 'three', failback_delay_s: 0 } }),
        one: upstream(),
        two: upstream(),
        three: upstream(),
      },
    }));
    const gateway = await house.http();
    const failedOver = async (id: string, backup: string): Promise<() => Promise<boolean>> => {
      const client = await LegacyClient.open(gateway.url(id));
      const pid = await pidOf(await LegacyClient.open(gateway.url(backup)));
      const isServed = async (): Promise<boolean> => (await pidOf(client)) === pid;
      expect(codeOf(await client.call('hang').answer())).toBe('CALL_TIMED_OUT');
      await until(`${backup} gets the calls`, isServed);
      return isServed;
    };
    await failedOver('short', 'one');
    const isAway = await failedOver('stays', 'two');
    const isStillAway = await failedOver('returns', 'three');
    const operator = await LegacyClient.open(gateway.url());
    for (const id of ['stays', 'returns'])
      await operator.call('registry_start', { provider: id }).answer();
    await until('calls go back', async () => !(await isStillAway()));
    expect(await isAway()).toBe(true);
    interface Row {
      readonly id: string;
      readonly calls_go_to: string | null;
    }
    const { servers } = await json<{ readonly servers: readonly Row[] }>(house, 'status', '--json');
    const goTo = new Map(servers.map(({ id, calls_go_to: other }) => [id, other]));
    expect([goTo.get('stays'), goTo.get('returns')]).toEqual(['two', null]);
    const scheduled = await eventsOf(house, 'FailbackScheduled');
    const ids = scheduled.map(({ mcp_server_id: id }) => id);
    expect([ids.includes('returns'), ids.includes('stays')]).toEqual([true, false]);
  });

  it('is a third member of a group where failover.max_members lets it', async () => {
    await using journal = await Journal.open();
    const member = (id: string): Config => ({
      id,
      ...upstream([journal.option, '--read-only=crash']),
    });
    await using gateway = await startGateway({
      mcp_servers: {
        pool: {
          mode: 'group',
          failover: { max_members: 3 },
          members: ['a', 'b', 'c', 'd'].map(member),
        },
      },
    });
    const client = await LegacyClient.open(gateway.url('pool'));
    await until('it is known to only read', async () =>
      toolsIn(await client.request('tools/list').answer()).includes('crash'),
    );
    expect(codeOf(await client.call('crash').answer())).toBe('UPSTREAM_ENDED');
    expect(journal.lines('"name":"crash"')).toHaveLength(3);
  });
});

describe('A group', () => {
  let gateway: GatewayProcess;
  let journal: Journal;

  beforeAll(async () => {
    journal = await Journal.open();
    const [a, b] = [
      { id: 'a', ...upstream() },
      { id: 'b', ...upstream() },
    ];
    gateway = await startGateway({
      mcp_servers: {
        tried: {
          mode: 'group',
          members: [{ id: 'old' }, { id: 'new' }],
          canary: { member: 'new', split_pct: 100, pinned_tenants: { anonymous: 'old' } },
        },
        old: upstream(),
        new: upstream(),
        bound: { mode: 'group', members: [a, b], session_affinity: { ttl_s: 1 } },
        slow: {
          mode: 'group',
          health: { unhealthy_threshold: 1, healthy_threshold: 3 },
          members: [
            {
              id: 'broken',
              ...upstream([
                journal.option,
                '--boot=once',
                `--flag=${join(journal.folder, 'flag')}`,
              ]),
            },
          ],
        },
      },
    });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await journal?.[Symbol.asyncDispose]();
  });

  it('has a canary get its split_pct, and pinned_tenants the member that is theirs', async () => {
    const [old, new_] = await Promise.all(
      ['old', 'new'].map(async (id) => pidOf(await LegacyClient.open(gateway.url(id)))),
    );
    for (let tenant = 0; tenant < 3; tenant += 1)
      expect(await pidOf(await LegacyClient.open(gateway.url('tried')))).toBe(new_);
    // Who is nobody in particular is one tenant.
    for (let call = 0; call < 3; call += 1)
      expect(textOf(await modernCall(gateway.url('tried'), 'pid').answer())).toBe(old);
  });

  it('forgets after session_affinity.ttl_s whose a session was', async () => {
    const client = await LegacyClient.open(gateway.url('bound'));
    const before = await pidOf(client);
    await passed('the bond has ended', 1_100);
    expect(await pidOf(client)).not.toBe(before);
  });

  it('takes a member back after as many successes as healthy_threshold says', async () => {
    const client = await LegacyClient.open(gateway.url());
    const isIn = async (): Promise<unknown> => {
      const args = { provider: 'slow' };
      const { members } = structuredOf(await client.call('registry_details', args).answer()) as {
        readonly members: readonly { readonly in_rotation: boolean }[];
      };
      return members[0]?.in_rotation;
    };
    await until('it has left', async () => (await isIn()) === false);
    expect(journal.lines('"method":"ping"')).toEqual([]);
    writeFileSync(join(journal.folder, 'flag'), '');
    await until('it is back', isIn, 20_000);
    // Its start was one of them.
    expect(journal.lines('"method":"ping"').length).toBeGreaterThan(1);
  });
});

describe('retry', () => {
  /** Linear, shorter than its steps would be, and spread by nothing. */
  const exact = {
    max_attempts: 4,
    backoff: 'linear',
    initial_delay: 0.02,
    max_delay: 0.05,
    jitter: true,
    jitter_factor: 0,
    retry_on: ['Timeout'],
    attempt_timeout_s: 0.4,
    retry_sent: 'always',
  };
  /** Would be spread far. */
  const still = { ...exact, max_attempts: 3, backoff: 'constant', jitter: false, jitter_factor: 1 };
  const early = { ...exact, initial_delay: 0.01, max_delay: 0.025 };
  const [EXACT, STILL, EARLY] = [
    [20, 40, 50],
    [20, 20],
    [10, 20, 25],
  ];
  const own = { a: still, b: early };

  it.each([
    [{ default_policy: exact, per_mcp_server: own }, EXACT],
    [{ default_policy: still, per_provider: own }, STILL],
  ])(
    'says how often and when the calls of each server are made again: %o',
    async (retry, delays) => {
      await using journal = await Journal.open();
      const server = upstream([journal.option], { max_consecutive_failures: 100 });
      await using client = await StdioClient.open({
        retry,
        logging: { json_format: true },
        mcp_servers: { up: server, a: server, b: server },
      });
      const failed = await Promise.all(['up', 'a', 'b'].map((id) => client.call(`${id}__hang`)));
      expect(new Set(failed.map(codeOf))).toEqual(new Set(['CALL_TIMED_OUT']));
      const tries = (): readonly { readonly mcpServerId: string; readonly delayMs: number }[] =>
        client.stderr
          .split('\n')
          .filter((line) => line.includes('call_tried_again'))
          .map((line) => JSON.parse(line) as { mcpServerId: string; delayMs: number });
      await until('all is logged', () => tries().length === delays.length + 2 + 3);
      const of = (id: string): readonly number[] =>
        tries().flatMap(({ mcpServerId, delayMs }) => (mcpServerId === id ? [delayMs] : []));
      expect([of('up'), of('a'), of('b')]).toEqual([delays, STILL, EARLY]);
      for (const id of ['up', 'a', 'b'])
        expect(codeOf(await client.call(`${id}__crash`))).toBe('UPSTREAM_ENDED');
      expect(journal.lines('"name":"crash"')).toHaveLength(3);
    },
  );
});

describe('A remote server', () => {
  it('is found by url or endpoint, and shown its key in api_key_header', async () => {
    await using server = await HostileServer.start();
    const auth = { type: 'api_key', api_key: 'key-1', api_key_header: 'X-Mine' };
    await using client = await StdioClient.open({
      mcp_servers: {
        one: { mode: 'remote', endpoint: `${server.url}?endpoint`, auth },
        two: { mode: 'remote', url: `${server.url}?url`, auth },
        sse: { mode: 'remote', url: `${server.url}?sse`, transport: 'sse' },
      },
    });
    for (const id of ['one', 'two'])
      expect(textOf(await client.call(`${id}__echo`, { id }))).toBe(`{"id":"${id}"}`);
    expect(server.seen.map(({ headers }) => headers['x-mine'])).not.toContain(undefined);
    const before = server.seen.length;
    await client.call('sse__echo');
    const asked = server.seen.slice(before).map(({ verb, path }) => [verb, path]);
    expect(asked).toEqual([['GET', '/mcp?sse']]);
    expect(server.seen[0]).toMatchObject({ verb: 'POST', path: '/mcp?endpoint' });
  });

  it('is given connect_timeout to be connected to', async () => {
    const sockets: Socket[] = [];
    // Takes connections, and never says a word of TLS.
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const endpoint = `https://127.0.0.1:${port}/mcp`;
    await using client = await StdioClient.open({
      mcp_servers: { far: { mode: 'remote', endpoint, http: { connect_timeout: 0.2 } } },
    });
    const message = await client.call('far__echo');
    expect(message.error?.message).toContain('connect_timeout');
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  it('is connected to again max_retries times, after retry_backoff_factor', async () => {
    await using server = await HostileServer.start();
    const far = (http: Config): Config => ({ mode: 'remote', endpoint: server.url, http });
    await using client = await StdioClient.open({
      limits: { shutdown_grace_s: 0.1 },
      mcp_servers: {
        never: far({ max_retries: 0 }),
        quickly: far({ retry_backoff_factor: 0.01 }),
        patiently: far({}),
      },
    });
    const ids = ['never', 'quickly', 'patiently'];
    for (const id of ids) await client.call(`${id}__echo`);
    await server.stop();
    const over: string[] = [];
    const calls = ids.map(async (id) => {
      const message = await client.call(`${id}__echo`);
      over.push(id);
      return codeOf(message);
    });
    expect(await Promise.all(calls.slice(0, 2))).toEqual(
      Array.from({ length: 2 }, () => 'UPSTREAM_UNREACHABLE'),
    );
    expect(over).not.toContain('patiently'); // it has 3.5 s
    await Promise.all([client.end(), ...calls]);
  });
});
