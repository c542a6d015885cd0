/** Calls through registry_invoke and its sisters, through the real command. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, structuredOf, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { until } from '../support/until.ts';
import { conformanceServer, Journal, upstream } from '../support/upstream.ts';

type Json = Record<string, unknown>;

let gateway: GatewayProcess;
let journal: Journal;
let client: LegacyClient;

beforeAll(async () => {
  journal = await Journal.open();
  gateway = await startGateway({
    mcp_servers: {
      math: upstream(),
      other: upstream(['--era=dual']),
      cold: upstream([journal.option, '--boot=slow', '--boot-ms=200']),
    },
  });
  client = await LegacyClient.open(gateway.url());
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

const ask = async (name: string, args: Json = {}): Promise<Json> =>
  structuredOf(await client.call(name, args).answer());
const progressOf = (result: Message['result']): readonly Json[] =>
  (result?.['_progress'] ?? []) as readonly Json[];
const cancellations = (): number => journal.lines('notifications/cancelled').length;

describe('A cold provider', () => {
  it.each(['legacy', 'modern'])(
    'row 3: is started once by 50 parallel registry_invoke of %s clients',
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
          : (clients[index % 5] ?? client).call('registry_invoke', call).answer(),
      );
      const pids = (await Promise.all(answers)).map(textOf);
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
    const entries = progressOf(result);
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
    const before = cancellations();
    const call = { provider: 'cold', tool: 'hang' };
    const calls = journal.lines('"hang"').length;
    client.request('tools/call', { name: 'registry_invoke', arguments: call }, 'to-cancel');
    await until('the server has the call', () => journal.lines('"hang"').length > calls);
    await client.notify('notifications/cancelled', { requestId: 'to-cancel' });
    await until('the server is told', () => cancellations() > before);
    expect(cancellations()).toBe(before + 1);
  });

  it('is cancelled by a modern client that closes its stream', async () => {
    const before = cancellations();
    const calls = journal.lines('"hang"').length;
    const call = modernCall(gateway.url(), 'registry_invoke', { provider: 'cold', tool: 'hang' });
    await until('the server has the call', () => journal.lines('"hang"').length > calls);
    call.close();
    await until('the server is told', () => cancellations() > before);
    expect(cancellations()).toBe(before + 1);
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
    const made = other.result?.['_retry_metadata'];
    expect((made as Json)['correlation_id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
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
    const stages = progressOf(result).map(({ stage }) => stage);
    expect(stages.at(-1)).toBe('failed');
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
