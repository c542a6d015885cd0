/** What the command does on its pipes, and how it ends. (The conformance suite has no way to run over stdio.) */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Config } from '../support/gateway.ts';
import { LegacyClient, textOf } from '../support/clients.ts';
import type { Message } from '../support/http.ts';
import { descendantsOf, isAlive } from '../support/processes.ts';
import { StdioClient, stdioTarget } from '../support/stdio.ts';
import { until, within } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';
import { needs } from '../../scripts/requirements.ts';

const linux = needs('linux', () => process.platform === 'linux');
const script = needs('script', () =>
  spawnSync('script', ['--version']).stdout?.includes('util-linux'),
);
const up = (keys: Config = {}, args: readonly string[] = []): Config => ({
  mcp_servers: { up: upstream(args) },
  ...keys,
});
const codeOf = (message: Message): unknown =>
  (message.error?.data as Record<string, unknown> | undefined)?.['code'];
const pidOf = async (client: StdioClient): Promise<number> =>
  Number(textOf(await client.call('up__pid')));

describe('The pipe', () => {
  it('carries both eras, bad lines and equal ids, and every line of it is protocol', async () => {
    await using client = await StdioClient.start(up());
    expect(codeOf(await client.request('tools/list'))).toBe('SESSION_MISSING');
    expect((await client.request('ping')).result).toEqual({});
    expect((await client.modern('server/discover')).result).toHaveProperty('supportedVersions');
    await client.initialize();
    expect((await client.request('initialize', {})).error?.code).toBe(-32_600);
    client.send('');
    client.send('no json');
    expect((await client.answer(null)).error?.code).toBe(-32_700);
    expect(textOf(await client.call('up__echo', { a: 1 }))).toContain('"a":1');
    const modern = await client.modern('tools/call', { name: 'up__pid', arguments: {} });
    expect(modern.result).toMatchObject({ resultType: 'complete' });
    const twice = '{"jsonrpc":"2.0","id":"same","method":"tools/call","params":{"name":"up__pid"}}';
    client.send(twice);
    client.send(twice);
    await until('both are answered', () => {
      const answers = client.messages.filter(({ id }) => id === 'same');
      return answers.length === 2;
    });
    for (const message of client.messages) expect(message.jsonrpc).toBe('2.0');
  });

  it('has progress before its answer, and asks the client', async () => {
    await using client = await StdioClient.open(up(), { capabilities: { sampling: {} } });
    const meta = { progressToken: 'P' };
    const id = 'slow';
    const params = { name: 'up__progress', arguments: { steps: 3 }, _meta: meta };
    await client.request('tools/call', params, id);
    const mine = client.messages.filter(
      (one) => one.id === id || one.params?.['progressToken'] === 'P',
    );
    expect(mine.map((one) => one.params?.['progress'] ?? one.id)).toEqual([1, 2, 3, id]);
    const asking = client.call('up__ask', { method: 'sampling/createMessage', params: {} });
    const question = await client.notified('sampling/createMessage');
    client.send(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { said: 'this' } }));
    expect(textOf(await asking)).toContain('"said":"this"');
  });

  it('passes large requests and answers, and refuses those over the limit', async () => {
    await using client = await StdioClient.open(up({ limits: { body_bytes_max: 2_000_000 } }));
    const text = await client.call('up__echo', { big: 'ü'.repeat(900_000) });
    expect(textOf(text).length).toBeGreaterThan(900_000);
    expect(textOf(await client.call('up__gen', { bytes: 12_000_000 }))).toHaveLength(12_000_000);
    const refused = await client.call('up__echo', { big: 'x'.repeat(2_000_000) });
    expect(codeOf(refused)).toBe('BODY_TOO_LARGE');
    expect((await client.request('ping')).result).toEqual({});
  });

  it('keeps the order of many calls and loses none', async () => {
    await using client = await StdioClient.open(up());
    await client.call('up__pid');
    const calls = Array.from({ length: 200 }, (_, n) => client.call('up__echo', { n }));
    const answers = await Promise.all(calls);
    answers.forEach((answer, n) => expect(textOf(answer)).toContain(`"n":${n}}`));
  });
});

