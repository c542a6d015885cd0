/** The commands that work on the servers of a gateway that runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, hangar, interrupted, json } from '../support/command-line.ts';
import { ROOT, type GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { modernServer, upstream } from '../support/upstream.ts';

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const SECRET = 'sesame-open-the-door';

let house: Household;
let gateway: GatewayProcess;

beforeAll(async () => {
  house = new Household((journal) => ({
    mcp_servers: {
      up: upstream([journal.option], { description: 'misbehaves', idle_ttl_s: 300 }),
      everything: { command: process.execPath, args: [EVERYTHING], env: { KEY: SECRET } },
      modern: modernServer(),
      broken: upstream(['--boot=exit', `--token=${SECRET}`]),
      slow: upstream(['--boot=silent'], { startup_timeout_s: 3 }),
      off: { command: 'nothing', enabled: false },
    },
  }));
  gateway = await house.http();
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
});

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const running = (): unknown => ({ running: true, pid: gateway.pid, version: '0.1.0' });
const ROW = {
  description: null,
  transport: 'stdio',
  mode: 'subprocess',
  enabled: true,
  state: 'cold',
  state_since: TIME,
  health: 'unknown',
  tools: null,
  in_flight: 0,
  queued: 0,
  processes: [],
  last_used_at: null,
  consecutive_failures: 0,
  last_error: null,
  suggestion: null,
  calls_go_to: null,
  next: null,
  circuit_breaker: null,
  cannot_cross: [],
};

interface Rows {
  readonly servers: readonly {
    readonly id: string;
    readonly state: string;
    readonly processes: readonly { readonly pid: number }[];
  }[];
}

const rowOf = async (id: string): Promise<Rows['servers'][number] | undefined> =>
  (await json<Rows>(house, 'status', '--json')).servers.find((row) => row.id === id);

describe('list', () => {
  it('shows every configured server, and which gateway knows of it', async () => {
    const { stdout } = await hangar(house, 'list');
    expect(stdout).toMatch(/^ID +BY +STATE +HEALTH +TOOLS +DESCRIPTION\n/);
    expect(stdout).toMatch(/^off +stdio +disabled/m);
    expect(await json(house, 'list', '--json')).toEqual({
      gateway: running(),
      as_of: TIME,
      uptime_s: expect.any(Number),
      servers: [
        { ...ROW, id: 'up', description: 'misbehaves' },
        { ...ROW, id: 'everything' },
        { ...ROW, id: 'modern' },
        { ...ROW, id: 'broken' },
        { ...ROW, id: 'slow' },
        { ...ROW, id: 'off', enabled: false, state: 'disabled', state_since: null },
      ],
    });
  });
});

describe('start, stop and restart', () => {
  it('change what runs, and say how that went', async () => {
    expect(await hangar(house, 'start', 'up')).toEqual({
      code: 0,
      stdout: 'up: ready, 18 tools\n',
      stderr: '',
    });
    const first = (await rowOf('up'))?.processes[0]?.pid ?? 0;
    expect(isAlive(first)).toBe(true);
    expect(await json(house, 'restart', 'up', '--json')).toEqual({
      servers: [{ id: 'up', state: 'ready', tools: 18 }],
      failed: [],
    });
    expect(isAlive(first)).toBe(false);
    expect((await rowOf('up'))?.processes[0]?.pid).not.toBe(first);
    expect(await hangar(house, 'stop', 'up', 'modern')).toMatchObject({
      code: 0,
      stdout: 'up: cold\nmodern: cold\n',
    });
    expect(await rowOf('up')).toMatchObject({ state: 'cold', processes: [] });
  });

  it('say why a server does not start, and what to do; the others start all the same', async () => {
    const { code, stdout, stderr } = await hangar(house, 'start', 'broken', 'up');
    expect({ code, stdout }).toEqual({ code: 2, stdout: 'up: ready, 18 tools\n' });
    expect(stderr).toMatch(/^mcp-hangar: Cannot start MCP server "broken": .*\n {2}\S/);
    const failed = await hangar(house, 'start', 'broken', '--json');
    expect(failed.code).toBe(2);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      servers: [],
      failed: [{ id: 'broken', code: 'MCP_SERVER_START_FAILED', fix: expect.any(String) }],
    });
  });

  it('say nothing more when somebody ends them', async () => {
    const starting = command(house, 'start', 'slow', '--json');
    await until('it starts', async () => (await rowOf('slow'))?.state === 'initializing');
    starting.process.kill('SIGINT');
    expect(await starting.ended).toEqual({ code: 130, stdout: '', stderr: '' });
    expect((await hangar(house, 'stop', 'slow')).code).toBe(0);
  });

  it('touch nothing where one of the names is wrong', async () => {
    const { code, stdout, stderr } = await hangar(house, 'stop', 'up', 'evrything');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'mcp-hangar: No MCP server has the id "evrything"\n' +
        '  did you mean "everything"? all are shown by: mcp-hangar list\n',
    );
    expect(await rowOf('up')).toMatchObject({ state: 'ready' });
  });
});

describe('status', () => {
  it('shows what each server does and what comes next', async () => {
    const { code, stdout } = await hangar(house, 'status');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +ID +STATE +FOR +HEALTH +TOOLS +CALLS\/PROCS +NEXT +LAST ERROR\n/);
    expect(stdout).toMatch(/^OK {2}up +ready +\S.* healthy +18 +0\/1 +idle stop in \d+m \d+s$/m);
    expect(stdout).toMatch(/^XX {2}broken +dead .* retry (on next call|\d in \d+s) +\S/m);
    expect(stdout).toMatch(/^-- {2}off +disabled/m);
    expect((await hangar(house, 'status', '-d')).stdout).toMatch(/ BY +UP +USED +NEXT /);
  });

  it('prints the same as JSON', async () => {
    const report = await json<Rows>(house, 'status', '--json');
    expect(report).toMatchObject({ gateway: running(), as_of: TIME });
    expect(report.servers[0]).toEqual({
      ...ROW,
      id: 'up',
      description: 'misbehaves',
      state: 'ready',
      health: 'healthy',
      tools: 18,
      processes: [{ pid: expect.any(Number), started_at: TIME, last_used_at: TIME, in_flight: 0 }],
      last_used_at: TIME,
      next: { kind: 'idle_stop', at: TIME, attempt: null },
    });
  });

  it('tells all about one server, without what is secret', async () => {
    const { stdout } = await hangar(house, 'status', 'broken');
    expect(stdout).toMatch(/^broken\n +state +XX dead for /);
    expect(stdout).toMatch(/^ +command +.* --token=\[secret\]$/m);
    expect(stdout).toMatch(/^ +last error +Cannot start .*UPSTREAM_TOKEN is missing/m);
    expect(stdout).not.toContain(SECRET);
    expect(await json(house, 'status', 'up', '--json')).toMatchObject({
      gateway: running(),
      as_of: TIME,
      server: {
        id: 'up',
        target: expect.stringContaining('upstream.mjs'),
        era: 'legacy',
        name: 'upstream',
        version: '1.0.0',
        hidden_tools: 0,
        calls: {
          total: expect.any(Number),
          failed: expect.any(Number),
          last_success_at: null,
          last_failure_at: null,
        },
      },
    });
    expect(await hangar(house, 'status', 'off')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'mcp-hangar: MCP server "off" is disabled in the configuration (enabled: false)\n' +
        '  mcp-hangar enable off\n',
    });
  });

  it('is shown again and again with --watch, until somebody ends it', async () => {
    const watching = command(house, 'status', '--watch', '-i', '0.2', '--json');
    await until('three lines', () => watching.stdout().split('\n').length > 3);
    const { code, stdout, stderr } = await interrupted(watching, '{');
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    for (const line of stdout.trimEnd().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ gateway: { running: true } });
  });

  it('is that of the gateway that runs, also where the file was changed since', async () => {
    const text = readFileSync(house.file, 'utf8');
    house.write({ mcp_servers: { other: { command: 'nothing' } } });
    try {
      expect((await json<Rows>(house, 'status', '--json')).servers).toHaveLength(6);
      expect((await hangar(house, 'call', 'up.pid')).code).toBe(0);
    } finally {
      writeFileSync(house.file, text);
    }
  });
});

describe('tools', () => {
  it('lists names as call takes them, and what each takes of a context', async () => {
    const { code, stdout } = await hangar(house, 'tools', 'up');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^TOOL +BYTES +~TOKENS +DESCRIPTION\n/);
    expect(stdout).toMatch(/^up\.echo +\d+ +\d+ +The tool echo$/m);
    expect(stdout).toMatch(/\n18 tools, \d+ bytes, about \d+ tokens\n$/);
  });

  it('has whole schemas as JSON, and says which servers could not be asked', async () => {
    const { code, stdout, stderr } = await hangar(house, 'tools', '--json');
    expect(code).toBe(2);
    expect(stderr).toContain('Cannot start MCP server "broken"');
    const { servers, failed } = JSON.parse(stdout) as Record<string, Record<string, unknown>[]>;
    expect(servers?.map(({ id }) => id)).toEqual(['up', 'everything', 'modern']);
    expect(servers?.[0]).toEqual({
      id: 'up',
      state: 'ready',
      bytes: expect.any(Number),
      tools: expect.arrayContaining([
        {
          name: 'echo',
          description: 'The tool echo',
          inputSchema: expect.objectContaining({ type: 'object' }),
          'x-unknown': { kept: true },
        },
      ]),
    });
    expect(failed).toMatchObject([
      { id: 'broken', code: expect.any(String) },
      { id: 'slow', code: 'MCP_SERVER_START_FAILED' },
    ]);
  });
});

describe('logs', () => {
  it('has what servers wrote to stderr, with time and process', async () => {
    const { code, stdout } = await hangar(house, 'logs', 'everything');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\d-]+ [\d:.]+ {2}everything\[\d+\] {2}Starting default .*\n/);
    const [line = ''] = (await hangar(house, 'logs', '--json')).stdout.split('\n');
    expect(JSON.parse(line)).toEqual({
      at: TIME,
      mcp_server: 'broken',
      pid: expect.any(Number),
      line: 'upstream: the key UPSTREAM_TOKEN is missing',
    });
    expect((await hangar(house, 'logs', '-n', '1')).stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(await hangar(house, 'logs', 'up')).toEqual({
      code: 0,
      stdout: '',
      stderr:
        'nothing was written to stderr since the gateway began; what was done: mcp-hangar events\n',
    });
  });

  it('go on with --follow, over the restarts of a server, until somebody ends it', async () => {
    const following = command(house, 'logs', 'everything', '--follow', '-n', '1');
    await until('the old line', () => following.stdout().includes('\n'));
    await hangar(house, 'restart', 'everything');
    await until('a new line', () => following.stdout().trimEnd().includes('\n'));
    const { code, stdout } = await interrupted(following, 'Starting');
    expect(code).toBe(130);
    const pids = [...stdout.matchAll(/everything\[(\d+)\] {2}Starting/g)].map(([, pid]) => pid);
    expect(new Set(pids).size).toBe(2);
  });
});

describe('version', () => {
  it('names the gateway that runs', async () => {
    const { stdout } = await hangar(house, 'version');
    expect(stdout).toContain(`gateway     0.1.0, process ${gateway.pid}\n`);
    expect(await json(house, 'version', '--json')).toEqual({
      version: '0.1.0',
      node: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      gateway: running(),
    });
  });
});

describe('A gateway that is asked by many and by strangers', () => {
  /** Says lines on the local socket; answers all that comes back until the gateway hangs up. */
  async function said(...lines: readonly string[]): Promise<string> {
    const [folder = ''] = house.stateFolders();
    const owner = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as {
      socket: string;
    };
    const socket = connect(owner.socket);
    const hello = '{"hangar":1,"want":"query","digest":""}';
    socket.write(`${[hello, ...lines].join('\n')}\n`);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  }

  it('answers or refuses each, and goes on', async () => {
    const question = '{"query":"get_status","input":{}}';
    const answers = await Promise.all(Array.from({ length: 100 }, () => said(question)));
    for (const answer of answers)
      expect(answer).toMatch(/\n\{"ok":(true,"value":|false,"code":"GATEWAY_BUSY").*\n$/);
    const strange = ['', '\0\0', '[]', '{"query":7}', '{"query":"get_status","input":{"x":1}}'];
    for (const answer of await Promise.all(strange.map((line) => said(line))))
      expect(answer).toContain('"code":"INPUT_INVALID"');
    expect(await said('{"query":"later","input":{}}')).toContain('"code":"GATEWAY_OTHER_VERSION"');
    await said(`{"query":"${'x'.repeat(2_000_000)}"}`).catch(() => undefined); // it is hung up on
    expect(await rowOf('up')).toMatchObject({ id: 'up' });
  });
});

it('no defect was met in all of this', () => {
  expect(gateway.stderr()).not.toContain('defect');
});
