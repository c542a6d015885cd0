/** Groups of servers through the real command: who gets a call, and what becomes of one that a member fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
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
