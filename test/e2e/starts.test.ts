/** Servers that do not start, and what is left of them and of the gateway at the end. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { fetchText, type Message } from '../support/http.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const LEFT_MS_MAX = 2_000;
const linux = needs('linux', () => process.platform === 'linux');

const dataOf = (message: Message): Record<string, unknown> =>
  (message.error?.data ?? {}) as Record<string, unknown>;
const pidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('pid').answer()));

describe('A server that does not start', () => {
  let gateway: GatewayProcess;
  let journal: Journal;
  const script = (text: string, keys = {}) => ({
    command: [process.execPath, '-e', text],
    startup_timeout_s: 1,
    ...keys,
  });
  const noisy = 'console.log("Listening on port 3000"); setInterval(() => 0, 1000)';

  beforeAll(async () => {
    journal = await Journal.open();
    gateway = await startGateway({
      catalog: { first_list_wait_ms: 1_500 },
      mcp_servers: {
        exits: upstream(['--boot=exit']),
        silent: upstream(['--boot=silent'], { startup_timeout_s: 1 }),
        noisy: script(noisy),
        absent: { command: ['no-such-program-anywhere'] },
        folder: { command: [join(import.meta.dirname)] },
        wrong: script('process.exit(0)', { cwd: '/no/such/folder' }),
        leaves: upstream([journal.option, '--boot=leave']),
        once: upstream([journal.option, '--boot=once', `--flag=${journal.folder}/flag`]),
        chatty: upstream(['--boot=chatter']),
        inactive: { mode: 'docker', image: 'x' },
        calm: upstream(),
      },
    });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await journal?.[Symbol.asyncDispose]();
  });

  it.each([
    ['exits', /exit code 3.*UPSTREAM_TOKEN is missing/s, 'MCP_SERVER_START_FAILED'],
    ['silent', /1 s/, 'MCP_SERVER_START_FAILED'],
    ['noisy', /Listening on port 3000/, 'MCP_SERVER_START_FAILED'],
    ['absent', /"?no-such-program-anywhere"? (was )?not found/, 'MCP_SERVER_START_FAILED'],
    ['folder', /Cannot start/, 'MCP_SERVER_START_FAILED'],
    ['wrong', /\/no\/such\/folder/, 'MCP_SERVER_START_FAILED'],
    ['inactive', /docker|container/, 'MCP_SERVER_INACTIVE'],
  ])('tells the caller why, in both eras: %s', async (server, cause, code) => {
    // Without waiting for a catalogue: the first answer is that of the start itself.
    const message = await modernCall(gateway.url(server), 'pid').answer();
    const first = dataOf(message)['code'];
    expect([code, 'MCP_SERVER_BACKING_OFF']).toContain(first);
    expect(message.error?.message).toMatch(cause);
    const legacy = await LegacyClient.open(gateway.url(server));
    expect((await legacy.call('pid').answer()).error?.message).toMatch(cause);
  });

  it('is not started again before its back-off is over, whoever asks', async () => {
    const client = await LegacyClient.open(gateway.url('once'));
    const starts = journal.starts().length;
    expect(starts).toBeGreaterThan(0);
    const refused = await Promise.all(
      Array.from({ length: 10 }, () => client.call('pid').answer()),
    );
    for (const message of refused) {
      expect(dataOf(message)).toMatchObject({ code: 'MCP_SERVER_BACKING_OFF', retryable: true });
      expect(dataOf(message)['retryAfterMs']).toBeLessThanOrEqual(2_200);
      expect(message.error?.message).toContain('UPSTREAM_TOKEN is missing');
    }
    await client.request('tools/list').answer();
    await modern(gateway.url('once'), 'tools/list').answer();
    expect(journal.starts()).toHaveLength(starts);
  });

  it('is started again after it, and then works', async () => {
    await writeFile(join(journal.folder, 'flag'), '');
    const client = await LegacyClient.open(gateway.url('once'));
    const pid = await until('the back-off is over', async () => {
      const message = await client.call('pid').answer();
      return message.error === undefined && textOf(message);
    });
    expect(Number(pid)).toBeGreaterThan(0);
  });

  it('works although it prints on stdout at first', async () => {
    const client = await LegacyClient.open(gateway.url('chatty'));
    expect(await pidOf(client)).toBeGreaterThan(0);
  });

  it('that leaves as soon as it is asked is started twice, then backs off', async () => {
    const client = await LegacyClient.open(gateway.url('leaves'));
    const codes = new Set<unknown>();
    await until('it backs off', async () => {
      codes.add(dataOf(await client.call('pid').answer())['code']);
      return codes.has('MCP_SERVER_BACKING_OFF');
    });
    expect(journal.starts().length).toBeLessThan(10);
  });

  it('holds up neither the list of all nor a call to another one', async () => {
    const startedMs = performance.now();
    const list = await modern(gateway.url(), 'tools/list').answer();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    const tools = list.result?.['tools'] as readonly { readonly name: string }[] | undefined;
    const names = tools?.map(({ name }) => name) ?? [];
    expect(names).toContain('calm__echo');
    expect(names.filter((name) => name.startsWith('exits__'))).toEqual([]);
  });
});

describe('A healthy server beside one that is silent', () => {
  it.each([true, false])('answers its first call at once (modern: %s)', async (isModern) => {
    await using gateway = await startGateway({
      mcp_servers: { silent: upstream(['--boot=silent']), calm: upstream() },
    });
    const startedMs = performance.now();
    const legacy = isModern ? undefined : await LegacyClient.open(gateway.url());
    const call = legacy?.call('calm__pid') ?? modernCall(gateway.url(), 'calm__pid');
    expect(Number(textOf(await call.answer()))).toBeGreaterThan(0);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    gateway.kill(); // a graceful end would wait for the silent one
    await gateway.exited;
  });
});

describe('A gateway that is told to stop', () => {
  it('answers the calls in flight, takes no more, and leaves nothing', async () => {
    await using gateway = await startGateway({ mcp_servers: { up: upstream() } });
    const client = await LegacyClient.open(gateway.url('up'));
    await client.listen();
    const [pid, ready] = [await pidOf(client), `${gateway.origin}/health/ready`];
    const calls = [
      client.call('sleep', { ms: 700 }),
      modernCall(gateway.url('up'), 'sleep', { ms: 700 }),
    ];
    await until('both are under way', async () => {
      const waiting = await client.call('sleep', { ms: 30 }).answer();
      return waiting.error === undefined;
    });
    const stopped = gateway.stop();
    await until('no new connection is taken', async () => {
      try {
        return !(await fetchText(ready, { method: 'GET' })).text.includes('"ready"');
      } catch {
        return true;
      }
    });
    for (const call of calls) expect(textOf(await call.answer())).toBe('slept 700');
    expect(await stopped).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('gives up on those that outlast the grace, and says so', async () => {
    await using gateway = await startGateway({
      limits: { shutdown_grace_s: 0.3 },
      mcp_servers: { up: upstream() },
    });
    const client = await LegacyClient.open(gateway.url('up'));
    const pid = await pidOf(client);
    const calls = [client.call('hang'), modernCall(gateway.url('up'), 'hang')];
    await until('they are under way', async () => (await pidOf(client)) === pid);
    const startedMs = performance.now();
    const stopped = gateway.stop();
    for (const call of calls) {
      const message = await call.answer();
      expect(dataOf(message)).toMatchObject({ code: 'GATEWAY_STOPPING', retryable: true });
    }
    expect(await stopped).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(isAlive(pid)).toBe(false);
  });

  it('ends also a server that ignores it', async () => {
    await using gateway = await startGateway({ mcp_servers: { up: upstream(['--ignore-term']) } });
    const pid = await pidOf(await LegacyClient.open(gateway.url('up')));
    expect(await gateway.stop()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});

describe.skipIf(linux.isMissing)(`A gateway that is killed ${linux.mark}`, () => {
  it('leaves no process behind', async () => {
    await using gateway = await startGateway({
      mcp_servers: {
        kind: upstream(),
        stubborn: upstream(['--ignore-term']),
        frozen: upstream(),
        asking: upstream(),
      },
    });
    const pids: number[] = [];
    for (const server of ['kind', 'stubborn', 'frozen'])
      pids.push(await pidOf(await LegacyClient.open(gateway.url(server))));
    const capabilities = { roots: {} };
    pids.push(await pidOf(await LegacyClient.open(gateway.url('asking'), { capabilities })));
    process.kill(pids[2] ?? 0, 'SIGSTOP');
    const family = descendantsOf(gateway.pid);
    expect(family).toEqual(expect.arrayContaining(pids));
    expect(family.length).toBe(pids.length + 1); // and the guardian
    gateway.kill();
    await gateway.exited;
    const killedAtMs = performance.now();
    await until('nobody is left', () => !family.some(isAlive), LEFT_MS_MAX);
    console.log(`kill -9: nobody left after ${Math.round(performance.now() - killedAtMs)} ms`);
  });
});
