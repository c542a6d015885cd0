/** hangar_call through the real command: many calls at a time, of which some fail, hang or are given up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, structuredOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

type Json = Record<string, unknown>;
interface Entry extends Json {
  readonly index: number;
  readonly call_id: string;
  readonly success: boolean;
  readonly result: Json | null;
  readonly error: string | null;
  readonly error_type: string | null;
  readonly elapsed_ms: number;
}

let gateway: GatewayProcess;
let journal: Journal;
let client: LegacyClient;

beforeAll(async () => {
  journal = await Journal.open();
  gateway = await startGateway({
    tool_access: { gateway_tools: 'both' },
    mcp_servers: {
      math: upstream([journal.option]),
      other: upstream(['--era=dual']),
      broken: upstream(['--boot=exit']),
      dumb: upstream(['--boot=silent'], { startup_timeout_s: 60 }),
    },
  });
  client = await LegacyClient.open(gateway.url());
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

const call = (mcpServer: string, tool: string, args: Json = {}, more: Json = {}): Json => ({
  mcp_server: mcpServer,
  tool,
  arguments: args,
  ...more,
});
const send = (calls: readonly unknown[], more: Json = {}, meta?: Json): Exchange =>
  client.call('hangar_call', { calls, ...more }, meta);
const batchOf = (message: Message): Json => structuredOf(message);
const run = async (calls: readonly unknown[], more: Json = {}): Promise<Json> =>
  batchOf(await send(calls, more).answer());
const entriesOf = (batch: Json): readonly Entry[] => batch['results'] as readonly Entry[];
const textIn = (entry: Entry | undefined): string =>
  String((entry?.result?.['content'] as readonly Json[] | undefined)?.[0]?.['text']);
const hanging = (): number => journal.lines('"hang"').length;
const cancelled = (reason = ''): number =>
  journal.lines('notifications/cancelled').filter((line) => line.includes(reason)).length;

describe('A batch', () => {
  it('of 100 calls of mixed success answers all of them in their order', async () => {
    const kinds = [
      (index: number) => call('math', 'echo', { index }),
      () => call('other', 'fail'),
      () => call('math', 'nothing'),
      () => call('broken', 'echo'),
      (index: number) => call('other', 'sleep', { ms: 1 + ((index * 7) % 20) }),
    ];
    const calls = Array.from({ length: 100 }, (_, index) => kinds[index % 5]?.(index));
    const batch = await run(calls, { max_concurrency: 25 });
    expect(batch).toMatchObject({ success: false, total: 100, succeeded: 40, failed: 60 });
    const entries = entriesOf(batch);
    expect(entries.map(({ index }) => index)).toEqual([...calls.keys()]);
    expect(new Set(entries.map(({ call_id: id }) => id)).size).toBe(100);
    const ofKind = (kind: number): readonly Entry[] =>
      entries.filter(({ index }) => index % 5 === kind);
    for (const entry of ofKind(0)) expect(textIn(entry)).toContain(`"index":${entry.index}`);
    const failed = { success: false, error: 'it failed', error_type: 'ToolInvocationError' };
    for (const entry of ofKind(1))
      expect(entry).toMatchObject({ ...failed, result: { isError: true } });
    for (const { error } of ofKind(2)) expect(error).toContain('has no tool "nothing"');
    for (const { error_type: type } of ofKind(3))
      expect(['McpServerStartError', 'CircuitBreakerOpen']).toContain(type);
    for (const entry of ofKind(4)) expect(textIn(entry)).toMatch(/^slept \d+$/);
  });

  it('is answered to clients of either era, over servers of either', async () => {
    const calls = [call('math', 'echo', { a: 1 }), call('other', 'echo', { a: 2 })];
    const answers = [
      await send(calls).answer(),
      await modernCall(gateway.url(), 'hangar_call', { calls }).answer(),
    ];
    for (const answer of answers) {
      expect(batchOf(answer)).toMatchObject({ success: true, succeeded: 2, failed: 0 });
      expect(entriesOf(batchOf(answer)).map(textIn)).toEqual([
        expect.stringContaining('"a":1') as string,
        expect.stringContaining('"a":2') as string,
      ]);
    }
  });

  it.each([1, 2, 5])('has no more calls under way than it may (%i)', async (lanes) => {
    const mark = `one of ${lanes} lanes`;
    const calls = Array.from({ length: 5 }, () => call('math', 'hang', { mark }));
    await run(calls, { max_concurrency: lanes, timeout: 1 });
    expect(journal.lines(mark)).toHaveLength(lanes);
  });

  it('gives servers the numbers as the client wrote them, and each call an id of its own', async () => {
    const body = `{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"hangar_call","arguments":{"timeout":5.0,"calls":[{"mcp_server":"math","tool":"echo","arguments":{"n":12345678901234567890,"f":1.0}}]}}}`;
    const [entry] = entriesOf(batchOf(await client.post(body).answer()));
    const [line] = journal.lines('12345678901234567890');
    expect(line).toContain('{"n":12345678901234567890,"f":1.0}');
    expect(line).toContain(`"correlation_id":"${entry?.call_id}"`);
  });

  it('moves numbers that are out of range into it', async () => {
    const calls = [
      call('math', 'echo', {}, { timeout: -5 }),
      call('math', 'echo', {}, { timeout: 9e9 }),
    ];
    const wild = { max_concurrency: 0, timeout: 0.001, max_attempts: 1_000, fail_fast: false };
    expect(await run(calls, wild)).toMatchObject({ success: true });
    const other = { max_concurrency: 1e9, timeout: 1e9, max_attempts: -1 };
    expect(await run(calls, other)).toMatchObject({ success: true });
  });
});

describe('A batch that is wrong', () => {
  it('is refused as a whole, with everything that is wrong with it, and nothing is called', async () => {
    const before = journal.lines('tools/call').length;
    const calls = [
      call('math', 'echo'),
      { mcp_server: 'math', tool: 'echo' },
      { mcp_server: 'mth', tool: 'echo', arguments: {} },
      'call me',
      { mcp_server: '../x', tool: '', arguments: [], tmeout: 3 },
    ];
    const message = await send(calls).answer();
    expect(message.result?.['isError']).toBe(true);
    const batch = batchOf(message);
    expect(batch).toMatchObject({ success: false, error: 'Validation failed' });
    expect(batch['batch_id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(batch['validation_errors']).toEqual([
      { index: 1, field: 'arguments', message: 'missing; expected an object' },
      { index: 3, field: 'call', message: 'expected an object' },
      { index: 4, field: 'tmeout', message: 'unknown; did you mean "timeout"?' },
      { index: 4, field: 'tool', message: 'expected the name of a tool' },
      { index: 4, field: 'arguments', message: 'expected an object' },
      { index: 4, field: 'mcp_server', message: 'expected the id of an MCP server' },
    ]);
    expect(journal.lines('tools/call')).toHaveLength(before);
  });

  it.each([
    [
      'a name that no server has',
      [call('mth', 'echo')],
      [0, 'mcp_server', 'No MCP server has the id "mth"; did you mean "math"?'],
    ],
    ['no calls', [], [-1, 'calls', 'expected 1 to 100 calls, got 0']],
    [
      'too many calls',
      Array.from({ length: 101 }, () => call('math', 'echo')),
      [-1, 'calls', 'expected 1 to 100 calls, got 101'],
    ],
  ])('is told %s', async (_what, calls, [index, field, message]) => {
    const { validation_errors: problems } = await run(calls);
    expect(problems).toEqual([{ index, field, message }]);
  });
});

describe('The time of a batch', () => {
  it('ends what hangs, at its server too, and answers what there is in its order', async () => {
    const [before, told] = [hanging(), cancelled('the time of the batch is up')];
    const calls = [
      call('math', 'echo', { a: 1 }),
      call('math', 'hang'),
      call('dumb', 'echo'),
      call('math', 'sleep', { ms: 20 }),
      call('math', 'hang'),
    ];
    const startedAtMs = performance.now();
    const batch = await run(calls, { timeout: 1 });
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    expect(batch).toMatchObject({ success: false, succeeded: 2, failed: 3 });
    expect(entriesOf(batch).map(({ error_type: type }) => type)).toEqual([
      null,
      'TimeoutError',
      'TimeoutError',
      null,
      'TimeoutError',
    ]);
    expect(hanging()).toBe(before + 2);
    await until('the server is told', () => cancelled('the time of the batch is up') === told + 2);
  });

  it('is one thing, the time of a call another', async () => {
    const batch = await run([call('math', 'hang', {}, { timeout: 0.2 }), call('math', 'echo')]);
    const [first, second] = entriesOf(batch);
    expect(first).toMatchObject({
      success: false,
      error_type: 'ToolTimeoutError',
      error_code: 'CALL_TIMED_OUT',
      error: 'no answer in 0.2 s (timeout)',
    });
    expect(second?.success).toBe(true);
  });

  it('leaves out what had not begun', async () => {
    const before = journal.lines('"never"').length;
    const calls = [call('math', 'hang'), call('math', 'echo', { never: true })];
    const batch = await run(calls, { timeout: 1, max_concurrency: 1 });
    expect(entriesOf(batch).map(({ error_type: type }) => type)).toEqual([
      'TimeoutError',
      'TimeoutError',
    ]);
    expect(journal.lines('"never"')).toHaveLength(before);
  });
});

describe('A batch that fails fast', () => {
  it('cancels what is under way at its servers, and begins nothing new', async () => {
    const told = cancelled('fail_fast');
    const calls = [
      call('math', 'hang', { mark: 'fail-fast' }),
      call('math', 'echo'),
      call('other', 'fail'),
      ...Array.from({ length: 5 }, () => call('math', 'echo', { mark: 'not to be seen' })),
    ];
    // One lane hangs, the other one goes on to the call that fails.
    const batch = await run(calls, { fail_fast: true, max_concurrency: 2 });
    const types = entriesOf(batch).map(({ error_type: type }) => type);
    expect(types).toEqual([
      'CancellationError',
      null,
      'ToolInvocationError',
      ...Array<string>(5).fill('CancellationError'),
    ]);
    expect(entriesOf(batch)[0]?.error).toBe('another call of the batch failed (fail_fast)');
    await until('the server is told', () => cancelled('fail_fast') === told + 1);
    expect(journal.lines('not to be seen')).toEqual([]);
  });
});

describe('A client that gives up', () => {
  it.each(['legacy', 'modern'])('has every call of its batch cancelled (%s)', async (era) => {
    const told = cancelled('the client gave up');
    const mark = `given up by ${era}`;
    const calls = Array.from({ length: 3 }, () => call('math', 'hang', { mark }));
    const args = { calls, max_concurrency: 3 };
    const exchange =
      era === 'modern'
        ? modernCall(gateway.url(), 'hangar_call', args)
        : client.request('tools/call', { name: 'hangar_call', arguments: args }, 'batch');
    await until('the server has all calls', () => journal.lines(mark).length === 3);
    if (era === 'modern') exchange.close();
    else await client.notify('notifications/cancelled', { requestId: 'batch' });
    await until('the server is told of each', () => cancelled('the client gave up') >= told + 3);
    expect(cancelled('the client gave up')).toBe(told + 3);
  });
});

describe('Progress', () => {
  it('is one step for each call that is over', async () => {
    const calls = [
      call('math', 'progress', { steps: 5 }),
      call('math', 'echo'),
      call('other', 'fail'),
      call('other', 'sleep', { ms: 30 }),
    ];
    const exchange = send(calls, {}, { progressToken: 'batch-token' });
    await exchange.answer();
    const heard = exchange.messages().filter(({ method }) => method === 'notifications/progress');
    expect(heard.map(({ params }) => params?.['progress'])).toEqual([1, 2, 3, 4]);
    expect(new Set(heard.map(({ params }) => params?.['total']))).toEqual(new Set([4]));
    expect(heard.map(({ params }) => params?.['progressToken'])).toEqual(
      Array(4).fill('batch-token'),
    );
    expect(heard.map(({ params }) => params?.['message'])).toContain(
      'other.fail failed (ToolInvocationError)',
    );
  });
});

describe('A server that asks during a batch', () => {
  it('asks the client that called, on the stream of the batch', async () => {
    const asking = await LegacyClient.open(gateway.url(), { capabilities: { sampling: {} } });
    const ask = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
    const exchange = asking.call('hangar_call', {
      calls: [call('math', 'ask', ask), call('math', 'echo')],
    });
    const question = await exchange.next('the question', (message) => message.method !== undefined);
    const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled' } };
    await asking.post(JSON.stringify({ jsonrpc: '2.0', id: question.id, result })).opened();
    expect(textIn(entriesOf(batchOf(await exchange.answer()))[0])).toContain('sampled');
    await asking.end();
  });
});
