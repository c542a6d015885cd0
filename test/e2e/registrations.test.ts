/** What the event log hears of servers that come into the configuration, change there, or leave it. */
import { afterEach, expect, it } from 'vitest';
import { groupOf } from '../support/groups.ts';
import { Household } from '../support/household.ts';
import { configOf, eventsOf, reload } from '../support/reload.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

it('A start and a reload tell what differs from what the log knows, and nothing else', async () => {
  const member = { inline: upstream() };
  const house = new Household(() =>
    configOf({ one: upstream(), two: upstream(), pool: groupOf(member) }),
  );
  homes.push(house);
  const told = async (kind: string): Promise<readonly unknown[]> =>
    (await eventsOf(house, `McpServer${kind}`)).map(({ mcp_server_id: id }) => id);
  /** The log follows by a moment: what is to be there is waited for, what is not stands behind it. */
  const heard = (kind: string, ids: readonly string[]): Promise<unknown> =>
    until(`${kind} of ${ids.join()}`, async () => (await told(kind)).join() === ids.join());
  const first = await house.http();
  await heard('Registered', ['one', 'two', 'inline']);
  expect((await eventsOf(house, 'McpServerRegistered'))[0]).toEqual({
    mcp_server_id: 'one',
    source: 'config',
    mode: 'subprocess',
    fingerprint: expect.stringMatching(/^[\w-]{22}$/),
  });
  house.write(configOf({ one: upstream(), two: upstream([], { idle_ttl_s: 77 }) }));
  await reload(house);
  await heard('Updated', ['two']);
  await heard('Deregistered', ['inline']);
  await first.stop();

  const second = await house.http();
  await second.stop();
  expect(await told('Updated')).toEqual(['two']);
  house.write(configOf({ two: upstream(), three: upstream() }));
  await house.http();
  await heard('Registered', ['one', 'two', 'inline', 'three']);
  await heard('Updated', ['two', 'two']);
  await heard('Deregistered', ['inline', 'one']);
});
