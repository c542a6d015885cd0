/** What makes a gateway read its configuration again: the file itself, a signal, a tool, a client that comes. */
import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LegacyClient, pidOf, textOf } from '../support/clients.ts';
import { hangar } from '../support/command-line.ts';
import type { Config, GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { configOf, eventsOf, reload, toolNames } from '../support/reload.ts';
import type { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const houses: Household[] = [];
const gateways: GatewayProcess[] = [];

function household(rest: Config = {}): Household {
  const house = new Household(() => configOf({ one: upstream() }, rest));
  houses.push(house);
  return house;
}

async function started(house: Household): Promise<GatewayProcess> {
  const gateway = await house.http();
  gateways.push(gateway);
  return gateway;
}

afterEach(async () => {
  const defects = gateways.splice(0).filter((gateway) => /defect/.test(gateway.stderr()));
  await Promise.all(houses.splice(0).map((house) => house[Symbol.asyncDispose]()));
  if (defects.length > 0) throw new Error(defects.map((gateway) => gateway.stderr()).join('\n'));
});

const both = (rest: Config = {}): string =>
  JSON.stringify(configOf({ one: upstream(), two: upstream() }, rest));

/** What the gateway has said in its log since it began, of one kind. */
const said = (gateway: GatewayProcess, event: string): number =>
  gateway.stderr().split(event).length - 1;

const hasTwo = (gateway: GatewayProcess): Promise<unknown> =>
  until('the gateway has reloaded', () => said(gateway, 'configuration_reloaded') > 0);

describe('The file', () => {
  it('is taken over when it is written, once however often that is', async () => {
    const house = household();
    const gateway = await started(house);
    for (let count = 0; count < 10; count += 1) writeFileSync(house.file, `${both()}\n#${count}`);
    await hasTwo(gateway);
    const client = await LegacyClient.open(gateway.url());
    expect(await toolNames(client)).toContain('two__pid');
    expect(said(gateway, 'configuration_reloaded')).toBe(1);
  });

  it('is taken over when an editor puts another file in its place, again and again', async () => {
    const house = household();
    const gateway = await started(house);
    for (const count of [1, 2]) {
      const text = JSON.stringify(configOf({ one: upstream([`--tools=${count}`]) }, {}));
      writeFileSync(`${house.file}~`, text);
      renameSync(`${house.file}~`, house.file);
      await until('it is taken over', () => said(gateway, 'configuration_reloaded') === count);
    }
    const client = await LegacyClient.open(gateway.url());
    expect(await toolNames(client)).toContain('one__extra-1');
  });

  it('is taken over where it is gone for a moment, and where it was wrong', async () => {
    const house = household();
    const gateway = await started(house);
    writeFileSync(house.file, 'mcp_servers: [');
    await until('it says why', () => said(gateway, 'configuration_not_reloaded') === 1);
    rmSync(house.file);
    await until('it says why', () => said(gateway, 'configuration_not_reloaded') === 2);
    writeFileSync(house.file, both());
    await hasTwo(gateway);
    expect(gateway.stderr()).toContain(`${house.file}:1:`);
    const failed = await eventsOf(house, 'ConfigurationReloadFailed');
    expect(failed.map(({ requested_by: by }) => by)).toEqual(['file', 'file']);
  });

  it('is looked at where nothing tells of its change', async () => {
    const house = household({ config_reload: { use_watchdog: false, interval_s: 0.1 } });
    const link = join(house.folder, 'linked.yaml');
    const target = join(house.folder, 'second.yaml');
    writeFileSync(target, both({ config_reload: { use_watchdog: false, interval_s: 0.1 } }));
    renameSync(house.file, link);
    symlinkSync(link, house.file);
    const gateway = await started(house);
    symlinkSync(target, `${house.file}.new`);
    renameSync(`${house.file}.new`, house.file);
    await hasTwo(gateway);
    const client = await LegacyClient.open(gateway.url());
    expect(await toolNames(client)).toContain('two__pid');
    const { stdout } = await hangar(house, 'status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ gateway: { running: true, pid: gateway.pid } });
  });

  it('of variables is a part of it', async () => {
    const house = household();
    const variables = join(house.folder, 'secrets.env');
    writeFileSync(variables, 'EXTRA=1\n', { mode: 0o600 });
    chmodSync(variables, 0o600);
    const [command, script] = upstream()['command'] as readonly string[];
    writeFileSync(
      house.file,
      `env_file: secrets.env\nmcp_servers:\n  one: { command: [${command}, ${script}], args: ['--tools=\${EXTRA}'] }\n`,
    );
    const gateway = await started(house);
    writeFileSync(variables, 'EXTRA=3\n', { mode: 0o600 });
    await hasTwo(gateway);
    const client = await LegacyClient.open(gateway.url());
    expect(await toolNames(client)).toContain('one__extra-2');
  });

  it('is left alone where the configuration says so, until somebody asks', async () => {
    const house = household({ config_reload: { enabled: false } });
    await started(house);
    writeFileSync(house.file, both({ config_reload: { enabled: true } }));
    expect(await reload(house)).toMatchObject({ added: ['two'] });
    writeFileSync(house.file, JSON.stringify(configOf({ two: upstream() }, {})));
    await until('it is watched from now on', async () => {
      const { stdout } = await hangar(house, 'list', '--json');
      return !stdout.includes('"one"');
    });
  });

  it('that commands change is taken over, and so is what they take back', async () => {
    const house = household();
    const gateway = await started(house);
    const { stderr } = await hangar(house, 'add', '-c', house.file, 'new', '--', 'node', 'x.mjs');
    expect(stderr).toContain('takes it over by itself within seconds');
    await until('it is there', () => said(gateway, '"new"') > 0);
    await hangar(house, 'remove', 'new');
    await until('it is gone', () => said(gateway, 'configuration_reloaded') === 2);
    const [added, removed] = await eventsOf(house, 'ConfigurationReloaded');
    expect(added).toMatchObject({ mcp_servers_added: ['new'], mcp_servers_unchanged: ['one'] });
    expect(removed).toMatchObject({ mcp_servers_removed: ['new'], requested_by: 'file' });
  });
});

describe('SIGHUP', () => {
  it('makes a gateway read its file again, and ends nothing', async () => {
    const house = household({ config_reload: { enabled: false } });
    const gateway = await started(house);
    const client = await LegacyClient.open(gateway.url());
    const one = await pidOf(client, 'one__pid');
    writeFileSync(house.file, both({ config_reload: { enabled: false } }));
    process.kill(gateway.pid, 'SIGHUP');
    await hasTwo(gateway);
    expect(await pidOf(client, 'one__pid')).toBe(one);
    expect(await eventsOf(house, 'ConfigurationReloadRequested')).toMatchObject([
      { requested_by: 'signal' },
    ]);
  });

  it('reaches the gateway by way of those that only carry bytes to it', async () => {
    const house = household({ config_reload: { enabled: false } });
    const gateway = await started(house);
    const client = await house.open();
    writeFileSync(house.file, both({ config_reload: { enabled: false } }));
    process.kill(client.pid, 'SIGHUP');
    await hasTwo(gateway);
    expect(textOf(await client.call('two__pid'))).toMatch(/^\d+$/);
  });
});

describe('hangar_reload_config', () => {
  it('says what has changed, or why nothing has', async () => {
    const rest = { config_reload: { enabled: false }, tool_access: { gateway_tools: 'hangar' } };
    const house = household(rest);
    const gateway = await started(house);
    const client = await LegacyClient.open(gateway.url());
    const call = async (): Promise<unknown> =>
      (await client.call('hangar_reload_config').answer()).result?.['structuredContent'];
    writeFileSync(house.file, both(rest));
    expect(await call()).toEqual({
      status: 'reloaded',
      message: expect.stringContaining('1 added, 0 removed, 0 updated, 1 unchanged'),
      mcp_servers_added: ['two'],
      mcp_servers_removed: [],
      mcp_servers_updated: [],
      mcp_servers_unchanged: ['one'],
      duration_ms: expect.any(Number),
    });
    expect(await call()).toMatchObject({ status: 'unchanged', mcp_servers_added: [] });
    writeFileSync(house.file, 'mcp_servers: 7');
    expect(await call()).toMatchObject({
      status: 'failed',
      message: expect.stringContaining(`${house.file}:1:14`),
      error_type: 'CONFIG_INVALID',
    });
  });
});

describe('A client that has read the new file', () => {
  it('joins the gateway, which reads it at once', async () => {
    const house = household();
    const gateway = await started(house);
    const early = await house.open();
    writeFileSync(house.file, both());
    const late = await house.open();
    expect(late.stderr).toContain(`connected to the gateway of process ${gateway.pid}`);
    expect(textOf(await late.call('one__pid'))).toBe(textOf(await early.call('one__pid')));
    expect(textOf(await late.call('two__pid'))).toBe(textOf(await early.call('two__pid')));
  });

  it('reaches it also through an address that was bound for the old one', async () => {
    const house = household({ config_reload: { enabled: false } });
    await started(house);
    const relay = await started(house);
    house.write(configOf({ two: upstream() }));
    expect(await reload(house)).toMatchObject({ added: ['two'], removed: ['one'] });
    const client = await LegacyClient.open(relay.url());
    expect(await pidOf(client, 'two__pid')).toMatch(/^\d+$/);
  });

  it('and one that has read the old one find each other when the gateway is killed', async () => {
    const house = household();
    const gateway = await started(house);
    const old = await house.open();
    writeFileSync(house.file, both());
    await hasTwo(gateway);
    const late = await house.open();
    gateway.kill();
    // What was on its way when the gateway was killed has an error.
    const served = (client: StdioClient): Promise<string> =>
      until('the next gateway serves', async () => {
        const answer = await client.call('two__pid');
        return answer.error === undefined && textOf(answer);
      });
    const pids = await Promise.all([served(old), served(late)]);
    expect(pids[0]).toBe(pids[1]);
    expect(readFileSync(house.file, 'utf8')).toBe(both());
  });
});
