/** `mcp-hangar sagas`: what an operator sees of what the gateway does by itself later. */
import { afterEach, describe, expect, it } from 'vitest';
import { LegacyClient } from '../support/clients.ts';
import { hangar } from '../support/command-line.ts';
import { groupOf } from '../support/groups.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

function home(): Household {
  const made = new Household((journal) => ({
    mcp_servers: {
      up: upstream([journal.option, '--boot=exit'], { max_consecutive_failures: 1 }),
      calm: upstream(),
    },
  }));
  homes.push(made);
  return made;
}

const sagas = (house: Household, ...flags: readonly string[]) => hangar(house, 'sagas', ...flags);

/** Calls the server that does not start. */
async function degraded(house: Household): Promise<{ readonly kill: () => Promise<unknown> }> {
  const gateway = await house.http();
  const client = await LegacyClient.open(gateway.url('up'));
  expect((await client.call('pid').answer()).error).toBeDefined();
  return {
    kill: () => {
      gateway.kill();
      return gateway.exited;
    },
  };
}

const MEMBERS = ['type', 'subject', 'status', 'attempt', 'attempts_max', 'due_at', 'reason'];

/** What is printed of a server that waits; on a slow machine the next attempt has come meanwhile. */
function checkPrinted(stdout: string): void {
  const { as_of: asOf, sagas: listed } = JSON.parse(stdout) as {
    readonly as_of: string;
    readonly sagas: readonly Record<string, unknown>[];
  };
  expect(Date.parse(asOf)).toBeGreaterThan(0);
  expect(listed).toHaveLength(1);
  expect(Object.keys(listed[0] ?? {})).toEqual(MEMBERS);
  expect(listed[0]).toMatchObject({
    type: 'recovery',
    subject: 'up',
    status: expect.stringMatching(/^(waiting|trying)$/),
    attempts_max: 3,
    reason: expect.stringContaining('Cannot start MCP server "up"'),
  });
}

describe('A server that is tried again', () => {
  it('says what is tried again, why, and when', async () => {
    const house = home();
    await degraded(house);
    const { code, stdout, stderr } = await sagas(house, '--json');
    expect([code, stderr]).toEqual([0, '']);
    checkPrinted(stdout);
    const text = (await sagas(house)).stdout;
    expect(text).toMatch(/^SAGA +SERVER +STATUS +ATTEMPT +DUE +REASON\n/);
    expect(text).toMatch(/recovery +up +(waiting|trying) +\d of 3 +(in \d+s|now|-) +Cannot start/);
  });

  it('is read from the log where no gateway runs', async () => {
    const house = home();
    expect(await sagas(house)).toEqual({ code: 0, stdout: 'Nothing is pending.\n', stderr: '' });
    const { kill } = await degraded(house);
    await until('it is recorded', async () =>
      (await hangar(house, 'events')).stdout.includes('RecoveryScheduled'),
    );
    await kill();
    const { code, stdout, stderr } = await sagas(house, '--json');
    expect([code, stderr]).toEqual([0, '']);
    checkPrinted(stdout);
  });

  it('is not tried any more once a person has stopped it', async () => {
    const house = home();
    await degraded(house);
    expect(await hangar(house, 'stop', 'up')).toMatchObject({ code: 0 });
    expect(await sagas(house)).toEqual({ code: 0, stdout: 'Nothing is pending.\n', stderr: '' });
  });
});

describe('A group with a member that is out of rotation', () => {
  it('says when that is tried again, and the log says so, too, where no gateway runs', async () => {
    const house = new Household(() => ({
      mcp_servers: {
        pool: groupOf({ well: upstream(), broken: upstream(['--boot=exit']) }),
      },
    }));
    homes.push(house);
    const gateway = await house.http();
    const outOf = async (): Promise<Record<string, unknown> | undefined> => {
      const { sagas: listed } = JSON.parse((await sagas(house, '--json')).stdout) as {
        readonly sagas: readonly Record<string, unknown>[];
      };
      return listed.find(({ type }) => type === 'rebalance');
    };
    const expected = {
      subject: 'broken',
      status: 'waiting',
      attempt: null,
      reason: expect.stringContaining(
        'it is out of group "pool": Cannot start MCP server "broken"',
      ),
    };
    const waiting = await until('the member has left', outOf, 30_000);
    expect(waiting).toMatchObject(expected);
    expect(waiting['due_at']).toEqual(expect.any(String));
    await until('that is in the log', async () =>
      (await hangar(house, 'events')).stdout.includes('GroupMemberHealthChanged'),
    );
    gateway.kill();
    await gateway.exited;
    expect(await outOf()).toMatchObject({ ...expected, due_at: null });
  });
});

describe('What is typed wrongly', () => {
  it.each([
    [['sagas', '--jsn'], 'Did you mean --json?'],
    [['saga'], 'Did you mean sagas?'],
    [['sagas', '--config', 'no-such.yaml'], 'there is no file'],
  ])('%j is answered with exit code 1 and what to do', async (args, part) => {
    const { code, stdout, stderr } = await hangar(home(), ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(part);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});
