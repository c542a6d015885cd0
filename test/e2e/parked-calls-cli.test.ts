/** `mcp-hangar calls parked`: what an operator sees of calls that wait for answers of their clients. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, it } from 'vitest';
import { MODERN, modern, modernCall } from '../support/clients.ts';
import { COMMAND, environment, ROOT, type GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const ELICITATION = 'everything__trigger-elicitation-request';

const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

function home(): Household {
  const made = new Household((journal) => ({
    mcp_servers: {
      everything: { command: process.execPath, args: [EVERYTHING] },
      up: upstream([journal.option]),
    },
  }));
  homes.push(made);
  return made;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in the home. */
function hangar(house: Household, ...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: environment(house.folder), cwd: house.folder };
    const child = execFile(process.execPath, [COMMAND, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

const parked = (house: Household, ...flags: readonly string[]): Promise<Outcome> =>
  hangar(house, 'calls', 'parked', '--config', house.file, ...flags);

interface Report {
  readonly as_of: string;
  readonly total: number;
  readonly calls: readonly Record<string, unknown>[];
}

async function report(house: Household): Promise<Report> {
  const { code, stdout, stderr } = await parked(house, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

/** Calls the tool with the official client; its question is answered when `answer` is called. */
async function waitingCall(
  gateway: GatewayProcess,
): Promise<{ readonly answer: () => void; readonly done: Promise<unknown> }> {
  const client = new Client(
    { name: 'e2e', version: '1.0.0' },
    {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: { pin: MODERN } },
    },
  );
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let isAsked = false;
  client.setRequestHandler('elicitation/create', async () => {
    isAsked = true;
    await answered;
    return { action: 'accept', content: { name: 'Ada Lovelace', check: true } };
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url())));
  const done = client
    .callTool({ name: ELICITATION, arguments: {} })
    .finally(() => void client.close());
  await until('the client is asked', () => isAsked);
  return { answer, done };
}

describe('A call that waits for its client', () => {
  it('is listed with what it waits for, and no more once its client has answered', async () => {
    const house = home();
    const gateway = await house.http();
    const { answer, done } = await waitingCall(gateway);
    const { as_of: asOf, total, calls } = await report(house);
    expect(total).toBe(1);
    expect(calls).toEqual([
      {
        id: expect.stringMatching(/^[\w-]{12}$/),
        waits_for: 'input',
        asks: ['elicitation/create'],
        mcp_server: 'everything',
        method: 'tools/call',
        name: expect.stringContaining('trigger-elicitation-request'),
        principal: 'anonymous',
        round: 1,
        parked_at: expect.any(String),
        expires_at: expect.any(String),
      },
    ]);
    const [call = {}] = calls;
    expect(Date.parse(String(call['parked_at']))).toBeLessThanOrEqual(Date.parse(asOf));
    expect(Date.parse(String(call['expires_at']))).toBeGreaterThan(Date.parse(asOf));
    const { stdout } = await parked(house);
    expect(stdout).toMatch(/^ID +WAITS FOR +SERVER +TOOL +PRINCIPAL +ROUND +PARKED +EXPIRES IN\n/);
    expect(stdout).toMatch(/elicitation +everything +\S*trigger-elicitation-request +anonymous +1/);
    answer();
    expect(JSON.stringify(await done)).toContain('Ada Lovelace');
    expect((await parked(house)).stdout).toBe('No call is parked.\n');
  });

  it('shows neither its arguments nor what would open it, and the oldest stands first', async () => {
    const house = home();
    const gateway = await house.http();
    const capabilities = { elicitation: {} };
    const states: string[] = [];
    for (const message of ['first-secret', 'second-secret']) {
      const args = { method: 'elicitation/create', params: { message } };
      const call = modernCall(gateway.url('up'), 'ask', args, { capabilities });
      states.push(String((await call.answer()).result?.['requestState']));
    }
    const { calls } = await report(house);
    expect(calls.map(({ mcp_server: server, name }) => [server, name])).toEqual([
      ['up', 'ask'],
      ['up', 'ask'],
    ]);
    const times = calls.map(({ parked_at: at }) => String(at));
    expect(times).toEqual(times.toSorted());
    const shown = (await parked(house)).stdout + (await parked(house, '--json')).stdout;
    expect(shown).not.toContain('secret');
    for (const state of states) {
      expect(state).toMatch(/^hgr1\./);
      expect(shown).not.toContain(state);
    }
    const bare = { name: 'ask', arguments: {}, requestState: String(calls[0]?.['id']) };
    const opened = await modern(gateway.url('up'), 'tools/call', bare, { capabilities }).answer();
    expect(opened.error).toMatchObject({ data: { code: 'REQUEST_STATE_INVALID' } });
  });
});

describe('A call of a client that shares a gateway', () => {
  it('is over with its client, and so is the process that it kept', async () => {
    const house = home();
    const gateway = await house.http();
    const client = house.start();
    const params = { name: 'up__ask', arguments: { method: 'elicitation/create', params: {} } };
    const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
    const asked = await client.modern('tools/call', params, meta);
    expect(asked.result).toMatchObject({ resultType: 'input_required' });
    expect(await report(house)).toMatchObject({ total: 1 });
    const asking = house.journal.entries().findLast(({ line }) => line?.includes('"ask"'))?.pid;
    expect(isAlive(asking ?? 0)).toBe(true);
    expect(await client.end()).toBe(0);
    await until('its process has ended', () => !isAlive(asking ?? 0));
    expect(await report(house)).toMatchObject({ total: 0 });
    expect(gateway.stderr()).not.toContain('defect');
  });
});

describe('The gateway that runs', () => {
  it('is asked also where an AI client started it, and where the file was changed since', async () => {
    const house = home();
    const client = await house.open();
    expect(await report(house)).toMatchObject({ total: 0, calls: [] });
    house.write({ mcp_servers: {} });
    expect(await report(house)).toMatchObject({ total: 0 });
    house.write({ mcp_servers: { broken: { mode: 'no such mode' } } });
    expect((await parked(house)).stdout).toBe('No call is parked.\n');
    expect(await client.end()).toBe(0);
  });

  it('is found in the folder that --state-dir names', async () => {
    const house = home();
    const folder = join(house.folder, 'state of ours');
    expect(await parked(house, '--state-dir', folder)).toMatchObject({ code: 3 });
    await house.http('--state-dir', folder);
    expect(await parked(house, '--state-dir', folder)).toMatchObject({ code: 0 });
    const { code, stderr } = await parked(house);
    expect(code).toBe(3);
    expect(stderr).toContain(`no gateway runs for ${house.file}`);
  });

  it('is missed with exit code 3 and told how to be started, also after it was killed', async () => {
    const house = home();
    const missing =
      `mcp-hangar: no gateway runs for ${house.file}\n` +
      `  AI clients start one, and so does: mcp-hangar serve --http --config ${house.file}\n`;
    const none = { code: 3, stdout: '', stderr: missing };
    expect(await parked(house)).toEqual(none);
    const inJson = await parked(house, '--json');
    expect(inJson).toMatchObject({ code: 3, stderr: missing });
    expect(JSON.parse(inJson.stdout)).toEqual({
      error: {
        code: 'GATEWAY_NOT_RUNNING',
        message: `no gateway runs for ${house.file}`,
        fix: `AI clients start one, and so does: mcp-hangar serve --http --config ${house.file}`,
      },
    });
    const gateway = await house.http();
    expect(await parked(house)).toMatchObject({ code: 0 });
    gateway.kill();
    await gateway.exited;
    expect(await parked(house)).toEqual(none);
    await house.http('--standalone');
    expect(await parked(house)).toEqual(none);
  });

  it('is told apart from one that does not answer', async () => {
    const house = home();
    const gateway = await house.http();
    process.kill(gateway.pid, 'SIGSTOP');
    try {
      expect(await parked(house)).toEqual({
        code: 2,
        stdout: '',
        stderr:
          'mcp-hangar: the gateway of this configuration does not answer\n' +
          '  Try again; where it stays silent, end the mcp-hangar process that runs.\n',
      });
    } finally {
      process.kill(gateway.pid, 'SIGCONT');
    }
  });
});

describe('What is typed wrongly', () => {
  it.each([
    [['calls'], 'Usage: mcp-hangar calls'],
    [['calls', 'prked'], 'Did you mean parked?'],
    [['calls', 'parked', '--jsn'], 'Did you mean --json?'],
    [['calls', 'parked', '--config', 'no-such.yaml'], 'there is no file'],
  ])('%j is answered with exit code 1 and what to do', async (args, part) => {
    const { code, stdout, stderr } = await hangar(home(), ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(part);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('is shown right in the help, with examples and exit codes', async () => {
    const { code, stdout } = await hangar(home(), 'calls', 'parked', '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('$ mcp-hangar calls parked --json');
    expect(stdout).toContain('3 no gateway runs');
  });
});
