/** What is configured of a member holds for the calls that it gets by way of its group, through the real command. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LegacyClient, pidOf, textOf } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { countsOf, groupOf, pidsOf } from '../support/groups.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

/** So slow that nothing flows in while a test runs. */
const SLOW = 0.001;
/** Members that do not run are as good as those that do: the test need not wait for any. */
const COLD = { auto_start: false, predefined_tools: [{ name: 'pid' }] };

describe('The rate limit of a member', () => {
  it('counts its calls by either way, and the group gives what it refuses to another one', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        small: upstream([], { rate_limit: { rps: SLOW, burst: 2 } }),
        pool: groupOf(
          { small: {}, big: upstream([], { rate_limit: { rps: SLOW, burst: 4 } }) },
          COLD,
        ),
      },
    });
    const direct = await LegacyClient.open(gateway.url('small'));
    const client = await LegacyClient.open(gateway.url('pool'));
    const small = await pidOf(direct);
    const pids = await pidsOf(client, 5);
    expect(countsOf(pids)).toEqual([4, 1]);
    expect(pids.filter((pid) => pid === small)).toHaveLength(1);
    const { error } = await client.call('pid').answer();
    expect(error?.data).toMatchObject({ code: 'RATE_LIMITED' });
    expect((await direct.call('pid').answer()).error?.data).toMatchObject({
      limit: 'mcp_servers.small.rate_limit',
    });
  });
});

describe('The places of a member', () => {
  it('are taken by calls of either way; a call waits only where every member is full', async () => {
    await using journal = await Journal.open();
    const one = upstream([journal.option], { max_concurrency: 1 });
    await using gateway = await startGateway({
      mcp_servers: { one, pool: groupOf({ one: {}, two: one }, COLD) },
    });
    const direct = await LegacyClient.open(gateway.url('one'));
    const client = await LegacyClient.open(gateway.url('pool'));
    const first = await pidOf(direct);
    const has = (call: string) =>
      until(`a server has ${call}`, () => journal.lines(`"call":"${call}"`).length === 1);
    const busy = direct.call('sleep', { ms: 3_000, call: 'direct' });
    await has('direct');
    const second = await pidOf(client);
    expect(second).not.toBe(first);
    expect(await pidsOf(client, 3)).toEqual([second, second, second]);
    const other = client.call('sleep', { ms: 1_000, call: 'by the group' });
    await has('by the group');
    const waiting = client.call('pid');
    expect(textOf(await other.answer())).toBe('slept 1000');
    expect([first, second]).toContain(textOf(await waiting.answer()));
    expect(textOf(await busy.answer())).toBe('slept 3000');
  });
});

describe('The retries of a member', () => {
  it('are made for calls by way of the group, where that says nothing of its own', async () => {
    await using journal = await Journal.open();
    await using gateway = await startGateway({
      retry: { per_mcp_server: { flaky: { max_attempts: 3, initial_delay: 0.05, jitter: false } } },
      mcp_servers: {
        pool: groupOf({ flaky: upstream([journal.option, '--repeatable=crash']) }),
        plain: groupOf({ alone: upstream([journal.option, '--repeatable=crash']) }),
      },
    });
    const crash = async (group: string): Promise<unknown> => {
      const client = await LegacyClient.open(gateway.url(group));
      await pidOf(client); // its tools are known by then
      const answer = await client.call('crash', { flag: join(journal.folder, group) }).answer();
      return answer.error?.data ?? answer.result?.['content'];
    };
    expect(await crash('plain')).toMatchObject({ code: 'UPSTREAM_ENDED' });
    expect(await crash('pool')).toEqual([{ type: 'text', text: expect.any(String) }]);
  });
});
