/** Commands that need no gateway, while one runs: they say what becomes of it, and it goes on. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hangar, json, type Outcome } from '../support/command-line.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

let house: Household;
let gateway: GatewayProcess;
let cursor: string;

beforeEach(async () => {
  house = new Household((journal) => ({
    mcp_servers: { up: upstream([journal.option]) },
    config_reload: { enabled: false },
  }));
  cursor = join(house.folder, '.cursor', 'mcp.json');
  mkdirSync(join(house.folder, '.cursor'));
  writeFileSync(cursor, JSON.stringify({ mcpServers: { two: { command: 'echo', args: ['x'] } } }));
  gateway = await house.http();
});
afterEach(async () => {
  // Whatever a command did, the gateway answers, and nothing went wrong in it.
  const { servers } = await json<{ servers: readonly { id: string }[] }>(house, 'list', '--json');
  const hasDefect = gateway.stderr().includes('defect');
  await house[Symbol.asyncDispose]();
  if (hasDefect || servers.map(({ id }) => id).join(',') !== 'up')
    throw new Error(`The gateway did not go on as it was: ${gateway.stderr()}`);
});

const run = (...words: readonly string[]): Promise<Outcome> => hangar(house, ...words);
const jsonOf = ({ stdout }: Outcome): unknown => JSON.parse(stdout);
const keeps = (): string =>
  `the gateway of process ${gateway.pid} takes this over by itself within seconds, or with "mcp-hangar reload"`;

describe('What is set up', () => {
  it('init names the gateway that does not know the new servers', async () => {
    const { code, stdout } = await run('init', '-y', '--no-test');
    expect(code).toBe(0);
    expect(stdout).toContain(keeps());
    expect(readFileSync(house.file, 'utf8')).toContain('two');
  });

  it('init prints the members of a set-up, and of what is taken back', async () => {
    const before = readFileSync(house.file, 'utf8');
    const done = await json<Record<string, unknown>>(house, 'init', '-y', '--no-test', '--json');
    expect(done).toEqual({
      config: house.file,
      dry_run: false,
      servers: [
        {
          client: 'cursor',
          file: cursor,
          name: 'two',
          outcome: 'imported',
          id: 'two',
          reason: null,
          notes: [],
        },
      ],
      added: [],
      clients: expect.arrayContaining([
        {
          id: 'cursor',
          title: 'Cursor',
          file: cursor,
          is_installed: true,
          is_connected: true,
          change: 'connected',
          problem: null,
        },
      ]),
      runtimes: expect.any(Array),
      secrets: null,
      files: [
        { path: house.file, change: 'changed', diff: expect.stringContaining('two') },
        { path: cursor, change: 'changed', diff: expect.stringContaining('hangar') },
      ],
      notes: expect.arrayContaining([keeps()]),
      smoke_test: [],
      undo: expect.stringContaining('init --undo'),
    });
    const undone = await json<Record<string, unknown>>(house, 'init', '--undo', '--json');
    expect(undone).toEqual({
      undone: 'init',
      made_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      files: [house.file, cursor],
    });
    expect(readFileSync(house.file, 'utf8')).toBe(before);
  });

  it('import names the gateway that does not know the new servers', async () => {
    const { code, stdout } = await run('import', 'cursor', '-y');
    expect(code).toBe(0);
    expect(stdout).toContain(keeps());
  });

  it('connect writes a client that joins the gateway', async () => {
    expect(await run('connect', 'cursor', '-y')).toMatchObject({ code: 0, stderr: '' });
    const { mcpServers } = JSON.parse(readFileSync(cursor, 'utf8')) as {
      mcpServers: Record<string, { command: string; args: string[]; env?: Record<string, string> }>;
    };
    const { command = '', args = [], env = {} } = mcpServers['hangar'] ?? {};
    await using client = StdioClient.at({
      command,
      args,
      cwd: '/',
      env: { HOME: house.folder, PATH: '/usr/bin:/bin', ...env },
    });
    await client.initialize();
    expect(JSON.stringify((await client.request('tools/list', {})).result)).toContain('up__');
    await until('it says whom it joined', () =>
      client.stderr.includes(`connected to the gateway of process ${gateway.pid}`),
    );
    expect(await client.end()).toBe(0);
  });

  it('connect prints the members of a set-up', async () => {
    const done = await json<Record<string, unknown>>(house, 'connect', 'cursor', '-y', '--json');
    expect(done).toMatchObject({
      config: house.file,
      dry_run: false,
      servers: [],
      added: [],
      secrets: null,
      files: [{ path: cursor, change: 'changed', diff: expect.stringContaining('hangar') }],
      smoke_test: [],
      undo: expect.stringContaining('init --undo'),
    });
    expect(Object.keys(done).toSorted()).toEqual([
      'added',
      'clients',
      'config',
      'dry_run',
      'files',
      'notes',
      'runtimes',
      'secrets',
      'servers',
      'smoke_test',
      'undo',
    ]);
  });
});

it('add, remove, disable and enable name the gateway that keeps what it has read', async () => {
  const text = readFileSync(house.file, 'utf8');
  const note = `the gateway that runs (process ${gateway.pid}) keeps what it has read`;
  for (const [words, server] of [
    [['add', 'three', 'echo'], { id: 'three', action: 'added' }],
    [['remove', 'three'], { id: 'three', action: 'removed' }],
    [['disable', 'up'], { id: 'up', action: 'disabled' }],
    [['enable', 'up'], { id: 'up', action: 'enabled' }],
  ] as const) {
    const outcome = await run(...words, '--json');
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain(`note: ${note}`);
    expect(jsonOf(outcome)).toEqual({
      file: house.file,
      created: false,
      dry_run: false,
      changed: true,
      servers: [server],
      diff: expect.stringContaining('@@'),
      notes: [],
      gateway: { pid: gateway.pid },
    });
  }
  writeFileSync(house.file, text);
});

it('what only looks at files prints the same as without a gateway', async () => {
  const commands = [
    ['config', 'check'],
    ['config', 'check', '--json'],
    ['config', 'show', '--json'],
    ['config', 'schema'],
    ['completion', 'bash'],
  ];
  const outcomes = (): Promise<readonly Outcome[]> =>
    Promise.all(commands.map((words) => run(...words)));
  const during = await outcomes();
  await gateway.stop();
  expect(await outcomes()).toEqual(during);
  expect(during.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
});

interface Recorded {
  readonly event_type: string;
}

describe('The event log', () => {
  /** Calls a tool, and waits until that is in the log. */
  async function recorded(): Promise<readonly Recorded[]> {
    expect((await run('call', 'up.pid')).code).toBe(0);
    return until('the call is recorded', async () => {
      const { stdout } = await run('events', '--json');
      const events = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Recorded);
      return events.at(-1)?.event_type === 'ToolInvocationCompleted' ? events : undefined;
    });
  }

  it('events prints what it has recorded so far', async () => {
    expect((await recorded()).at(-1)).toEqual({
      position: expect.any(String),
      stream: 'tool_calls:up',
      version: 1,
      event_id: expect.any(String),
      event_type: 'ToolInvocationCompleted',
      schema_version: 1,
      occurred_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      produced_by: expect.any(String),
      data: expect.objectContaining({ mcp_server_id: 'up', tool_name: 'pid' }),
    });
    const { stdout } = await run('events', '-n', '1');
    expect(stdout).toMatch(/^[\d-]+ [\d:.]+ {2}up {2}ToolInvocationCompleted pid \d+ ms, .*\n$/);
  });

  it('events verify reads the log while it is written', async () => {
    const { length } = await recorded();
    const [folder = ''] = house.stateFolders();
    const path = join(folder, 'events.db');
    expect(await json(house, 'events', 'verify', '--json')).toEqual({
      path,
      exists: true,
      events: length,
      streams: 2,
      findings: [],
      cut: false,
    });
    expect(await run('events', 'verify')).toEqual({
      code: 0,
      stdout: `${path}: ${length} events in 2 streams, whole\n`,
      stderr: '',
    });
  });

  it('events compact removes what the configuration does not keep', async () => {
    const { length } = await recorded();
    const [folder = ''] = house.stateFolders();
    const path = join(folder, 'events.db');
    expect(await json(house, 'events', 'compact', '--dry-run', '--json')).toEqual({
      path,
      dry_run: true,
      removed: 0,
      kept: length,
      keep_days: 90,
      keep_events_max: 2_000_000,
    });
    expect(await run('events', 'compact')).toEqual({
      code: 0,
      stdout: `${path}: 0 events removed, ${length} kept (of 90 days, at most 2000000)\n`,
      stderr: '',
    });
    expect((await run('events', 'verify')).code).toBe(0);
  });

  it('events replay says what the gateway says', async () => {
    await recorded();
    const [folder = ''] = house.stateFolders();
    expect(await json(house, 'events', 'replay', '--json')).toEqual({
      path: join(folder, 'events.db'),
      compared: 'gateway',
      servers: [
        {
          id: 'up',
          state: 'ready',
          consecutive_failures: 0,
          last_error: null,
          events: expect.any(Number),
          version: expect.any(Number),
          is_pruned: false,
          difference: null,
        },
      ],
    });
    const { code, stdout } = await run('events', 'replay', '--server', 'up');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^up .* same\nthe same as the gateway\n$/m),
    ]);
  });

  it('events verify knows a log that is not there, and one that is none', async () => {
    const folder = join(house.folder, 'another');
    const path = join(folder, 'events.db');
    const verify = (...flags: readonly string[]): Promise<Outcome> =>
      run('events', 'verify', '--state-dir', folder, ...flags);
    expect(await verify()).toEqual({
      code: 0,
      stdout: '',
      stderr: `mcp-hangar: nothing has been recorded yet (${path})\n`,
    });
    expect(jsonOf(await verify('--json'))).toMatchObject({ path, exists: false, findings: [] });
    mkdirSync(folder);
    writeFileSync(path, 'this is no database, as long as it may look like one');
    const broken = await verify('--json');
    expect(broken).toMatchObject({ code: 2, stderr: '' });
    expect(jsonOf(broken)).toMatchObject({ path, exists: true, findings: [{ kind: 'file' }] });
    expect((await verify()).stdout).toMatch(/^file: Cannot read event log /);
  });
});

it('stop prints what became of each server', async () => {
  expect(await json(house, 'stop', 'up', '--json')).toEqual({
    servers: [{ id: 'up', state: 'cold' }],
    failed: [],
  });
});
