/** Keys of the configuration that no other test sees at work; `test/config-keys.ts` lists all of them. */
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, textOf } from '../support/clients.ts';
import { hangar } from '../support/command-line.ts';
import {
  COMMAND,
  environment,
  startGateway,
  type Config,
  type GatewayProcess,
} from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const UPSTREAM = fileURLToPath(new URL('../fixtures/upstream/upstream.mjs', import.meta.url));
const UPDATED = 'notifications/resources/updated';
const SCHEMAS = [
  { type: 'object', title: 'in' },
  { type: 'object', title: 'out' },
] as const;
/** So slow that nothing flows in while a test runs. */
const SLOW = 0.001;

const SAID = {
  name: 'one',
  title: 'The one',
  description: 'Says one',
  annotations: { readOnlyHint: true },
  icons: [{ src: 'https://hangar.test/one.png' }],
  _meta: { 'hangar.test/kept': true },
};
const [INPUT, OUTPUT] = SCHEMAS;
const TOOLS = [
  { ...SAID, inputSchema: INPUT, outputSchema: OUTPUT },
  { name: 'two', input_schema: INPUT, output_schema: OUTPUT },
];

const dataOf = ({ error }: Message): Record<string, unknown> => ({
  ...(error?.data as Record<string, unknown> | undefined),
});

