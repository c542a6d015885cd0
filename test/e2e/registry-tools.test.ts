/** The gateway's own tools through the real command, as SDK clients and raw ones use them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, structuredOf, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { openPeer, PEERS } from '../support/sdk-peers.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

type Json = Record<string, unknown>;

const TWELVE = [
  'registry_discover',
  'registry_health',
  'registry_invoke',
  'registry_invoke_ex',
  'registry_invoke_stream',
  'registry_list',
  'registry_sources',
  'registry_start',
  'registry_status',
  'registry_stop',
  'registry_tools',
  'registry_warm',
];
const DECLARED = [{ name: 'add', description: 'Adds', inputSchema: { type: 'object' } }];

let gateway: GatewayProcess;
let journal: Journal;
let client: LegacyClient;

beforeAll(async () => {
  journal = await Journal.open();
  gateway = await startGateway({
    tool_access: { gateway_tools: 'both' },
    mcp_servers: {
      math: upstream([], { description: 'Sums' }),
      other: upstream(['--era=dual']),
      declared: upstream([journal.option], { tools: DECLARED }),
      off: upstream([], { enabled: false }),
      broken: upstream(['--boot=exit']),
    },
  });
  client = await LegacyClient.open(gateway.url());
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

const ask = async (name: string, args: Json = {}, from = client): Promise<Json> =>
  structuredOf(await from.call(name, args).answer());
const rowOf = (listed: Json, key: string, id: string): Json | undefined =>
  (listed[key] as readonly Json[]).find((row) => row['provider'] === id || row['id'] === id);
const toolsIn = ({ result }: Message): readonly Json[] =>
  (result?.['tools'] ?? []) as readonly Json[];

describe('Predefined tools', () => {
  it('row 4: are listed while the server is cold, and registry_tools starts nothing', async () => {
    const names = toolsIn(await client.request('tools/list').answer()).map(({ name }) => name);
    expect(names).toContain('declared__add');
    const before = journal.starts().length;
    expect(await ask('registry_tools', { provider: 'declared' })).toEqual({
      provider: 'declared',
      state: 'cold',
      predefined: true,
      tools: DECLARED,
    });
    expect(rowOf(await ask('registry_list'), 'providers', 'declared')).toMatchObject({
      state: 'cold',
      alive: false,
      tools_count: 1,
      tools_predefined: true,
    });
    expect(journal.starts()).toHaveLength(before);
  });
});

describe.each(PEERS)('%s', (kind) => {
  it('row 2: lists and uses the twelve tools of the product', async () => {
    await using peer = await openPeer(kind, gateway.url());
    const names = (await peer.listTools()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(TWELVE));
    const read = async (name: string, args: Json = {}): Promise<Json> =>
      JSON.parse(await peer.callTool(name, args)) as Json;
    expect(Object.keys(await read('registry_list'))).toEqual(['providers', 'groups']);
    const started = await read('registry_start', { provider: 'math' });
    expect(started).toMatchObject({ provider: 'math', state: 'ready' });
    expect(started['tools']).toContain('echo');
    expect(await read('registry_tools', { provider: 'math' })).toMatchObject({
      provider: 'math',
      predefined: false,
    });
    const echo = { provider: 'math', tool: 'echo', arguments: { a: 1 } };
    expect(JSON.parse(await peer.callTool('registry_invoke', echo))).toMatchObject({
      arguments: { a: 1 },
    });
    expect(JSON.parse(await peer.callTool('registry_invoke_ex', echo))).toHaveProperty('_meta');
    expect(JSON.parse(await peer.callTool('registry_invoke_stream', echo))).toHaveProperty('_meta');
    expect(await read('registry_health')).toMatchObject({ groups: { total: 0 } });
    expect(await read('registry_status')).toHaveProperty('formatted');
    expect(await read('registry_warm', { providers: 'math' })).toMatchObject({
      already_warm: ['math'],
    });
    for (const name of ['registry_discover', 'registry_sources'])
      expect(await peer.callTool(name)).toContain('Discovery not configured');
    expect(await read('registry_stop', { provider: 'math' })).toEqual({
      stopped: 'math',
      reason: 'user_request',
    });
  });

  it('hears the stages of a call as rising progress', async () => {
    await using peer = await openPeer(kind, gateway.url());
    await peer.callTool('registry_stop', { provider: 'math' });
    const steps: number[] = [];
    const echo = { provider: 'math', tool: 'echo' };
    await peer.callTool('registry_invoke_stream', echo, (progress) => steps.push(progress));
    await until('the last stage is heard', () => steps.includes(5));
    expect(steps.length).toBeGreaterThan(5);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(new Set(steps).size).toBe(steps.length);
  });
});

describe('Both families', () => {
  it('take both words for a server, and answer in their own', async () => {
    for (const word of ['provider', 'mcp_server']) {
      expect(await ask('registry_tools', { [word]: 'declared' })).toHaveProperty('provider');
      expect(await ask('hangar_tools', { [word]: 'declared' })).toHaveProperty('mcp_server');
    }
    expect(Object.keys(await ask('hangar_list'))).toEqual([
      'mcp_servers',
      'groups',
      'runtime_mcp_servers',
    ]);
    expect(await ask('hangar_status')).toMatchObject({
      summary: { total_mcp_servers: 5, runtime_mcp_servers: 0 },
    });
    const details = await ask('hangar_details', { mcp_server: 'declared' });
    expect(details).toMatchObject({
      mcp_server: 'declared',
      mode: 'subprocess',
      health: { consecutive_failures: 0, success_rate: 1, can_retry: true, last_success_ago: null },
      tools_policy: { type: 'none', filtered_count: 0 },
    });
    expect(await ask('registry_details', { provider: 'declared' })).toMatchObject({
      provider: 'declared',
      idle_time: null,
      meta: { tools_count: 1 },
    });
  });

  it('document their own word', async () => {
    const { result } = await client.request('tools/list').answer();
    const tools = result?.['tools'] as readonly { name: string; inputSchema: Json }[];
    const schemaOf = (name: string): Json =>
      tools.find((tool) => tool.name === name)?.inputSchema ?? {};
    expect(schemaOf('registry_invoke')).toMatchObject({
      required: ['provider', 'tool'],
      properties: { arguments: { type: 'object' }, timeout: { default: 30 } },
    });
    expect(schemaOf('hangar_start')).toMatchObject({ required: ['mcp_server'] });
    expect(
      JSON.stringify(tools.filter(({ name }) => /^(registry|hangar)_/.test(name))),
    ).not.toContain('mcpServer');
  });
});

describe('What is asked wrongly', () => {
  it.each([
    ['registry_start', { provider: 'mth' }, 'unknown_provider: mth', 'did you mean "math"?'],
    ['hangar_start', { mcp_server: 'nobody' }, 'unknown_mcp_server: nobody', 'known: math'],
    ['registry_start', {}, 'invalid_provider_id', '"provider" is wrong: missing'],
    ['hangar_start', { mcp_server: '../x' }, 'invalid_mcp_server_id', 'letters, digits'],
    ['registry_start', { provider: 'off' }, 'disabled_provider: off', 'enabled: true'],
    ['registry_list', { state_filter: 'warm' }, 'invalid_arguments', '"state_filter"'],
    ['registry_list', { state: 'cold' }, 'invalid_arguments', 'unknown argument'],
    [
      'registry_invoke',
      { provider: 'math', tool: 'ehco' },
      'unknown_tool: ehco',
      'did you mean "echo"?',
    ],
    [
      'registry_invoke',
      { provider: 'math', tool: 'math__echo' },
      'unknown_tool: math__echo',
      'did you mean "echo"?',
    ],
    ['registry_invoke', { provider: 'math' }, 'invalid_tool_name', 'missing'],
    [
      'registry_invoke',
      { provider: 'math', tool: 'echo', arguments: '{}' },
      'invalid_arguments',
      'expected an object',
    ],
    [
      'registry_invoke',
      { provider: 'math', tool: 'echo', timeout: 0 },
      'invalid_timeout',
      '0.1 to 3600 seconds',
    ],
    [
      'registry_invoke',
      { provider: 'math', tool: 'echo', tmeout: 3 },
      'invalid_arguments',
      'did you mean "timeout"?',
    ],
    [
      'registry_start',
      { provider: 'math', mcp_server: 'other' },
      'invalid_provider_id',
      'given twice',
    ],
  ])('%s %o is told %s', async (tool, args, error, fix) => {
    const message = await client.call(tool, args).answer();
    expect(message.result?.['isError']).toBe(true);
    expect(structuredOf(message)['error']).toContain(error);
    expect(textOf(message)).toContain(fix);
  });

  it('is a result and no error of the protocol also where a server cannot start', async () => {
    const message = await client.call('registry_start', { provider: 'broken' }).answer();
    expect(structuredOf(message)['error']).toContain('Cannot start MCP server "broken"');
    expect(structuredOf(message)['error_type']).toBe('MCP_SERVER_START_FAILED');
    const warm = await ask('registry_warm', { providers: 'broken, math,nobody' });
    expect(warm).toMatchObject({
      failed: [
        { id: 'broken', error: expect.stringContaining('Cannot start') as string },
        { id: 'nobody', error: 'unknown_provider: nobody' },
      ],
      summary: expect.stringMatching(/2 failed$/) as string,
    });
  });
});

describe('Starting and stopping', () => {
  it('a deliberate start is not held up by the back-off of an earlier failure', async () => {
    const flag = join(journal.folder, 'repaired');
    await using own = await startGateway({
      mcp_servers: { up: upstream(['--boot=once', `--flag=${flag}`]) },
    });
    const peer = await LegacyClient.open(own.url());
    const start = (): Promise<Message> => peer.call('registry_start', { provider: 'up' }).answer();
    for (let failures = 0; failures < 3; failures += 1)
      expect((await start()).result?.['isError']).toBe(true);
    expect(rowOf(await ask('registry_list', {}, peer), 'providers', 'up')).toMatchObject({
      state: 'dead',
      health_status: 'unhealthy',
    });
    await writeFile(flag, '');
    expect(structuredOf(await start())).toMatchObject({ state: 'ready' });
  });

  it('registry_stop ends the process, and the next call starts another', async () => {
    const pid = async (): Promise<number> =>
      Number(
        textOf(await client.call('registry_invoke', { provider: 'math', tool: 'pid' }).answer()),
      );
    const first = await pid();
    await ask('registry_stop', { provider: 'math' });
    await until('it is gone', () => !isAlive(first));
    expect(rowOf(await ask('registry_list'), 'providers', 'math')).toMatchObject({
      state: 'cold',
      alive: false,
      description: 'Sums',
      mode: 'subprocess',
    });
    expect(await pid()).not.toBe(first);
  });

  it('registry_list filters by state', async () => {
    await ask('registry_start', { provider: 'math' });
    const { providers } = await ask('registry_list', { state_filter: 'ready' });
    expect((providers as readonly Json[]).map(({ state }) => state)).not.toContain('cold');
    expect(rowOf({ providers }, 'providers', 'math')).toBeDefined();
  });
});
