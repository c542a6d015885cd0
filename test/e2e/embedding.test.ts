/** `import { Hangar } from 'mcp-hangar'`: the gateway inside another program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  Hangar,
  HangarError,
  type HangarConfig,
  type HangarEvent,
  type Progress,
} from 'mcp-hangar';
import { describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { errorOf, pidOf, textOf, up } from '../support/embedding.ts';
import { COMMAND, environment, ROOT } from '../support/gateway.ts';
import { isAlive } from '../support/processes.ts';
import { until, within } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const linux = needs('linux', () => process.platform === 'linux');
const PROGRAM = fileURLToPath(new URL('../fixtures/embedding/forgetful.mjs', import.meta.url));

describe('A call', () => {
  it('starts its server, passes the result on as values, and tells how far it is', async () => {
    await using hangar = await Hangar.start(up());
    const told: Progress[] = [];
    const onProgress = (progress: Progress): void => void told.push(progress);
    const echoed = await hangar.invoke('up', 'echo', { a: 1, b: 'ü' }, { onProgress });
    expect(JSON.parse(textOf(echoed))).toMatchObject({ arguments: { a: 1, b: 'ü' } });
    expect(told.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['cold_start', 'launching', 'ready', 'executing']),
    );
    const result = '{"content":[],"structuredContent":{"n":1.0,"big":12345678901234567890}}';
    const raw = await hangar.invoke('up', 'raw', { result });
    expect(raw.structuredContent).toEqual({ n: 1, big: Number('12345678901234567890') });
    await hangar.invoke('up', 'progress', { steps: 3, ms: 1 }, { onProgress });
    expect(told).toContainEqual(expect.objectContaining({ stage: 'executing', progress: 2 }));
    const bad = (): never => {
      throw new Error('no');
    };
    const after = await hangar.invoke('up', 'progress', { steps: 3, ms: 1 }, { onProgress: bad });
    expect(after.isError).not.toBe(true);
  });

  it('fails with codes of the catalogue; what a tool says of itself is no failure', async () => {
    await using hangar = await Hangar.start(up());
    expect((await hangar.invoke('up', 'fail')).isError).toBe(true);
    expect(await errorOf(hangar.invoke('upp', 'echo'))).toMatchObject({
      code: 'MCP_SERVER_UNKNOWN',
      isRetryable: false,
      remedy: 'Did you mean "up"?',
    });
    expect((await errorOf(hangar.invoke('up', 'ecko'))).code).toBe('TOOL_UNKNOWN');
    const line = '{"jsonrpc":"2.0","id":ID,"error":{"code":-32099,"message":"not today"}}';
    expect(await errorOf(hangar.invoke('up', 'reply', { line }))).toMatchObject({
      code: 'UPSTREAM_REFUSED',
      message: 'not today',
      data: { rpc: { code: -32_099 } },
    });
    const hung = hangar.invoke('up', 'hang', {}, { timeoutMs: 100 });
    expect(await errorOf(hung)).toMatchObject({ code: 'CALL_TIMED_OUT', isRetryable: true });
    const wrong = hangar.invoke('up', 'echo', {}, { timeoutMs: 1 });
    expect((await errorOf(wrong)).code).toBe('INPUT_INVALID');
    expect((await errorOf(hangar.invoke('up', 'crash'))).code).toBe('UPSTREAM_ENDED');
    const round: Record<string, unknown> = {};
    round['self'] = round;
    for (const args of [round, { big: 1n }])
      expect(await errorOf(hangar.invoke('up', 'echo', args))).toMatchObject({
        code: 'INPUT_INVALID',
        data: { field: 'arguments' },
      });
  });

  it('is not harmed by a logger that throws', async () => {
    const broken = (): never => {
      throw new Error('the disk is full');
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    await using hangar = await Hangar.start(up(), { logger });
    expect(await pidOf(hangar)).toBeGreaterThan(0);
  });

  it('is given up with the reason of its signal, before and during', async () => {
    await using hangar = await Hangar.start(up());
    await hangar.startMcpServer('up');
    const abort = new AbortController();
    const call = hangar.invoke('up', 'hang', {}, { signal: abort.signal });
    const reason = new Error('enough');
    setImmediate(() => abort.abort(reason));
    await expect(call).rejects.toBe(reason);
    await expect(hangar.invoke('up', 'pid', {}, { signal: abort.signal })).rejects.toBe(reason);
    expect(await pidOf(hangar)).toBeGreaterThan(0);
  });
});

it('Many calls at once are no reason to be warned', async () => {
  await using hangar = await Hangar.start(up());
  const warned: unknown[] = [];
  const warn = (warning: unknown): void => void warned.push(warning);
  process.on('warning', warn);
  const { signal } = new AbortController();
  const calls = Array.from({ length: 50 }, () =>
    hangar.invoke('up', 'sleep', { ms: 5 }, { signal }),
  );
  expect(await Promise.all(calls)).toHaveLength(50);
  await hangar.close();
  process.off('warning', warn);
  expect(warned).toEqual([]);
});

describe('Servers', () => {
  it('are listed, started, stopped and looked at', async () => {
    const config = up([], { description: 'Up', sharing: 'session' });
    await using hangar = await Hangar.start({
      mcp_servers: { ...config.mcp_servers, off: { ...upstream(), enabled: false } },
    });
    const [cold, off] = await hangar.listMcpServers();
    expect(cold).toMatchObject({ id: 'up', isCold: true, isReady: false, description: 'Up' });
    expect(off).toMatchObject({ id: 'off', state: 'disabled' });
    expect(await hangar.health()).toMatchObject({ allReady: false, anyReady: false });
    expect(await hangar.startMcpServer('up')).toMatchObject({ id: 'up', state: 'ready' });
    expect(await hangar.health()).toEqual({
      status: 'healthy',
      servers: { up: 'ready', off: 'disabled' },
      allReady: true,
      anyReady: true,
    });
    const pid = await pidOf(hangar);
    expect(await pidOf(hangar)).toBe(pid);
    expect((await hangar.tools('up')).map(({ name }) => name)).toContain('echo');
    const details = await hangar.getMcpServer('up');
    expect(details.tools.find(({ name }) => name === 'echo')?.inputSchema).toHaveProperty('type');
    expect(details.lastUsedAt).toBeInstanceOf(Date);
    expect(await hangar.healthCheck('up')).toMatchObject({ status: 'healthy', isReady: true });
    await hangar.stopMcpServer('up');
    expect((await hangar.getMcpServer('up')).isCold).toBe(true);
    expect((await errorOf(hangar.getMcpServer('off'))).code).toBe('MCP_SERVER_DISABLED');
  });
});

describe('A configuration', () => {
  it('that is a value is taken as it is', async () => {
    const env = { LITERAL: 'a${NOT_SET}b$${c' };
    await using hangar = await Hangar.start(up([], { env }), {
      env: { PATH: process.env['PATH'] },
    });
    expect(await pidOf(hangar)).toBeGreaterThan(0);
    const text = JSON.stringify(up([], { env }));
    const error = await errorOf(Hangar.fromConfig({ text }, { env: {} }));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(error.message).toContain('"NOT_SET" is not set');
  });

  it('that is wrong is refused with every problem, its key and its remedy', async () => {
    const wrong = { mcp_servers: { up: { comand: ['x'], idle_ttl_s: -1 } } } as HangarConfig;
    const error = await errorOf(Hangar.start(wrong));
    expect(error.message).toContain('did you mean "command"?');
    expect(error.message).toContain('mcp_servers.up.idle_ttl_s');
    expect(error.data['problems']).toHaveLength(2);
    expect((await errorOf(Hangar.fromConfig('/does/not/exist.yaml'))).code).toBe('CONFIG_INVALID');
  });

  it('of which parts have no effect is told to the logger', async () => {
    const logged: string[] = [];
    const log = (fields: object, event: string): void =>
      void logged.push(`${event} ${JSON.stringify(fields)}`);
    const logger = { debug: log, info: log, warn: log, error: log };
    const text = JSON.stringify({ ...up(), cloud: {} });
    await using hangar = await Hangar.fromConfig({ text }, { logger });
    expect(logged.join()).toMatch(/configuration_notice .*cloud/);
    expect(await pidOf(hangar)).toBeGreaterThan(0);
    expect(logged.join()).toContain('mcp_server_started');
  });
});

describe('Two gateways in one process', () => {
  it('share nothing, and one goes on where the other is closed', async () => {
    await using one = await Hangar.start(up(['--tools=1']));
    await using two = await Hangar.start(up(['--tools=3']));
    const seen: string[] = [];
    two.events.subscribe(({ type, stream }) => void seen.push(`${type} ${stream}`));
    const [first, second] = await Promise.all([pidOf(one), pidOf(two)]);
    expect(first).not.toBe(second);
    const counts = await Promise.all([one.tools('up'), two.tools('up')]);
    expect(
      counts.map((tools) => tools.filter(({ name }) => name.startsWith('extra')).length),
    ).toEqual([1, 3]);
    const urls = await Promise.all([one.listen({ port: 0 }), two.listen({ port: 0 })]);
    expect(new Set(urls).size).toBe(2);
    await until('the second hears of its own call', () =>
      seen.includes('ToolInvocationCompleted tool_calls:up'),
    );
    await one.close();
    expect((await errorOf(one.invoke('up', 'pid'))).code).toBe('GATEWAY_STOPPING');
    expect(await pidOf(two)).toBe(second);
    expect((await fetch(new URL('/health/live', urls[1]))).ok).toBe(true);
    await expect(fetch(new URL('/health/live', urls[0]))).rejects.toThrow('fetch failed');
    await one.invoke('up', 'pid').catch(() => undefined);
    await two.invoke('up', 'pid');
    expect(seen.filter((entry) => entry.startsWith('McpServerStarted'))).toHaveLength(1);
  });
});

describe('Clients', () => {
  it('are served over HTTP, on this machine unless that is wanted otherwise', async () => {
    await using hangar = await Hangar.start(up());
    expect(await errorOf(hangar.listen({ host: '0.0.0.0', port: 0 }))).toMatchObject({
      code: 'INPUT_INVALID',
      data: { field: 'host' },
    });
    await using taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect((await errorOf(hangar.listen({ port }))).code).toBe('ADDRESS_UNAVAILABLE');
    const url = await hangar.listen({ port: 0 });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect((await errorOf(hangar.listen({ port: 0 }))).code).toBe('INPUT_INVALID');
    expect((await fetch(new URL('/health/ready', url))).ok).toBe(true);
  });

  it('find no port where it was closed before it was open', async () => {
    const hangar = await Hangar.start(up());
    const refused = errorOf(hangar.listen({ port: 0 }));
    await hangar.close();
    expect((await refused).code).toBe('GATEWAY_STOPPING');
  });

  it('are served over a pair of streams', async () => {
    await using hangar = await Hangar.start(up());
    const [input, output] = [new PassThrough(), new PassThrough()];
    const { closed } = hangar.connect(input, output);
    input.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    const [line] = (await once(output, 'data')) as [Buffer];
    expect(JSON.parse(line.toString())).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    input.end();
    await within('the client is gone', closed);
  });
});

describe('Events', () => {
  it('of the past and of now come in order and end with the gateway', async () => {
    const hangar = await Hangar.start(up());
    await using _closed = hangar;
    const now = hangar.events.follow({ types: ['ToolInvocationCompleted'] });
    await hangar.invoke('up', 'pid');
    await hangar.invoke('up', 'pid');
    const first = await now.next();
    expect(first.value).toMatchObject({ type: 'ToolInvocationCompleted', stream: 'tool_calls:up' });
    const all: HangarEvent[] = [];
    const reading = (async () => {
      for await (const event of hangar.events.follow({ past: 100 })) all.push(event);
    })();
    await until('the past is read', () => all.length > 3);
    expect(all.map(({ type }) => type)).toContain('McpServerStarted');
    expect(() => hangar.events.follow({ past: -1 })).toThrow(HangarError);
    await hangar.close();
    await within('the events end', reading);
    expect((await within('the others end', now.next())).done).toBe(true);
  });

  it('reach a listener until it is taken away, also one that throws', async () => {
    await using hangar = await Hangar.start(up());
    let heard = 0;
    const end = hangar.events.subscribe(() => {
      heard += 1;
      throw new Error('no');
    });
    await hangar.invoke('up', 'pid');
    await until('it hears more than one', () => heard > 1);
    end();
    const count = heard;
    const next = hangar.events.follow({ types: ['ToolInvocationCompleted'] }).next();
    await hangar.invoke('up', 'pid');
    await next;
    expect(heard).toBe(count);
  });
});

it('A listener whose promise is rejected harms nobody else', async () => {
  const unheard: unknown[] = [];
  const onUnheard = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', onUnheard);
  try {
    const told: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (_: object, event: string) => void told.push(event),
    };
    await using hangar = await Hangar.start(up(), { logger });
    // eslint-disable-next-line typescript/no-misused-promises -- what a careless program does
    hangar.events.subscribe(() => Promise.reject(new Error('no')));
    await hangar.invoke('up', 'pid');
    await until('it is told of', () => told.includes('event_listener_failed'));
  } finally {
    process.off('unhandledRejection', onUnheard);
  }
  expect(unheard).toEqual([]);
});

describe('A state folder', () => {
  it('is named by the program, keeps what happened, and has one gateway at a time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hangar-state-'));
    try {
      const stateDir = join(folder, 'state');
      const hangar = await Hangar.start(up(), { stateDir });
      const pid = await pidOf(hangar);
      const error = await errorOf(Hangar.start(up(), { stateDir }));
      expect(error.code).toBe('STATE_UNAVAILABLE');
      expect(error.message).toContain(`the gateway of process ${process.pid} has it`);
      expect(await parkedCalls(stateDir, folder)).toMatchObject({ total: 0 });
      await hangar.close();
      await using next = await Hangar.start(up(), { stateDir });
      const past = (await next.events.follow({ past: 10 }).next()).value as HangarEvent;
      expect(past.data['mcp_server_id']).toBe('up');
      expect(await pidOf(next)).not.toBe(pid);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  });
});

/** What the command line hears of the gateway in this process. */
async function parkedCalls(stateDir: string, folder: string): Promise<unknown> {
  const args = [COMMAND, 'calls', 'parked', '--json', '--state-dir', stateDir];
  const child = spawn(process.execPath, args, { cwd: folder, env: environment(folder) });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text);
}

