/** The commands that work on servers where no gateway runs. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { command, hangar, json } from '../support/command-line.ts';
import { ROOT } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const FILES = join(ROOT, 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js');

const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

function home(): Household {
  const made = new Household((journal) => ({
    mcp_servers: {
      files: { command: process.execPath, args: [FILES, '.'] },
      up: upstream([journal.option]),
      off: { command: 'nothing', enabled: false },
    },
  }));
  homes.push(made);
  return made;
}

const missing = (house: Household): string =>
  `mcp-hangar: no gateway runs for ${house.file}\n` +
  `  AI clients start one, and so does: mcp-hangar serve --http --config ${house.file}\n`;

describe('Without a gateway', () => {
  it('calls at the same time are all answered, though the gateway of one ends under the others', async () => {
    const house = home();
    const calls = Array.from({ length: 5 }, () => hangar(house, 'call', 'up.pid'));
    const wrong = (await Promise.all(calls)).filter(({ code }) => code !== 0);
    expect(wrong).toEqual([]);
    await house.empty();
  });

  it('list shows the configuration, and what is remembered', async () => {
    const house = home();
    const { code, stdout, stderr } = await hangar(house, 'list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^files +stdio +cold +unknown +-$/m);
    expect(stderr).toBe('no gateway runs; states are those of servers that were not started\n');
    expect((await hangar(house, 'tools', 'files')).code).toBe(0);
    const report = await json<Record<string, unknown>>(house, 'list', '--json');
    expect(report).toMatchObject({
      gateway: { running: false },
      servers: [
        { id: 'files', state: 'cold', tools: 14 },
        { id: 'up', state: 'cold', tools: null },
        { id: 'off', state: 'disabled', enabled: false },
      ],
    });
    expect(house.journal.starts()).toEqual([]);
  });

  it('status shows the same, and its exit code is 3', async () => {
    const house = home();
    const plain = await hangar(house, 'status');
    expect(plain).toMatchObject({ code: 3, stderr: missing(house) });
    expect(plain.stdout).toMatch(/^-- {2}up +cold/m);
    const inJson = await hangar(house, 'status', '--json');
    expect(inJson.code).toBe(3);
    expect(JSON.parse(inJson.stdout)).toMatchObject({
      gateway: { running: false },
      servers: [{ id: 'files' }, { id: 'up' }, { id: 'off' }],
    });
    const one = await hangar(house, 'status', 'up');
    expect(one.code).toBe(3);
    expect(one.stdout).toContain('upstream.mjs');
    expect(one.stdout).toMatch(/^ +state +-- cold$/m);
    const oneInJson = await hangar(house, 'status', 'up', '--json');
    expect(JSON.parse(oneInJson.stdout)).toMatchObject({
      server: { id: 'up', state_since: null, tools: null },
    });
  });

  it('call and tools open one for as long as they take, and leave nothing behind', async () => {
    const house = home();
    expect(await hangar(house, 'call', 'files.list_directory', 'path=.')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('[FILE] config.yaml'),
      stderr: '',
    });
    expect((await hangar(house, 'call', 'up.fail')).code).toBe(1);
    await house.empty();
    const { stdout } = await hangar(house, 'tools', 'up', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ servers: [{ id: 'up' }], failed: [] });
    // Its tools were remembered from the call before.
    expect(house.journal.starts()).toHaveLength(1);
    expect((await hangar(house, 'call', 'up.pid')).code).toBe(0);
  });

  it('a call that somebody ends takes its server along', async () => {
    const house = home();
    const calling = command(house, 'call', 'up.sleep', 'ms=60000');
    await until('the server has it', () => house.journal.lines('"sleep"').length > 0);
    calling.process.kill('SIGINT');
    expect(await calling.ended).toMatchObject({ code: 130, stdout: '' });
    await house.empty();
  });

  it('a command that waits for a start ends at once when somebody ends it', async () => {
    const house = home();
    house.write({ mcp_servers: { mute: upstream([house.journal.option, '--boot=silent']) } });
    for (const words of [['call', 'mute.x'], ['tools']]) {
      const before = house.journal.starts().length;
      const waiting = command(house, ...words);
      await until('the server is started', () => house.journal.starts().length > before);
      const beganAt = performance.now();
      waiting.process.kill('SIGINT');
      expect(await waiting.ended).toEqual({ code: 130, stdout: '', stderr: '' });
      expect(performance.now() - beganAt).toBeLessThan(10_000);
    }
    await house.empty();
  });

  it('a client that comes during a call is served, also after the call', async () => {
    const house = home();
    const calling = command(house, 'call', 'up.sleep', 'ms=1500');
    await until('the server has it', () => house.journal.lines('"sleep"').length > 0);
    const client = await house.open();
    expect(client.stderr).toContain(`connected to the gateway of process`);
    expect(await calling.ended).toMatchObject({ code: 0, stdout: 'slept 1500\n' });
    const answer = await client.request('tools/call', { name: 'up__pid', arguments: {} });
    expect(answer.error).toBeUndefined();
    expect((await hangar(house, 'status')).code).toBe(0);
    expect(await client.end()).toBe(0);
  });

  it.each([[['start', 'up']], [['stop', 'up']], [['restart', '--all']], [['logs']], [['reload']]])(
    '%j says how to start one',
    async (words) => {
      const house = home();
      expect(await hangar(house, ...words)).toEqual({
        code: 3,
        stdout: '',
        stderr: missing(house),
      });
      const { code, stdout } = await hangar(house, ...words, '--json');
      expect(code).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'GATEWAY_NOT_RUNNING' } });
    },
  );

  it('is what a command that follows one is left with when that ends', async () => {
    const house = home();
    const gateway = await house.http();
    await hangar(house, 'start', 'files');
    const following = command(house, 'logs', '--follow');
    const watching = command(house, 'status', '--watch', '-i', '0.2', '--json');
    await until('it watches', () => watching.stdout().includes('{'));
    await until('it follows', () => following.stdout().includes('Filesystem Server'));
    await gateway.stop();
    expect(await watching.ended).toMatchObject({ code: expect.toBeOneOf([2, 3]) });
    expect(await following.ended).toMatchObject({
      code: 2,
      stderr: `mcp-hangar: the gateway of process ${gateway.pid} ended before it answered\n  ask again: where clients are connected, another gateway takes over\n`,
    });
  });

  it('version knows itself', async () => {
    const house = home();
    expect((await hangar(house, 'version')).stdout).toContain('none runs for this configuration');
    expect(await json(house, 'version', '--json')).toMatchObject({
      version: '0.1.0',
      gateway: { running: false },
    });
  });

  it('a file that is wrong is said to be, line by line', async () => {
    const house = home();
    house.write({ mcp_servers: { up: { mode: 'no such mode' } } });
    for (const words of [['list'], ['tools'], ['call', 'up.pid']]) {
      const { code, stdout, stderr } = await hangar(house, ...words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`${house.file}:`);
      expect(stderr).not.toMatch(/^ +at /m);
    }
    expect((await hangar(house, 'version')).code).toBe(0);
  });
});

describe('What is typed wrongly', () => {
  it.each([
    [['lst'], 'Did you mean list?'],
    [['list', 'up'], 'too many arguments'],
    [['status', 'up', 'files'], "too many arguments for 'status'"],
    [['status', 'upp'], 'did you mean "up"?'],
    [['status', '--watch', '-i', '0'], '--interval "0" is no number from 0.2 to 3600'],
    [['tools', 'upp'], 'did you mean "up"?'],
    [['tools', '--jsn'], 'Did you mean --json?'],
    [['call'], "missing required argument 'tool'"],
    [['call', 'up.pid', 'x'], '"x" is no argument'],
    [['start'], 'name some, or write --all'],
    [['stop', '--all', 'up'], 'name some, or write --all'],
    [['restart', '--al'], 'Did you mean --all?'],
    [['logs', '-n', 'many'], '--lines "many" is no whole number from 0 to 10000'],
    [['list', '--config', 'no-such.yaml'], 'there is no file'],
  ])('%j is answered with exit code 1 and what to do', async (args, part) => {
    const { code, stderr } = await hangar(home(), ...args);
    expect(stderr).toContain(part);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it.each([
    'list',
    'status',
    'tools',
    'call',
    'start',
    'stop',
    'restart',
    'logs',
    'reload',
    'version',
  ])('%s is shown right in its help, with examples and exit codes', async (name) => {
    const { code, stdout } = await hangar(home(), name, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`\n  $ mcp-hangar ${name}`);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('3 no gateway runs');
  });
});
