/** A gateway that takes over a changed configuration: what becomes of servers, sessions and calls. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LegacyClient, pidOf, textOf } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import type { Config } from '../support/gateway.ts';
import { groupOf } from '../support/groups.ts';
import { fetchText } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { configOf, eventsOf, reload, Served, toolNames, UNWATCHED } from '../support/reload.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const served = new Served();
beforeEach(() => served.begin({ one: upstream(), two: upstream() }));
afterEach(() => served.end());

describe('A changed file', () => {
  it('touches the servers that it changes, and no other', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    const [one, two] = [await pidOf(client, 'one__pid'), await pidOf(client, 'two__pid')];
    served.house.write(
      configOf({ two: upstream(['--tools=1']), three: upstream(), one: upstream() }),
    );
    expect(await reload(served.house)).toEqual({
      file: served.house.file,
      dry_run: false,
      identical: false,
      added: ['three'],
      removed: [],
      updated: ['two'],
      unchanged: ['one'],
      restarted: ['two'],
      groups: [],
      duration_ms: expect.any(Number),
      apply_ms: expect.any(Number),
    });
    expect(await pidOf(client, 'one__pid')).toBe(one);
    expect(await pidOf(client, 'two__pid')).not.toBe(two);
    expect(await toolNames(client)).toEqual(
      expect.arrayContaining(['one__pid', 'two__extra-0', 'three__pid']),
    );
    const { servers } = await json<{ servers: readonly { id: string }[] }>(
      served.house,
      'list',
      '--json',
    );
    expect(servers.map(({ id }) => id)).toEqual(['two', 'three', 'one']);
    await until('the old process has ended', () => !isAlive(Number(two)));
  });

  it('is taken over without a restart where what runs need not know', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    const one = await pidOf(client, 'one__pid');
    const keys = {
      description: 'The first.',
      call_timeout_s: 0.2,
      idle_ttl_s: 1_000,
      max_consecutive_failures: 9,
      tools: { hide: ['echo'] },
    };
    expect(await served.changeTo({ one: upstream([], keys), two: upstream() })).toMatchObject({
      updated: ['one'],
      restarted: [],
      unchanged: ['two'],
    });
    expect(await pidOf(client, 'one__pid')).toBe(one);
    expect(await toolNames(client)).not.toContain('one__echo');
    const hidden = await client.call('one__echo').answer();
    expect(hidden.error?.message).toContain('Unknown tool: one__echo');
    const late = await client.call('one__hang').answer();
    expect(late.error?.message).toContain('no answer and no progress in 0.2 s');
    const details = await json<{ description: string }>(served.house, 'status', 'one', '--json');
    expect(JSON.stringify(details)).toContain('The first.');
  });

  it('that is the same byte for byte changes nothing', async () => {
    writeFileSync(served.house.file, readFileSync(served.house.file));
    expect(await reload(served.house)).toMatchObject({
      identical: true,
      unchanged: ['one', 'two'],
    });
    expect(await eventsOf(served.house, 'Configuration')).toEqual([]);
  });

  it('that is wrong leaves everything as it is, and says where', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    const one = await pidOf(client, 'one__pid');
    writeFileSync(served.house.file, 'mcp_servers:\n  one:\n    comand: x\n');
    const outcome = await hangar(served.house, 'reload');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(`${served.house.file}:3:5: mcp_servers.one.comand`);
    expect(outcome.stderr).toContain('nothing was changed');
    expect(await pidOf(client, 'one__pid')).toBe(one);
    served.house.write(configOf({ one: upstream(), two: upstream() }));
    expect(await eventsOf(served.house, 'ConfigurationReloadFailed')).toEqual([
      {
        config_path: served.house.file,
        reason: expect.stringContaining(`${served.house.file}:3:5:`),
        error_type: 'CONFIG_INVALID',
        requested_by: 'operator',
      },
    ]);
  });

  it('that needs a restart is refused as a whole, and every key named', async () => {
    const servers = { one: upstream(['--tools=3']), two: upstream() };
    const rest = { ...UNWATCHED, http: { port: 4_711 }, limits: { in_flight_max: 7 } };
    served.house.write(configOf(servers, rest));
    const outcome = await hangar(served.house, 'reload', '--json');
    expect(outcome.code).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      error: { code: 'CONFIG_RESTART_REQUIRED', keys: ['limits.in_flight_max'] },
    });
    const client = await LegacyClient.open(served.gateway.url());
    expect(await toolNames(client)).not.toContain('one__extra-0');
  });

  it('is shown by a dry run, and not applied', async () => {
    served.house.write(configOf({ two: upstream(['--tools=1']) }));
    const { code, stdout } = await hangar(served.house, 'reload', '--dry-run');
    expect([code, stdout]).toEqual([
      0,
      `would reload ${served.house.file}: 0 MCP servers unchanged\n- one\n~ two (would restart with its next call)\n`,
    ]);
    const client = await LegacyClient.open(served.gateway.url());
    expect(await pidOf(client, 'one__pid')).toMatch(/^\d+$/);
    expect(await reload(served.house)).toMatchObject({ removed: ['one'], updated: ['two'] });
  });

  it('leaves the recovery of a server that it leaves alone, and ends that of one that it changes', async () => {
    const broken = (...args: readonly string[]): Config =>
      upstream(['--boot=exit', ...args], { max_consecutive_failures: 1 });
    await served.changeTo({ one: upstream(), two: broken() });
    const client = await LegacyClient.open(served.gateway.url('two'));
    expect((await client.call('pid').answer()).error).toBeDefined();
    const sagas = async (): Promise<readonly unknown[]> =>
      (await json<{ sagas: readonly unknown[] }>(served.house, 'sagas', '--json')).sagas;
    const ended = (): Promise<readonly Record<string, unknown>[]> =>
      eventsOf(served.house, 'RecoveryEnded');
    expect(await sagas()).toMatchObject([{ type: 'recovery', subject: 'two' }]);
    await served.changeTo({ one: upstream(['--tools=1']), two: broken() });
    expect(await ended()).toEqual([]);
    await served.changeTo({ one: upstream(), two: broken('--tools=1') });
    expect(await sagas()).toEqual([]);
    expect(await ended()).toMatchObject([{ mcp_server_id: 'two', outcome: 'cancelled' }]);
  });

  it('switches servers off and on', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    const one = await pidOf(client, 'one__pid');
    expect(
      await served.changeTo({ one: upstream([], { enabled: false }), two: upstream() }),
    ).toMatchObject({ updated: ['one'], restarted: [] });
    expect((await client.call('one__pid').answer()).error?.message).toContain('Unknown tool');
    await until('it has ended', () => !isAlive(Number(one)));
    expect(await served.changeTo({ one: upstream(), two: upstream() })).toMatchObject({
      updated: ['one'],
    });
    expect(await pidOf(client, 'one__pid')).not.toBe(one);
  });
});

describe('A changed file with groups', () => {
  /** Members that have served a call, once so many have: one that starts is left out while others run. */
  const serving = (client: LegacyClient, count: number): Promise<ReadonlySet<string>> => {
    const seen = new Set<string>();
    return until(`${count} members serve`, async () => {
      seen.add(await pidOf(client, 'pool__pid'));
      return seen.size === count && seen;
    });
  };

  it('gives a group a member, takes one and changes its strategy, and no call fails', async () => {
    const [a, b, c] = [upstream(), upstream(), upstream(['--tools=0'])];
    await served.changeTo({ pool: groupOf({ a, b }), one: upstream() });
    const client = await LegacyClient.open(served.gateway.url());
    const before = await serving(client, 2);
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
    expect(await served.changeTo({ pool: groupOf({ a, b, c }), one: upstream() })).toMatchObject({
      added: ['c'],
      removed: [],
      updated: ['pool'],
      unchanged: ['one', 'a', 'b'],
    });
    await called();
    const added = await serving(client, 3);
    expect([...before].every((pid) => added.has(pid))).toBe(true);
    expect(await served.changeTo({ pool: groupOf({ b, c }), one: upstream() })).toMatchObject({
      removed: ['a'],
      updated: ['pool'],
    });
    await called();
    expect(
      await served.changeTo({
        pool: groupOf({ b, c: { priority: 2, ...c } }, { strategy: 'priority' }),
        one: upstream(),
      }),
    ).toMatchObject({ added: [], removed: [], updated: ['pool'], restarted: [] });
    await called();
    const after = new Set<string>();
    for (let call = 0; call < 4; call += 1) after.add(await pidOf(client, 'pool__pid'));
    isOver = true;
    await Promise.all(lanes);
    expect(after.size).toBe(1);
    expect(new Set(answers)).toEqual(new Set(['slept 20']));
    const [gone] = [...before].filter((pid) => !after.has(pid));
    await until('the member that left has ended', () => !isAlive(Number(gone)));
  });

  it('has clients hear another member where the one that told has left', async () => {
    const [a, b] = [upstream(), upstream()];
    await served.changeTo({ pool: groupOf({ a, b }, { strategy: 'priority' }) });
    const client = await LegacyClient.open(served.gateway.url('pool'));
    const stream = await client.listen();
    const heard = (): number =>
      stream.messages().filter(({ method }) => method === 'notifications/resources/updated').length;
    const uri = 'up://one';
    const told = await client.request('resources/subscribe', { uri }).answer();
    expect(told.result).toEqual({});
    await client.call('update', { uri }).answer();
    await until('the first member tells', () => heard() === 1);
    await served.changeTo({ pool: groupOf({ b }) });
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
    await served.changeTo({ pool, one: upstream() });
    const client = await LegacyClient.open(served.gateway.url());
    await serving(client, 2);
    const first = await pidOf(client, 'pool__pid');
    const second = await pidOf(client, 'pool__pid');
    expect(second).not.toBe(first);
    const told = await eventsOf(served.house, 'Group');
    const diff = await served.changeTo({ pool, one: upstream(['--tools=1']), two: upstream() });
    expect(diff).toMatchObject({
      added: ['two'],
      removed: [],
      updated: ['one'],
      unchanged: ['a', 'b', 'pool'],
    });
    expect([await pidOf(client, 'pool__pid'), await pidOf(client, 'pool__pid')]).toEqual([
      first,
      second,
    ]);
    // One made anew would begin with its first member, whoever had the last call.
    await served.changeTo({ pool, one: upstream() });
    expect(await pidOf(client, 'pool__pid')).toBe(first);
    await served.changeTo({ pool, one: upstream(['--tools=1']) });
    expect(await pidOf(client, 'pool__pid')).toBe(second);
    expect(await eventsOf(served.house, 'Group')).toEqual(told);
  });

  it('brings a group, and takes it away with the members that only it has', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    await toolNames(client);
    const stream = await client.listen();
    const servers = { one: upstream(), two: upstream() };
    const pool = groupOf({ a: upstream(), one: {} });
    expect(await served.changeTo({ ...servers, pool })).toMatchObject({
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
    const own = await LegacyClient.open(served.gateway.url('pool'));
    expect(await toolNames(own)).toContain('pid');
    const pids = [...(await serving(client, 2))];
    const one = await pidOf(client, 'one__pid');
    expect(pids).toContain(one);
    expect(await served.changeTo(servers)).toMatchObject({ removed: ['a', 'pool'], updated: [] });
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
    expect(await eventsOf(served.house, 'GroupDeleted')).toEqual([{ group_id: 'pool' }]);
  });
});
