/** A gateway that takes over a changed configuration: what becomes of servers, sessions and calls. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LegacyClient } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import type { Config, GatewayProcess } from '../support/gateway.ts';
import { groupOf } from '../support/groups.ts';
import { Household } from '../support/household.ts';
import { fetchText } from '../support/http.ts';
import {
  configOf,
  eventsOf,
  isAlive,
  pidOf,
  reload,
  textOf,
  toolNames,
  UNWATCHED,
} from '../support/reload.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

let house: Household;
let gateway: GatewayProcess;

beforeEach(async () => {
  house = new Household(() => configOf({ one: upstream(), two: upstream() }));
  gateway = await house.http();
});
afterEach(async () => {
  const hasDefect = /"defect|defect_/.test(gateway.stderr());
  await house[Symbol.asyncDispose]();
  if (hasDefect) throw new Error(gateway.stderr());
});

describe('A changed file', () => {
  it('touches the servers that it changes, and no other', async () => {
    const client = await LegacyClient.open(gateway.url());
    const [one, two] = [await pidOf(client, 'one'), await pidOf(client, 'two')];
    house.write(configOf({ two: upstream(['--tools=1']), three: upstream(), one: upstream() }));
    expect(await reload(house)).toEqual({
      file: house.file,
      dry_run: false,
      identical: false,
      added: ['three'],
      removed: [],
      updated: ['two'],
      unchanged: ['one'],
      restarted: ['two'],
      duration_ms: expect.any(Number),
      apply_ms: expect.any(Number),
    });
    expect(await pidOf(client, 'one')).toBe(one);
    expect(await pidOf(client, 'two')).not.toBe(two);
    expect(await toolNames(client)).toEqual(
      expect.arrayContaining(['one__pid', 'two__extra-0', 'three__pid']),
    );
    const { servers } = await json<{ servers: readonly { id: string }[] }>(house, 'list', '--json');
    expect(servers.map(({ id }) => id)).toEqual(['two', 'three', 'one']);
    await until('the old process has ended', () => !isAlive(Number(two)));
  });

  it('is taken over without a restart where what runs need not know', async () => {
    const client = await LegacyClient.open(gateway.url());
    const one = await pidOf(client, 'one');
    const keys = {
      description: 'The first.',
      call_timeout_s: 0.2,
      idle_ttl_s: 1_000,
      max_consecutive_failures: 9,
      tools: { hide: ['echo'] },
    };
    house.write(configOf({ one: upstream([], keys), two: upstream() }));
    expect(await reload(house)).toMatchObject({
      updated: ['one'],
      restarted: [],
      unchanged: ['two'],
    });
    expect(await pidOf(client, 'one')).toBe(one);
    expect(await toolNames(client)).not.toContain('one__echo');
    const hidden = await client.call('one__echo').answer();
    expect(hidden.error?.message).toContain('Unknown tool: one__echo');
    const late = await client.call('one__hang').answer();
    expect(late.error?.message).toContain('no answer and no progress in 0.2 s');
    const details = await json<{ description: string }>(house, 'status', 'one', '--json');
    expect(JSON.stringify(details)).toContain('The first.');
  });

  it('that is the same byte for byte changes nothing', async () => {
    writeFileSync(house.file, readFileSync(house.file));
    expect(await reload(house)).toMatchObject({ identical: true, unchanged: ['one', 'two'] });
    expect(await eventsOf(house, 'Configuration')).toEqual([]);
  });

  it('that is wrong leaves everything as it is, and says where', async () => {
    const client = await LegacyClient.open(gateway.url());
    const one = await pidOf(client, 'one');
    writeFileSync(house.file, 'mcp_servers:\n  one:\n    comand: x\n');
    const outcome = await hangar(house, 'reload');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(`${house.file}:3:5: mcp_servers.one.comand`);
    expect(outcome.stderr).toContain('nothing was changed');
    expect(await pidOf(client, 'one')).toBe(one);
    house.write(configOf({ one: upstream(), two: upstream() }));
    expect(await eventsOf(house, 'ConfigurationReloadFailed')).toEqual([
      {
        config_path: house.file,
        reason: expect.stringContaining(`${house.file}:3:5:`),
        error_type: 'CONFIG_INVALID',
        requested_by: 'operator',
      },
    ]);
  });

  it('that needs a restart is refused as a whole, and every key named', async () => {
    const servers = { one: upstream(['--tools=3']), two: upstream() };
    const rest = { ...UNWATCHED, http: { port: 4_711 }, limits: { in_flight_max: 7 } };
    house.write(configOf(servers, rest));
    const outcome = await hangar(house, 'reload', '--json');
    expect(outcome.code).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      error: { code: 'CONFIG_RESTART_REQUIRED', keys: ['limits.in_flight_max'] },
    });
    const client = await LegacyClient.open(gateway.url());
    expect(await toolNames(client)).not.toContain('one__extra-0');
  });

  it('is shown by a dry run, and not applied', async () => {
    house.write(configOf({ two: upstream(['--tools=1']) }));
    const { code, stdout } = await hangar(house, 'reload', '--dry-run');
    expect([code, stdout]).toEqual([
      0,
      `would reload ${house.file}: 0 MCP servers unchanged\n- one\n~ two (would restart with its next call)\n`,
    ]);
    const client = await LegacyClient.open(gateway.url());
    expect(await pidOf(client, 'one')).toMatch(/^\d+$/);
    expect(await reload(house)).toMatchObject({ removed: ['one'], updated: ['two'] });
  });

  it('switches servers off and on', async () => {
    const client = await LegacyClient.open(gateway.url());
    const one = await pidOf(client, 'one');
    house.write(configOf({ one: upstream([], { enabled: false }), two: upstream() }));
    expect(await reload(house)).toMatchObject({ updated: ['one'], restarted: [] });
    expect((await client.call('one__pid').answer()).error?.message).toContain('Unknown tool');
    await until('it has ended', () => !isAlive(Number(one)));
    house.write(configOf({ one: upstream(), two: upstream() }));
    expect(await reload(house)).toMatchObject({ updated: ['one'] });
    expect(await pidOf(client, 'one')).not.toBe(one);
  });
});

describe('A changed file with groups', () => {
  const changeTo = (servers: Config): ReturnType<typeof reload> => {
    house.write(configOf(servers));
    return reload(house);
  };

  /** Members that have served a call, once so many have: one that starts is left out while others run. */
  const served = (client: LegacyClient, count: number): Promise<ReadonlySet<string>> => {
    const seen = new Set<string>();
    return until(`${count} members serve`, async () => {
      seen.add(await pidOf(client, 'pool'));
      return seen.size === count && seen;
    });
  };

  it('gives a group a member, takes one and changes its strategy, and no call fails', async () => {
    const [a, b, c] = [upstream(), upstream(), upstream(['--tools=0'])];
    await changeTo({ pool: groupOf({ a, b }), one: upstream() });
    const client = await LegacyClient.open(gateway.url());
    const before = await served(client, 2);
    let isOver = false;
    const answers: string[] = [];
    const lane = async (): Promise<void> => {
      while (!isOver) {
        const answer = await client.call('pool__sleep', { ms: 20 }).answer();
        answers.push(textOf(answer));
      }
    };
    const lanes = Array.from({ length: 4 }, lane);
    const called = (): Promise<unknown> => {
      const soFar = answers.length;
      return until('calls go on', () => answers.length > soFar + 8);
    };
    await called();
    expect(await changeTo({ pool: groupOf({ a, b, c }), one: upstream() })).toMatchObject({
      added: ['c'],
      removed: [],
      updated: ['pool'],
      unchanged: ['one', 'a', 'b'],
    });
    await called();
    const added = await served(client, 3);
    expect([...before].every((pid) => added.has(pid))).toBe(true);
    expect(await changeTo({ pool: groupOf({ b, c }), one: upstream() })).toMatchObject({
      removed: ['a'],
      updated: ['pool'],
    });
    await called();
    expect(
      await changeTo({
        pool: groupOf({ b, c: { priority: 2, ...c } }, { strategy: 'priority' }),
        one: upstream(),
      }),
    ).toMatchObject({ added: [], removed: [], updated: ['pool'], restarted: [] });
    await called();
    const after = new Set<string>();
    for (let call = 0; call < 4; call += 1) after.add(await pidOf(client, 'pool'));
    isOver = true;
    await Promise.all(lanes);
    expect(after.size).toBe(1);
    expect(new Set(answers)).toEqual(new Set(['slept 20']));
    const [gone] = [...before].filter((pid) => !after.has(pid));
    await until('the member that left has ended', () => !isAlive(Number(gone)));
  });

  it('has clients hear another member where the one that told has left', async () => {
    const [a, b] = [upstream(), upstream()];
    await changeTo({ pool: groupOf({ a, b }, { strategy: 'priority' }) });
    const client = await LegacyClient.open(gateway.url('pool'));
    const stream = await client.listen();
    const heard = (): number =>
      stream.messages().filter(({ method }) => method === 'notifications/resources/updated').length;
    const uri = 'up://one';
    const told = await client.request('resources/subscribe', { uri }).answer();
    expect(told.result).toEqual({});
    await client.call('update', { uri }).answer();
    await until('the first member tells', () => heard() === 1);
    await changeTo({ pool: groupOf({ b }) });
    await until('the client hears that it may have changed', () => heard() === 3);
    await client.call('update', { uri }).answer();
    await until('the other member tells', () => heard() === 4);
    const ended = await client.request('resources/unsubscribe', { uri }).answer();
    expect(ended.result).toEqual({});
    await client.call('update', { uri }).answer();
    expect(heard()).toBe(4);
  });

  it('leaves a group that is as it was: its rotation, and the processes of its members', async () => {
    const pool = groupOf({ a: upstream(), b: upstream() });
    await changeTo({ pool, one: upstream() });
    const client = await LegacyClient.open(gateway.url());
    await served(client, 2);
    const first = await pidOf(client, 'pool');
    const second = await pidOf(client, 'pool');
    expect(second).not.toBe(first);
    const told = await eventsOf(house, 'Group');
    const diff = await changeTo({ pool, one: upstream(['--tools=1']), two: upstream() });
    expect(diff).toMatchObject({
      added: ['two'],
      removed: [],
      updated: ['one'],
      unchanged: ['a', 'b', 'pool'],
    });
    expect([await pidOf(client, 'pool'), await pidOf(client, 'pool')]).toEqual([first, second]);
    // One made anew would begin with its first member, whoever had the last call.
    await changeTo({ pool, one: upstream() });
    expect(await pidOf(client, 'pool')).toBe(first);
    await changeTo({ pool, one: upstream(['--tools=1']) });
    expect(await pidOf(client, 'pool')).toBe(second);
    expect(await eventsOf(house, 'Group')).toEqual(told);
  });

  it('brings a group, and takes it away with the members that only it has', async () => {
    const client = await LegacyClient.open(gateway.url());
    await toolNames(client);
    const stream = await client.listen();
    const servers = { one: upstream(), two: upstream() };
    const pool = groupOf({ a: upstream(), one: {} });
    expect(await changeTo({ ...servers, pool })).toMatchObject({
      added: ['a', 'pool'],
      updated: [],
      unchanged: ['one', 'two'],
    });
    await stream.notified('notifications/tools/list_changed');
    const shown = await until('it is listed', async () => {
      const names = await toolNames(client);
      return names.includes('pool__pid') && names;
    });
    expect(shown).not.toContain('a__pid');
    const own = await LegacyClient.open(gateway.url('pool'));
    expect(await toolNames(own)).toContain('pid');
    const pids = [...(await served(client, 2))];
    const one = await pidOf(client, 'one');
    expect(pids).toContain(one);
    expect(await changeTo(servers)).toMatchObject({ removed: ['a', 'pool'], updated: [] });
    expect(await toolNames(client)).not.toContain('pool__pid');
    const missing = await client.call('pool__pid').answer();
    expect(missing.error?.message).toContain('Unknown tool');
    await until('only its own member has ended', () => {
      return pids.every((pid) => isAlive(Number(pid)) === (pid === one));
    });
    const gone = await fetchText(own.url, {
      headers: own.headers,
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    });
    expect(gone.status).toBe(404);
    expect(await eventsOf(house, 'GroupDeleted')).toEqual([{ group_id: 'pool' }]);
  });
});