describe('A gateway', () => {
  let gateway: GatewayProcess;
  let auto: Journal;
  let lazy: Journal;

  beforeAll(async () => {
    [auto, lazy] = [await Journal.open(), await Journal.open()];
    gateway = await startGateway({
      $schema: 'https://hangar.test/schema.json',
      catalog: { ttl_ms: 1_234 },
      limits: { replay_bytes_max: 2_000, upstream_queue_bytes_max: 65_536 },
      mcp_servers: {
        auto: upstream([auto.option], { auto_start: true }),
        lazy: upstream([lazy.option]),
        listed: upstream(['--boot=exit'], { tools: TOOLS }),
        predefined: upstream(['--boot=exit'], { predefined_tools: TOOLS }),
        own: upstream([], { sharing: 'session', session_children_max: 1 }),
        up: upstream(),
      },
    });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await auto?.[Symbol.asyncDispose]();
    await lazy?.[Symbol.asyncDispose]();
  });

  it('starts a server with auto_start before anybody asks, and no other', async () => {
    await until('it has started', () => auto.lines('"initialize"').length === 1);
    expect(lazy.starts()).toEqual([]);
  });

  it('says nothing of a $schema', () => {
    expect(gateway.stderr()).toContain('serves at');
    expect(gateway.stderr()).not.toMatch(/schema/);
  });

  it.each(['listed', 'predefined'])('shows the tools that a server is given as %s', async (id) => {
    const client = await LegacyClient.open(gateway.url(id));
    const { result } = await client.request('tools/list').answer();
    expect(result?.['tools']).toEqual([
      { ...SAID, inputSchema: INPUT, outputSchema: OUTPUT },
      { name: 'two', inputSchema: INPUT, outputSchema: OUTPUT },
    ]);
  });

  it('gives no more than session_children_max sessions a child of their own', async () => {
    const [first, second] = [
      await LegacyClient.open(gateway.url('own')),
      await LegacyClient.open(gateway.url('own')),
    ];
    const pid = textOf(await first.call('pid').answer());
    const refused = await second.call('pid').answer();
    expect(dataOf(refused)['code']).toBe('GATEWAY_BUSY');
    expect(refused.error?.message).toContain('session_children_max');
    await first.end();
    const other = await until('there is room', async () => {
      const message = await second.call('pid').answer();
      return message.error === undefined && textOf(message);
    });
    expect(other).not.toBe(pid);
  });

  it('tells modern clients how long a list may be kept', async () => {
    const { result } = await modern(gateway.url(), 'tools/list').answer();
    expect(result?.['ttlMs']).toBe(1_234);
  });

  it('keeps no more bytes of events than the limit', async () => {
    const client = await LegacyClient.open(gateway.url('up'));
    for (const uri of ['up://one', 'up://two'])
      await client.request('resources/subscribe', { uri }).answer();
    const params = { uri: 'up://one' };
    await client.call('later', { ms: 1, times: 50, method: UPDATED, params }).answer();
    await client.call('sleep', { ms: 50 }).answer(); // answered behind them
    const stream = await client.listen();
    await client.call('update', { uri: 'up://two' }).answer();
    await stream.next('what comes last', (message) => message.params?.['uri'] === 'up://two');
    const kept = stream.messages().filter(({ params: of }) => of?.['uri'] === 'up://one');
    expect(kept.length).toBeGreaterThan(5);
    expect(JSON.stringify(kept).length).toBeLessThan(2_000);
  });

  it('refuses calls to a server that does not read', async () => {
    const client = await LegacyClient.open(gateway.url('up'));
    const pid = Number(textOf(await client.call('pid').answer()));
    process.kill(pid, 'SIGSTOP');
    try {
      const calls = [1, 2, 3].map((of) => client.call('echo', { of, x: 'x'.repeat(300_000) }));
      const refused = await until('one is refused', () => calls.find(({ over }) => over));
      expect(dataOf(await refused.answer())['code']).toBe('UPSTREAM_QUEUE_FULL');
      process.kill(pid, 'SIGCONT');
      const codes = await Promise.all(
        calls.map(async (call) => dataOf(await call.answer())['code']),
      );
      expect(codes).toContain(undefined);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

it('A server is started as its command, args, env and cwd say', async () => {
  await using house = new Household(() => ({
    mcp_servers: {
      up: {
        command: `"${process.execPath}" server.mjs 'a b'`,
        args: ['c'],
        env: { HANGAR_WORD: 'hello' },
        cwd: 'work',
      },
    },
  }));
  const work = join(house.folder, 'work');
  mkdirSync(work);
  writeFileSync(
    join(work, 'server.mjs'),
    `import { writeFileSync } from 'node:fs';
const seen = { args: process.argv.slice(2), cwd: process.cwd(), word: process.env.HANGAR_WORD };
writeFileSync('seen.json', JSON.stringify(seen));
await import(${JSON.stringify(UPSTREAM)});`,
  );
  expect((await hangar(house, 'call', 'up.pid')).code).toBe(0);
  expect(JSON.parse(readFileSync(join(work, 'seen.json'), 'utf8'))).toEqual({
    args: ['a b', 'c'],
    cwd: realpathSync(work),
    word: 'hello',
  });
});

describe('http', () => {
  it('port and host say where the gateway listens', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const mcp_servers = { up: upstream() };
    await using house = new Household(() => ({ http: { port }, mcp_servers }));
    const inUse = await hangar(house, 'serve', '--http');
    expect(inUse).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is`) });
    await new Promise((resolve) => taken.close(resolve));
    house.write({ http: { host: '0.0.0.0', port }, mcp_servers });
    const open = await hangar(house, 'serve', '--http');
    expect(open).toMatchObject({ code: 1, stderr: expect.stringContaining('0.0.0.0') });
  });
});

describe('What nobody asked for', () => {
  it('boot lists every server before anybody asks, and health_check asks them', async () => {
    await using journal = await Journal.open();
    await using _gateway = await startGateway({
      catalog: { warm: 'boot' },
      health_check: { interval_s: 1 },
      mcp_servers: { up: upstream([journal.option]) },
    });
    await until('it is listed', () => journal.lines('"tools/list"').length > 0);
    await until('it is asked', () => journal.lines('"ping"').length > 0);
    expect(journal.starts()).toHaveLength(1);
  });

  it('is not made by itself where health_check is not enabled', async () => {
    await using asked = await Journal.open();
    await using left = await Journal.open();
    await using _gateway = await startGateway({
      catalog: { warm: 'boot' },
      health_check: { enabled: false, interval_s: 0.1 },
      mcp_servers: {
        asked: upstream([asked.option], { health_check_interval_s: 0.3 }),
        left: upstream([left.option]),
      },
    });
    await until('both are listed', () =>
      [asked, left].every((journal) => journal.lines('"tools/list"').length > 0),
    );
    // It does not know `ping`, and is asked for its list from then on.
    await until('one is asked', () => asked.lines('"tools/list"').length > 2);
    expect(left.lines('"ping"')).toEqual([]);
  });
});

describe('config_reload', () => {
  it('use_watchdog lets the system tell of changes, where nobody looks', async () => {
    const config = (use_watchdog: boolean, tools: number): Config => ({
      config_reload: { use_watchdog, interval_s: 0 },
      mcp_servers: { up: upstream([`--tools=${tools}`]) },
    });
    await using told = new Household(() => config(true, 0));
    await using left = new Household(() => config(false, 0));
    const [hears, hearsNot] = await Promise.all([told.http(), left.http()]);
    const reloads = (gateway: GatewayProcess): number =>
      gateway.stderr().split('configuration_reloaded').length - 1;
    for (const change of [1, 2]) {
      left.write(config(false, change));
      told.write(config(true, change));
      await until('one has heard', () => reloads(hears) === change);
    }
    expect(reloads(hearsNot)).toBe(0);
  });
});

describe('logging', () => {
  /** What is logged without flags while one call is made. */
  async function logged(logging: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
    await using house = new Household(() => ({ logging, mcp_servers: { up: upstream() } }));
    await using client = StdioClient.at({
      command: process.execPath,
      args: [COMMAND, 'serve', '--config', house.file],
      cwd: house.folder,
      env: environment(house.folder),
    });
    await client.initialize();
    const called = { provider: 'up', tool: 'pid', arguments: {} };
    expect(textOf(await client.call('registry_invoke', called))).toMatch(/^\d+$/);
    await client.end();
    return client.stderr.split('\n').filter((line) => line !== '');
  }

  it('json_format gives one object a line, of the level that is wanted', async () => {
    const lines = await logged({ level: 'debug', json_format: true });
    const levels = lines.map((line) => (JSON.parse(line) as { level: unknown }).level);
    expect(levels).toContain('debug');
    expect(await logged({ level: 'error' })).toEqual([]);
  });
});

describe('Limits of calls', () => {
  it('hold for every server, and for all clients together', async () => {
    await using client = await StdioClient.open({
      execution: { default_mcp_server_concurrency: 1, queue_timeout_s: 0.3 },
      rate_limit: { rps: SLOW, burst: 4 },
      limits: { shutdown_grace_s: 0.1 },
      mcp_servers: { up: upstream() },
    });
    await client.call('up__pid');
    const params = { name: 'up__hang', arguments: {} };
    client.send(JSON.stringify({ jsonrpc: '2.0', id: 'hangs', method: 'tools/call', params }));
    const limits: unknown[] = [];
    for (let call = 0; call < 3; call += 1)
      limits.push(dataOf(await client.call('up__pid'))['limit']);
    const waited = 'mcp_servers.up.max_concurrency';
    expect(limits).toEqual([waited, waited, 'rate_limit']);
  });
});

describe('catalog.start_concurrency', () => {
  it('bounds how many servers start at one time to be listed', async () => {
    await using journal = await Journal.open();
    const slow = upstream([journal.option, '--boot=slow', '--boot-ms=300']);
    await using client = await StdioClient.open({
      catalog: { start_concurrency: 1 },
      mcp_servers: { one: slow, two: slow },
    });
    await client.request('tools/list');
    await until('both are listed', () => journal.lines('"tools/list"').length === 2);
    const entries = journal.entries();
    const [first, second] = journal.starts();
    const begun = entries.findIndex(({ pid, what }) => pid === second && what === 'start');
    const done = entries.findIndex(
      ({ pid, line }) => pid === first && line?.includes('notifications/initialized'),
    );
    expect(done).toBeGreaterThan(0);
    expect(begun).toBeGreaterThan(done);
  });
});
