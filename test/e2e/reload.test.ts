/** A gateway that takes over a changed configuration: what becomes of servers, sessions and calls. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LegacyClient } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import {
  configOf,
  eventsOf,
  isAlive,
  pidOf,
  reload,
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
