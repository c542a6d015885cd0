/** `mcp-hangar groups` and `mcp-hangar rebalance`, and groups in the commands that know servers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient } from '../support/clients.ts';
import { hangar } from '../support/command-line.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { groupOf } from '../support/groups.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const home = (): Household =>
  new Household(() => ({
    mcp_servers: {
      pool: groupOf(
        {
          one: { weight: 3, ...upstream() },
          broken: { priority: 2, ...upstream(['--boot=exit']) },
        },
        { strategy: 'weighted_round_robin', description: 'many', min_healthy: 2 },
      ),
      alone: upstream(),
    },
  }));

const member = (id: string, part: Record<string, unknown>): Record<string, unknown> => ({
  id,
  state: expect.stringMatching(/^\w+$/),
  in_rotation: true,
  weight: 1,
  priority: 1,
  consecutive_failures: 0,
  in_flight: 0,
  last_selected_at: null,
  last_error: null,
  ...part,
});

/** The group as `--json` prints it, once the member that cannot start has left. */
async function whenOneHasLeft(house: Household): Promise<Record<string, unknown>> {
  return until(
    'a member has left',
    async () => {
      const { stdout } = await hangar(house, 'groups', '--json');
      const { groups } = JSON.parse(stdout) as { groups: Record<string, unknown>[] };
      return groups[0]?.['healthy_count'] === 1 && groups[0];
    },
    30_000,
  );
}

describe('The groups of the gateway that runs', () => {
  let house: Household;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    house = home();
    gateway = await house.http();
    await whenOneHasLeft(house);
  });
  afterAll(() => house?.[Symbol.asyncDispose]());

  it('are listed with how their members do', async () => {
    expect(await whenOneHasLeft(house)).toEqual({
      id: 'pool',
      description: 'many',
      state: 'partial',
      state_since: expect.any(String),
      strategy: 'weighted_round_robin',
      min_healthy: 2,
      healthy_count: 1,
      total_members: 2,
      is_available: true,
      circuit_open: false,
      members: [
        member('one', { state: 'ready', weight: 3 }),
        member('broken', {
          in_rotation: false,
          priority: 2,
          consecutive_failures: expect.any(Number),
          last_error: expect.stringContaining('exit code 3'),
        }),
      ],
    });
    const { code, stdout } = await hangar(house, 'groups');
    expect(code).toBe(0);
    const [titles, ...lines] = stdout.trimEnd().split('\n');
    expect(titles).toMatch(
      /^GROUP +MEMBER +STATE +IN ROTATION +WEIGHT +PRIORITY +CALLS +CHOSEN +LAST ERROR$/,
    );
    expect(lines).toEqual([
      expect.stringMatching(/^pool +weighted_round_robin +partial +1 of 2 +0$/),
      expect.stringMatching(/^ +one +ready +yes +3 +1 +0 +-$/),
      expect.stringMatching(/^ +broken +\w+ +no +1 +2 +0 +- +Cannot start MCP server "broken"/),
    ]);
  });

  it('stand beside servers in list and status, without the members that only they have', async () => {
    const list = (await hangar(house, 'list')).stdout;
    expect(list).toMatch(/^alone +stdio/m);
    expect(list).toMatch(/^pool +group +partial/m);
    expect(list).not.toMatch(/^one /m);
    expect((await hangar(house, 'status')).stdout).toMatch(/^!! +pool +partial/m);
    const { stdout } = await hangar(house, 'status', 'pool');
    expect(stdout).toMatch(/^ +member +one: ready$/m);
    expect(stdout).toMatch(/^ +member +broken: \w+, out of rotation$/m);
    expect((await hangar(house, 'call', 'pool.pid')).stdout).toMatch(/^\d+\n$/);
    expect((await hangar(house, 'stop', 'pool')).stdout).toMatch(/^pool: cold\n$/);
  });

  it('are rebalanced, and what became of them is printed', async () => {
    const client = await LegacyClient.open(gateway.url());
    await client.call('registry_stop', { provider: 'broken' }).answer();
    await client.call('registry_stop', { provider: 'one' }).answer();
    const { code, stdout } = await hangar(house, 'rebalance', 'pool', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: 'pool', total_members: 2 });
    expect((await hangar(house, 'rebalance', 'pool')).stdout).toMatch(
      /^pool: \w+, \d of 2 members in rotation\n$/,
    );
    const events = (await hangar(house, 'events')).stdout;
    expect(events).toContain('GroupMemberHealthChanged');
    expect(events).toContain('GroupStateChanged');
  });

  it('that do not exist are told, with the one that was meant', async () => {
    const { code, stderr } = await hangar(house, 'rebalance', 'pol');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'mcp-hangar: There is no group "pol"; did you mean "pool"?\n  Choose one of "mcp-hangar groups".\n',
    );
  });
});

it('Groups that are switched off are shown, and refuse to be used', async () => {
  await using house = home();
  const shared = { shared: upstream() };
  const off = groupOf({ shared: {}, inline: upstream() }, { enabled: false });
  house.write({ mcp_servers: { ...shared, off } });
  await house.http();
  const groups = (await hangar(house, 'groups')).stdout;
  expect(groups).toMatch(/^off +round_robin +disabled +0 of 2/m);
  expect(groups).toMatch(/^ +shared +cold +no/m);
  expect(groups).toMatch(/^ +inline +disabled +no/m);
  for (const words of ['list', 'status'])
    expect((await hangar(house, words)).stdout).toMatch(/^(-- +)?off +(group +)?disabled/m);
  const { code, stderr } = await hangar(house, 'rebalance', 'off');
  expect(code).toBe(1);
  expect(stderr).toContain('Group "off" is disabled in the configuration (enabled: false)');
  expect((await hangar(house, 'start', 'off')).stderr).toContain('Group "off" is disabled');
});

it('Groups are missed with exit code 3 where none runs', async () => {
  await using house = home();
  for (const words of [['groups'], ['rebalance', 'pool']]) {
    const { code, stderr } = await hangar(house, ...words);
    expect(code).toBe(3);
    expect(stderr).toContain(`no gateway runs for ${house.file}`);
  }
  expect((await hangar(house, 'list')).stdout).toMatch(/^pool +group +cold/m);
});