describe('The end', () => {
  it('waits for calls in flight', async () => {
    const hangar = await Hangar.start(up());
    await hangar.startMcpServer('up');
    const call = hangar.invoke('up', 'sleep', { ms: 100 });
    await hangar.close();
    await hangar.close();
    expect((await call).isError).not.toBe(true);
  });

  it('waits no longer than it may', async () => {
    const hangar = await Hangar.start({ ...up(), limits: { shutdown_grace_s: 0.1 } });
    await hangar.startMcpServer('up');
    const ended = errorOf(hangar.invoke('up', 'hang'));
    await hangar.close();
    expect((await ended).code).toBe('GATEWAY_STOPPING');
  });

  it.skipIf(linux.isMissing).each([
    ['that closes it ends by itself', 'close', 0],
    ['that exits leaves nothing behind', 'exit', 0],
    ['that fails leaves nothing behind', 'throw', 1],
    ['that is killed leaves nothing behind', 'wait', 'SIGKILL'],
  ])(`of a program %s ${linux.mark}`, async (_what, how, ending) => {
    const { command } = upstream();
    const stubborn = how === 'close' ? [] : ['--ignore-term'];
    const words = JSON.stringify([...(command as string[]), ...stubborn]);
    const child = spawn(process.execPath, [PROGRAM, how, words], { cwd: ROOT, stdio: 'pipe' });
    const exited = once(child, 'exit');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { pid, touched } = JSON.parse(line.toString()) as { pid: number; touched: boolean };
    expect(touched).toBe(false);
    if (how === 'wait') child.kill('SIGKILL');
    const [code, signal] = (await within('the program ends', exited, 20_000)) as [unknown, unknown];
    expect(code ?? signal).toBe(ending);
    await until('its server is gone', () => !isAlive(pid));
  });
});

it('The example runs', async () => {
  const child = spawn(process.execPath, [join(ROOT, 'examples/embedding/main.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(text).toContain('# Welcome aboard');
  expect(text).toContain('files: ready, 14 tools\nthinking: cold, 0 tools\n');
  expect(text).toContain('Did you mean "read_text_file"?');
  expect(text).toMatch(/ToolInvocationCompleted files\n$/);
});