describe('The end of stdin', () => {
  it('lets calls in flight be answered, ends all children, and exits with 0', async () => {
    await using client = await StdioClient.open(up());
    const pid = await pidOf(client);
    const slow = client.call('up__sleep', { ms: 500 });
    await until('it is under way', async () => (await pidOf(client)) === pid);
    expect(await client.end()).toBe(0);
    expect(textOf(await slow)).toBe('slept 500');
    expect(isAlive(pid)).toBe(false);
    expect(client.stderr).toContain('input ended');
  });

  it('gives up on calls that outlast the grace, and tells them', async () => {
    await using client = await StdioClient.open(up({ limits: { shutdown_grace_s: 0.3 } }));
    const hanging = client.call('up__hang');
    await pidOf(client);
    expect(await client.end()).toBe(0);
    expect(codeOf(await hanging)).toBe('GATEWAY_STOPPING');
  });

  it('ends also a gateway that was told nothing, at once', async () => {
    await using client = await StdioClient.start(up());
    expect(await client.end()).toBe(0);
    expect(client.messages).toEqual([]);
  });
});

describe('SIGTERM', () => {
  it('does what the end of stdin does', async () => {
    await using client = await StdioClient.open(up());
    const pid = await pidOf(client);
    const slow = client.call('up__sleep', { ms: 500 });
    await until('it is under way', async () => (await pidOf(client)) === pid);
    client.child.kill('SIGTERM');
    expect(textOf(await slow)).toBe('slept 500');
    expect(await within('the gateway ends', client.exited)).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});

describe('A client that stops reading', () => {
  it('by closing its end ends the gateway quietly', async () => {
    await using client = await StdioClient.open(up());
    const pid = await pidOf(client);
    client.child.stdout.destroy();
    client.send('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    client.send('{"jsonrpc":"2.0","id":2,"method":"ping"}');
    expect(await within('the gateway ends', client.exited)).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(client.stderr).not.toContain('EPIPE');
  });

  it('ends it once more waits than may', async () => {
    const limits = { client_buffer_bytes_max: 1_000_000 };
    await using client = await StdioClient.open(up({ limits }));
    await client.call('up__pid');
    client.child.stdout.pause();
    const line = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    // Some 4 KB each.
    for (let n = 0; n < 2_000; n += 1) client.send(line);
    await until('it has given up', () => client.stderr.includes('client too slow'));
    client.child.stdout.resume();
    expect(await within('the gateway ends', client.exited)).toBe(0);
  });
});

describe.skipIf(linux.isMissing)(`A gateway that is killed ${linux.mark}`, () => {
  it('leaves no process behind', async () => {
    await using client = await StdioClient.open(up());
    await pidOf(client);
    const family = descendantsOf(client.pid);
    expect(family.length).toBeGreaterThan(1);
    client.child.kill('SIGKILL');
    await client.exited;
    await until('nobody is left', () => !family.some(isAlive));
  });
});

describe.skipIf(script.isMissing)(`A terminal ${script.mark}`, () => {
  it('is told what is spoken here', async () => {
    await using target = await stdioTarget(up());
    // `script` gives the command a terminal; the first line of its output is enough.
    const quoted = [target.command, ...target.args].map((part) => `'${part}'`).join(' ');
    const child = spawn('script', ['-qec', quoted, '/dev/null'], {
      cwd: target.cwd,
      env: target.env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await until('it says so', () => text.includes('--http serves HTTP'));
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(text).toContain('mcp-hangar speaks MCP on stdin and stdout');
  });
});

describe('MCP_MODE=http', () => {
  it('serves HTTP without --http', async () => {
    await using target = await stdioTarget(up());
    const child = spawn(target.command, [...target.args, '--port', '0'], {
      cwd: target.cwd,
      env: { ...target.env, MCP_MODE: 'http' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    const url = await until('it serves', () => /serves at (http:\S+)/.exec(stderr)?.[1]);
    expect((await LegacyClient.open(url)).hello.result).toHaveProperty('serverInfo');
    child.kill('SIGTERM');
    expect(await within('it ends', once(child, 'exit'))).toEqual([0, null]);
  });
});
