/** The gateway's own tools through the real command, as SDK clients and raw ones use them. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { openPeer, PEERS } from '../support/sdk-peers.ts';
import { until } from '../support/until.ts';
import { conformanceServer, Journal, upstream } from '../support/upstream.ts';

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
      cold: upstream([journal.option, '--boot=slow', '--boot-ms=200']),
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

const structured = (message: Message): Json => {
  const value = message.result?.['structuredContent'];
  if (typeof value === 'object' && value !== null) return value as Json;
  throw new Error(`No structured content: ${JSON.stringify(message)}`);
};
const ask = async (name: string, args: Json = {}, from = client): Promise<Json> =>
  structured(await from.call(name, args).answer());
const rowOf = (listed: Json, key: string, id: string): Json | undefined =>
  (listed[key] as readonly Json[]).find((row) => row['provider'] === id || row['id'] === id);
describe('Predefined tools', () => {
  it('are listed while the server is cold, and registry_tools starts nothing (row 4)', async () => {
    const names = ((await client.request('tools/list').answer()).result?.['tools'] as Json[]).map(
      ({ name }) => name,
    );
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
  it('lists and uses the twelve tools of the product (row 2)', async () => {
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

describe('A cold provider', () => {
  it.each(['legacy', 'modern'])(
    'is started once by 50 parallel registry_invoke of %s clients (row 3)',
    async (era) => {
      await using seen = await Journal.open();
      await using own = await startGateway({
        mcp_servers: { cold: upstream([seen.option, '--boot=slow', '--boot-ms=200']) },
      });
      const call = { provider: 'cold', tool: 'pid' };
      const clients = await Promise.all(
        Array.from({ length: 5 }, () => LegacyClient.open(own.url())),
      );
      expect(seen.starts()).toEqual([]);
      const answers = Array.from({ length: 50 }, (_, index) =>
        era === 'modern'
          ? modernCall(own.url(), 'registry_invoke', call).answer()
          : clients[index % 5]?.call('registry_invoke', call).answer(),
      );
      const pids = (await Promise.all(answers)).map((message) => message && textOf(message));
      expect(new Set(pids).size).toBe(1);
      expect(seen.starts().map(String)).toEqual([pids[0]]);
      expect(seen.lines('"tools/call"')).toHaveLength(50);
    },
  );

  it('tells every stage of its start, in order, from a client’s own token', async () => {
    await ask('registry_stop', { provider: 'cold' });
    const call = { provider: 'cold', tool: 'progress', arguments: { steps: 4 } };
    const exchange = client.call('registry_invoke_stream', call, { progressToken: 'töken' });
    const { result } = await exchange.answer();
    const heard = exchange.messages().filter(({ method }) => method === 'notifications/progress');
    expect(new Set(heard.map(({ params }) => params?.['progressToken']))).toEqual(
      new Set(['töken']),
    );
    expect(new Set(heard.map(({ params }) => params?.['total']))).toEqual(new Set([5]));
    const stages = heard.map(({ params }) => /^\[(\w+)\]/.exec(String(params?.['message']))?.[1]);
    expect([...new Set(stages)]).toEqual([
      'cold_start',
      'launching',
      'initializing',
      'discovering_tools',
      'connecting',
      'ready',
      'executing',
      'processing',
      'complete',
    ]);
    // The four reports of the tool itself lie within `executing`.
    expect(stages.filter((stage) => stage === 'executing')).toHaveLength(5);
    const entries = result?.['_progress'] as readonly Json[];
    expect(entries.map(({ stage }) => stage)).toEqual([...new Set(stages)]);
    expect(entries.every(({ elapsed_ms: ms }) => typeof ms === 'number')).toBe(true);
  });
});

describe('registry_invoke', () => {
  it('passes a result on byte for byte, structured content, errors and large numbers included', async () => {
    const result =
      '{"isError":false,"structuredContent":{"n":12345678901234567890,"f":1.0},"content":[],"x-more":[1.50]}';
    const exchange = client.call('registry_invoke', {
      provider: 'math',
      tool: 'raw',
      arguments: { result },
    });
    await exchange.answer();
    expect(exchange.text).toContain(`"result":${result}}`);
    const failed = await client
      .call('registry_invoke', { provider: 'math', tool: 'fail' })
      .answer();
    expect(failed.result).toEqual({
      content: [{ type: 'text', text: 'it failed' }],
      isError: true,
    });
  });

  it('gives the server the numbers as the client wrote them', async () => {
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"registry_invoke","arguments":{"provider":"cold","tool":"echo","timeout":30.0,"arguments":{"n":12345678901234567890,"f":1.0}}}}';
    await client.post(body).answer();
    expect(journal.lines('12345678901234567890').at(-1)).toContain(
      '{"n":12345678901234567890,"f":1.0}',
    );
  });

  it('passes the progress of the server as it is', async () => {
    const call = { provider: 'math', tool: 'progress', arguments: { steps: 3 } };
    const exchange = client.call('registry_invoke', call, { progressToken: 7 });
    expect(textOf(await exchange.answer())).toBe('done');
    const heard = exchange.messages().filter(({ method }) => method !== undefined);
    expect(heard.map(({ params }) => params)).toEqual(
      [1, 2, 3].map((progress) => ({ progressToken: 7, progress, total: 3 })),
    );
  });

  it('ends after its timeout, and the server is told', async () => {
    const call = { provider: 'cold', tool: 'hang', timeout: 0.3 };
    const { result } = await client.call('registry_invoke', call).answer();
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { error: 'no answer in 0.3 s (timeout)', error_type: 'CALL_TIMED_OUT' },
    });
    await until('the server is told', () => journal.lines('no answer in 0.3 s').length > 0);
  });

  it('is cancelled by its client, and so is the call of the server', async () => {
    const before = journal.lines('notifications/cancelled').length;
    const call = { provider: 'cold', tool: 'hang' };
    const calls = journal.lines('"hang"').length;
    client.request('tools/call', { name: 'registry_invoke', arguments: call }, 'to-cancel');
    await until('the server has the call', () => journal.lines('"hang"').length > calls);
    await client.notify('notifications/cancelled', { requestId: 'to-cancel' });
    await until(
      'the server is told',
      () => journal.lines('notifications/cancelled').length > before,
    );
  });

  it('is cancelled by a modern client that closes its stream', async () => {
    const before = journal.lines('notifications/cancelled').length;
    const calls = journal.lines('"hang"').length;
    const call = modernCall(gateway.url(), 'registry_invoke', { provider: 'cold', tool: 'hang' });
    await until('the server has the call', () => journal.lines('"hang"').length > calls);
    call.close();
    await until(
      'the server is told',
      () => journal.lines('notifications/cancelled').length > before,
    );
  });

  it('reaches servers of either era from clients of either', async () => {
    for (const provider of ['math', 'other']) {
      const call = { provider, tool: 'echo', arguments: { a: 1 } };
      expect(textOf(await client.call('registry_invoke', call).answer())).toContain('"a":1');
      const message = await modernCall(gateway.url(), 'registry_invoke', call).answer();
      expect(textOf(message)).toContain('"a":1');
      expect(message.result?.['resultType']).toBe('complete');
    }
  });

  it('lets a server ask the client that called, on the stream of that call', async () => {
    const asking = await LegacyClient.open(gateway.url(), { capabilities: { sampling: {} } });
    const call = {
      provider: 'math',
      tool: 'ask',
      arguments: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
    };
    const exchange = asking.call('registry_invoke', call);
    const question = await exchange.next('the question', (message) => message.method !== undefined);
    const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled' } };
    await asking.post(JSON.stringify({ jsonrpc: '2.0', id: question.id, result })).opened();
    expect(textOf(await exchange.answer())).toContain('sampled');
    await asking.end();
  });
});

describe('registry_invoke_ex', () => {
  it('adds a report to the result and keeps the caller’s correlation id', async () => {
    const call = {
      provider: 'math',
      tool: 'echo',
      arguments: { a: 1 },
      max_retries: 5,
      retry_on_error: false,
      correlation_id: 'my-id',
    };
    const { result } = await client.call('registry_invoke_ex', call).answer();
    expect(result).toMatchObject({
      _retry_metadata: { correlation_id: 'my-id', attempts: 1, retries: [] },
    });
    expect(JSON.parse(textOf({ jsonrpc: '2.0', ...(result && { result }) }))).toMatchObject({
      _meta: { correlation_id: 'my-id' },
    });
    const other = await client
      .call('registry_invoke_ex', { provider: 'math', tool: 'pid' })
      .answer();
    const made = (other.result?.['_retry_metadata'] as Json)['correlation_id'];
    expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  });

  it('tells stages to a client with a token, and none to one without', async () => {
    const call = { provider: 'math', tool: 'pid' };
    const told = client.call('registry_invoke_ex', call, { progressToken: 1 });
    await told.answer();
    expect(told.messages().length).toBeGreaterThan(3);
    const silent = client.call('registry_invoke_ex', call);
    await silent.answer();
    expect(silent.messages()).toHaveLength(1);
  });

  it.each([
    ['fail', {}, 'it failed', 'unknown: unclassified error'],
    ['crash', {}, 'ended', 'transient: the server ended'],
    ['nothing', {}, 'unknown_tool: nothing', 'permanent: not_found_error'],
  ])('returns the failure of %s with its reason', async (tool, args, text, reason) => {
    const call = { provider: 'other', tool, arguments: args };
    const { result } = await client.call('registry_invoke_ex', call).answer();
    expect(result).toMatchObject({
      isError: true,
      _retry_metadata: { attempts: 1, final_error_reason: reason },
    });
    expect(textOf({ jsonrpc: '2.0', ...(result && { result }) })).toContain(text);
    const stages = (result?.['_progress'] as readonly Json[]).map(({ stage }) => stage);
    expect(stages.at(-1)).toBe('failed');
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
      summary: { total_mcp_servers: 6, runtime_mcp_servers: 0 },
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
    expect(structured(message)['error']).toContain(error);
    expect(textOf(message)).toContain(fix);
  });

  it('is a result and no error of the protocol also where a server cannot start', async () => {
    const message = await client.call('registry_start', { provider: 'broken' }).answer();
    expect(structured(message)['error']).toContain('Cannot start MCP server "broken"');
    expect(structured(message)['error_type']).toBe('MCP_SERVER_START_FAILED');
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
    expect(structured(await start())).toMatchObject({ state: 'ready' });
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

describe('A server that answers with questions first', () => {
  it('is answered through registry_invoke too, in the modern era', async () => {
    await using own = await startGateway({ mcp_servers: { conf: conformanceServer() } });
    const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
    const call = { provider: 'conf', tool: 'test_input_required_result_elicitation' };
    const first = await modernCall(own.url(), 'registry_invoke', call, { capabilities }).answer();
    expect(first.result?.['resultType']).toBe('input_required');
  });
});
