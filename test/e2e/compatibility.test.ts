/**
 * The compatibility checklist of the first configurations and commands, row by row, over both transports. The
 * numbers are those of the checklist; a test of one of its rows says so at the beginning of its name, wherever it is.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { LegacyClient, textOf } from '../support/clients.ts';
import { COMMAND, environment, fileOf, startGateway, type Config } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const SEED = join(
  fileURLToPath(new URL('../fixtures/product', import.meta.url)),
  '002-quick-start.yaml',
);
/** Those that this build has; the others come with what they are about. */
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 16, 19, 20];
const TRANSPORTS = ['stdio', 'HTTP'] as const;

/** What a test needs of a client, on either transport. */
interface Client {
  readonly hello: Message;
  request(method: string, params?: unknown): Promise<Message>;
  call(name: string, args?: unknown): Promise<Message>;
}

const open: AsyncDisposable[] = [];
afterEach(async () => {
  // The journals last: servers write into them until their gateway has ended.
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function connect(
  transport: (typeof TRANSPORTS)[number],
  config: Config | string,
): Promise<Client> {
  if (transport === 'stdio') {
    const client = await StdioClient.start(config);
    open.push(client);
    const hello = await client.initialize();
    return {
      hello,
      request: (method, params) => client.request(method, params),
      call: (name, args) => client.call(name, args),
    };
  }
  const gateway = await startGateway(config);
  open.push(gateway);
  const client = await LegacyClient.open(gateway.url());
  return {
    hello: client.hello,
    request: (method, params) => client.request(method, params).answer(),
    call: (name, args) => client.call(name, args).answer(),
  };
}

async function journal(): Promise<Journal> {
  const kept = await Journal.open();
  open.push(kept);
  return kept;
}

/** The tools of providers; the gateway's own have no prefix. */
const namesOf = ({ result }: Message): readonly string[] =>
  ((result?.['tools'] ?? []) as readonly { readonly name: string }[])
    .map(({ name }) => name)
    .filter((name) => name.includes('__'));

const PROVIDER = { provider: 'math' };
const CALL = { ...PROVIDER, tool: 'echo', arguments: { a: 1 } };
/** The tools of the product, each with arguments and the keys that its result must have. */
const REGISTRY: Readonly<
  Record<string, { readonly args: object; readonly keys: readonly string[] }>
> = {
  registry_list: { args: {}, keys: ['providers', 'groups'] },
  registry_start: { args: PROVIDER, keys: ['provider', 'state', 'tools'] },
  registry_tools: { args: PROVIDER, keys: ['provider', 'state', 'predefined', 'tools'] },
  registry_invoke_ex: { args: CALL, keys: ['_retry_metadata', '_progress'] },
  registry_invoke_stream: { args: CALL, keys: ['_retry_metadata', '_progress'] },
  registry_health: { args: {}, keys: ['status', 'providers', 'groups', 'security'] },
  registry_status: { args: {}, keys: ['providers', 'groups', 'summary', 'formatted'] },
  registry_warm: { args: {}, keys: ['warmed', 'already_warm', 'failed', 'summary'] },
  registry_discover: { args: {}, keys: ['error'] },
  registry_sources: { args: {}, keys: ['error'] },
  registry_invoke: { args: CALL, keys: [] },
  registry_stop: { args: PROVIDER, keys: ['stopped', 'reason'] },
};

describe.each(TRANSPORTS)('Over %s', (transport) => {
  it('row 1: the providers of the first examples are served', async () => {
    const client = await connect(transport, SEED);
    expect(client.hello.result).toMatchObject({ serverInfo: { name: 'mcp-hangar' } });
    // Neither of its servers can run here; the gateway serves all the same.
    expect(namesOf(await client.request('tools/list'))).toEqual([]);
  });

  it('row 1: so is a provider that runs', async () => {
    const math = upstream([], { mode: 'subprocess', idle_ttl_s: 300 });
    const client = await connect(transport, { providers: { math } });
    expect(textOf(await client.call('math__echo', { a: 1 }))).toContain('"a":1');
  });

  it('row 2: the twelve registry tools are there, with the result keys of the product', async () => {
    const math = upstream([], { mode: 'subprocess' });
    const client = await connect(transport, { providers: { math } });
    const { result } = await client.request('tools/list');
    const names = ((result?.['tools'] ?? []) as readonly { readonly name: string }[]).map(
      ({ name }) => name,
    );
    expect(names).toEqual(expect.arrayContaining(Object.keys(REGISTRY)));
    for (const [name, { args, keys }] of Object.entries(REGISTRY)) {
      const answer = (await client.call(name, args)).result;
      // Of what a server answered the result is the server's; the report stands beside it.
      const found = Object.keys({ ...answer, ...(answer?.['structuredContent'] as object) });
      expect([name, ...keys.filter((key) => !found.includes(key))]).toEqual([name]);
    }
  });

  it('row 3: so it is by 50 registry_invoke at once', async () => {
    const seen = await journal();
    const math = upstream([seen.option, '--boot=slow', '--boot-ms=200']);
    const client = await connect(transport, { providers: { math } });
    const invoke = { provider: 'math', tool: 'pid', arguments: {} };
    const calls = Array.from({ length: 50 }, () => client.call('registry_invoke', invoke));
    expect(new Set((await Promise.all(calls)).map(textOf)).size).toBe(1);
    expect(seen.starts()).toHaveLength(1);
  });

  it('row 4: registry_tools of predefined tools starts nothing', async () => {
    const seen = await journal();
    const tools = [{ name: 'echo', inputSchema: { type: 'object' } }];
    const math = upstream([seen.option], { tools });
    const client = await connect(transport, { providers: { math } });
    const answer = await client.call('registry_tools', { provider: 'math' });
    expect(answer.result?.['structuredContent']).toMatchObject({ predefined: true });
    expect(seen.starts()).toEqual([]);
  });

  it('row 3: a cold provider is started once, also by 50 calls at once', async () => {
    const seen = await journal();
    const math = upstream([seen.option, '--boot=slow', '--boot-ms=200']);
    const client = await connect(transport, { providers: { math } });
    const calls = Array.from({ length: 50 }, () => client.call('math__pid'));
    const pids = new Set((await Promise.all(calls)).map(textOf));
    expect(pids.size).toBe(1);
    expect(seen.starts()).toHaveLength(1);
  });

  it('row 4: predefined tools are listed while their provider is cold, and start nothing', async () => {
    const seen = await journal();
    const tools = [
      { name: 'echo', description: 'Says it again', inputSchema: { type: 'object' } },
      { name: 'pid', inputSchema: { type: 'object' } },
    ];
    const client = await connect(transport, {
      providers: { math: upstream([seen.option], { tools }) },
    });
    const listed = namesOf(await client.request('tools/list'));
    expect(listed).toEqual(['math__echo', 'math__pid']);
    expect(seen.starts()).toEqual([]);
    expect(Number(textOf(await client.call('math__pid')))).toBe(seen.starts()[0]);
  });

  it('row 5: an idle provider is stopped, one with a call in flight never', async () => {
    const client = await connect(transport, {
      providers: { idle: upstream([], { idle_ttl_s: 1 }), busy: upstream([], { idle_ttl_s: 1 }) },
    });
    const idle = Number(textOf(await client.call('idle__pid')));
    const busy = Number(textOf(await client.call('busy__pid')));
    const call = client.call('busy__sleep', { ms: 3_000 });
    await until('the idle one is stopped', () => !isAlive(idle));
    expect(isAlive(busy)).toBe(true);
    expect(textOf(await call)).toBe('slept 3000');
    expect(Number(textOf(await client.call('idle__pid')))).not.toBe(idle);
  });
});

it('row 1: --http serves at port 8000 where nothing else is said', async () => {
  const { folder } = await fileOf({});
  const words = [COMMAND, '--config', SEED, '--http'];
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env: environment(folder),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    // Whatever has the port on this machine keeps it; then its number shows which one was meant.
    const outcome = await until(
      'it serves, or says why not',
      () => /serves at \S+|port \d+ is (?:held|in use)/.exec(said)?.[0],
    );
    expect(outcome).toMatch(/^(serves at http:\/\/127\.0\.0\.1:8000\/mcp$|port 8000 is )/);
    // It throws where no session can be had.
    if (outcome.startsWith('serves')) await LegacyClient.open('http://127.0.0.1:8000/mcp');
  } finally {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
});

it('Every row of the checklist has a test that is named after it', () => {
  const folder = import.meta.dirname;
  const titles = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/'row (\d+): /g)]);
  const rows = new Set(titles.map(([, row]) => Number(row)));
  expect([...rows].toSorted((a, b) => a - b)).toEqual(ROWS);
});
