import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { INITIALIZE, MODERN_META, StdioWorld } from '../../../test-kit/stdio-world.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const errorOf = (message: JsonObject): { code?: number; message?: string; data?: JsonObject } =>
  message['error'] ?? {};

describe('A legacy client', () => {
  test('initializes, lists and calls', async () => {
    await using world = await StdioWorld.open();
    await world.initialize();
    expect(await world.answer('init')).toMatchObject({
      result: { protocolVersion: '2025-11-25', serverInfo: { name: 'mcp-hangar' } },
    });
    world.send({ id: 1, method: 'tools/list' });
    expect(await world.answer(1)).toMatchObject({ result: { tools: [{ name: 's__work' }] } });
    world.call(2);
    const received = await world.received('tools/call');
    expect(received).toMatchObject({ params: { name: 'work' } });
    world.serverAnswers(received, { content: [], unknown: 1 });
    expect(await world.answer(2)).toEqual({
      jsonrpc: '2.0',
      id: 2,
      result: { content: [], unknown: 1 },
    });
  });

  test.each(['1.0', '12345678901234567890', '"grün"', '""', '-7'])(
    'gets the id %s back as it wrote it',
    async (id) => {
      await using world = await StdioWorld.open();
      await world.initialize();
      world.send(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"s__work"}}`);
      world.serverAnswers(await world.received('tools/call'));
      const line = await world.until('the answer', () => world.lines[1]);
      expect(line).toBe(`{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`);
    },
  );

  test('is initialized once', async () => {
    await using world = await StdioWorld.open();
    await world.initialize();
    world.send({ id: 2, method: 'initialize', params: INITIALIZE });
    expect(errorOf(await world.answer(2))).toMatchObject({
      code: -32600,
      message: 'Invalid request: the session is already initialized',
    });
  });

  test('may try again where its initialize was wrong', async () => {
    await using world = await StdioWorld.open();
    world.send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } });
    expect(errorOf(await world.answer(1))).toEqual({
      code: -32602,
      message: 'Invalid params: "capabilities" must be an object',
    });
    await world.initialize();
  });

  test('is told to initialize first, whatever it asks but ping', async () => {
    await using world = await StdioWorld.open();
    world.send(
      { id: 1, method: 'ping' },
      { id: 2, method: 'tools/list' },
      { method: 'notifications/initialized' },
      { id: 3, result: {} },
    );
    expect(await world.answer(2)).toMatchObject({
      error: {
        code: -32000,
        message: 'tools/list came before initialize: initialize first',
        data: { code: 'SESSION_MISSING', retryable: false },
      },
    });
    expect(await world.answer(1)).toMatchObject({ result: {} });
    expect(world.lines).toHaveLength(2);
  });

  test('answers what a server asks and hears what it logs, before the answer', async () => {
    await using world = await StdioWorld.open();
    await world.initialize({ ...INITIALIZE, capabilities: { sampling: {} } });
    world.send({ id: 'level', method: 'logging/setLevel', params: { level: 'debug' } });
    world.call(1);
    const received = await world.received('tools/call');
    world.serverSays({ method: 'notifications/message', params: { level: 'info', data: 'x' } });
    world.serverSays({ id: 'q', method: 'sampling/createMessage', params: {} });
    const question = await world.line(({ method }) => method === 'sampling/createMessage');
    world.send({ id: question['id'], result: { role: 'assistant' } });
    await world.until('the answer at the server', () =>
      world.launcher.connections[0]?.lines.some(({ id, result }) => id === 'q' && Boolean(result)),
    );
    world.serverAnswers(received);
    await world.answer(1);
    expect(world.messages.map(({ method, id }) => method ?? id)).toEqual([
      'init',
      'level',
      'notifications/message',
      'sampling/createMessage',
      1,
    ]);
  });

  test('may use an id twice at a time: both are answered, and cancelled together', async () => {
    await using world = await StdioWorld.open();
    await world.initialize();
    for (let call = 0; call < 4; call += 1) world.call(7);
    const first = await world.received('tools/call', 0);
    const second = await world.received('tools/call', 3);
    world.serverAnswers(first);
    world.serverAnswers(second);
    await world.until('two answers', () => world.lines.length === 3);
    world.send({ method: 'notifications/cancelled', params: { requestId: 7 } });
    world.send({ id: 8, method: 'ping' });
    await world.answer(8);
    expect(world.launcher.connections[0]?.cancelled).toHaveLength(2);
    expect(world.lines).toHaveLength(4);
  });
});

describe('Batches', () => {
  const REVISION = { ...INITIALIZE, protocolVersion: '2025-03-26' };
  const ping = (id: unknown): JsonObject => ({ jsonrpc: '2.0', id, method: 'ping' });

  test('are answered line by line in the one revision that has them', async () => {
    await using world = await StdioWorld.open();
    await world.initialize(REVISION);
    world.send(JSON.stringify([ping(1), { jsonrpc: '2.0', method: 'x' }, ping('b')]));
    await world.answer('b');
    expect(world.messages.slice(1)).toEqual([
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 'b', result: {} },
    ]);
  });

  test('may be as deep as limits.json_depth_max can be set', async () => {
    await using world = await StdioWorld.open({ limits: 'json_depth_max: 1024' });
    await world.initialize(REVISION);
    const deep = '['.repeat(1_000) + ']'.repeat(1_000);
    world.send(`[{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${deep}}}]`);
    expect(await world.answer(1)).toMatchObject({ result: {} });
  });

  test.each([
    ['before initialize', undefined, [ping(1)], 'batches exist only in revision 2025-03-26'],
    ['in other revisions', INITIALIZE, [ping(1)], 'batches exist only in revision 2025-03-26'],
    ['without messages', REVISION, [], 'a batch has 1 to 100 messages'],
    ['with too many', REVISION, Array(101).fill(ping(1)), 'a batch has 1 to 100 messages'],
    ['with a wrong message', REVISION, [ping(1), 5], 'a message is a JSON object'],
  ])('are refused %s', async (_when, params, batch, problem) => {
    await using world = await StdioWorld.open();
    if (params !== undefined) await world.initialize(params);
    world.send(JSON.stringify(batch));
    expect(await world.answer(null)).toMatchObject({
      error: { code: -32600, message: `Invalid request: ${problem}` },
    });
    world.send({ id: 'end', method: 'ping' });
    await world.answer('end');
    expect(world.lines).toHaveLength(params === undefined ? 2 : 3);
  });
});

describe('Lines', () => {
  test('may be empty, and end as on Windows', async () => {
    await using world = await StdioWorld.open();
    world.input.write('\n\r\n  \n{"jsonrpc":"2.0","id":1,\r"method":"ping"}\r\n\n');
    await world.answer(1);
    expect(world.lines).toHaveLength(1);
  });

  test('may come in crumbs, several at once, and the last one without its end', async () => {
    await using world = await StdioWorld.open();
    const text = Buffer.from(
      '{"jsonrpc":"2.0","id":"ü1","method":"ping"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}',
    );
    for (const byte of text) world.input.write(Buffer.from([byte]));
    world.input.end();
    await world.answer(2);
    expect(world.messages[0]).toMatchObject({ id: 'ü1' });
  });

  test.each<[string, string | Buffer, number, RegExp]>([
    ['no JSON', '{"jsonrpc":', -32700, /^Parse error: /],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22, 10]), -32700, /line is not UTF-8/],
    ['no object', '5', -32600, /a message is a JSON object/],
    ['without a version', '{"method":"ping"}', -32600, /"jsonrpc" must be "2.0"/],
    ['an answer without a result', '{"jsonrpc":"2.0","id":1}', -32600, /neither a request/],
  ])('that are %s are answered with the id null', async (_what, line, code, message) => {
    await using world = await StdioWorld.open();
    world.input.write(line);
    world.input.write('\n');
    const answer = await world.answer(null);
    expect(errorOf(answer)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('that are wrong requests are answered with their id', async () => {
    await using world = await StdioWorld.open();
    world.send('{"jsonrpc":"2.0","id":"x","method":"ping","params":[1]}');
    expect(errorOf(await world.answer('x')).message).toContain('"params" must be an object');
  });

  test('may be as deep as the limit allows, and no deeper', async () => {
    await using world = await StdioWorld.open({ limits: 'json_depth_max: 8' });
    const deep = (id: number, levels: number): string =>
      `{"jsonrpc":"2.0","id":${id},"method":"ping","params":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    world.send(deep(1, 6), deep(2, 7));
    expect(errorOf(await world.answer(2)).message).toContain('limits.json_depth_max');
    expect(await world.answer(1)).toMatchObject({ result: {} });
  });

  test.each([
    ['first', '{"jsonrpc":"2.0","id":"big","method":"ping","params":{"a":"PAD"}}', 'big'],
    ['last', '{"method":"ping","params":{"a":"PAD"},"jsonrpc":"2.0","id":5}', 5],
    ['nowhere to be seen', '{"method":"x","params":{"id":5,"a":"PAD"},"jsonrpc":"2.0"}', null],
    ['that of a question', '{"jsonrpc":"2.0","id":5,"result":{"a":"PAD"}}', null],
  ])('that are too long are refused, their id being %s', async (_where, line, id) => {
    await using world = await StdioWorld.open({ limits: 'body_bytes_max: 1024' });
    world.send(line.replace('PAD', 'x'.repeat(2_000)), { id: 'next', method: 'ping' });
    expect(errorOf(await world.answer(id))).toMatchObject({
      code: -32000,
      message: expect.stringContaining('limits.body_bytes_max'),
      data: { code: 'BODY_TOO_LARGE', retryable: false },
    });
    expect(await world.answer('next')).toMatchObject({ result: {} });
  });
});

describe('A modern client', () => {
  const meta = (more: JsonObject = {}): JsonObject => ({ _meta: { ...MODERN_META, ...more } });

  test('needs no handshake and no headers', async () => {
    await using world = await StdioWorld.open({ hello: { era: 'modern' } });
    world.send({ id: 1, method: 'server/discover', params: meta() });
    expect(await world.answer(1)).toMatchObject({ result: { resultType: 'complete' } });
    world.send({ id: 2, method: 'tools/list', params: meta() });
    expect(await world.answer(2)).toMatchObject({ result: { tools: [{ name: 's__work' }] } });
    const given = { name: 's__work', arguments: { region: 'eu' }, ...meta() };
    world.send({ id: 3, method: 'tools/call', params: given });
    world.serverAnswers(await world.received('tools/call'), { resultType: 'complete' });
    expect(await world.answer(3)).toMatchObject({ result: { resultType: 'complete' } });
  });

  test.each<[string, JsonObject, number]>([
    ['of a revision that is not known', { [VERSION]: '2027-01-01' }, -32022],
    ['without capabilities', { [CAPABILITIES]: undefined }, -32602],
    ['whose revision is no text', { [VERSION]: 5 }, -32602],
  ])('is refused a request %s', async (_what, more, code) => {
    await using world = await StdioWorld.open();
    world.send({ id: 1, method: 'tools/list', params: meta(more) });
    expect(errorOf(await world.answer(1)).code).toBe(code);
  });

  test('knows no method of the legacy era', async () => {
    await using world = await StdioWorld.open();
    world.send({ id: 1, method: 'ping', params: meta() });
    expect(errorOf(await world.answer(1)).code).toBe(-32601);
  });

  test('may share the pipe with a legacy one', async () => {
    await using world = await StdioWorld.open();
    world.send({ id: 1, method: 'server/discover', params: meta() });
    await world.initialize();
    world.send({ id: 2, method: 'tools/list', params: meta() });
    world.send({ id: 3, method: 'tools/list' });
    expect(await world.answer(2)).toHaveProperty('result.ttlMs');
    expect(await world.answer(3)).not.toHaveProperty('result.ttlMs');
  });

  test('cancels by a notification, and then gets no answer', async () => {
    await using world = await StdioWorld.open({ hello: { era: 'modern' } });
    world.modernCall('one');
    world.modernCall('two');
    const second = await world.received('tools/call', 1);
    const params = { requestId: 'one', reason: 'enough', ...meta() };
    world.send({ method: 'notifications/cancelled', params });
    await world.until('it is cancelled', () => world.launcher.alive[0]?.cancelled.length === 1);
    world.serverAnswers(second);
    await world.answer('two');
    expect(world.lines).toHaveLength(1);
  });

  test('listens until it cancels that', async () => {
    await using world = await StdioWorld.open({ hello: { era: 'modern' } });
    const notifications = { toolsListChanged: true };
    world.send({
      id: 'L',
      method: 'subscriptions/listen',
      params: { notifications, ...meta() },
    });
    const acknowledged = await world.line(
      ({ method }) => method === 'notifications/subscriptions/acknowledged',
    );
    expect(acknowledged).toMatchObject({
      params: { notifications, _meta: { 'io.modelcontextprotocol/subscriptionId': 'L' } },
    });
    world.send({ method: 'notifications/cancelled', params: { requestId: 'L', ...meta() } });
    world.send({ id: 2, method: 'tools/list', params: meta() });
    await world.answer(2);
    expect(world.messages.filter(({ id }) => id === 'L')).toEqual([]);
  });

  test('is told the end of what it listens to when the gateway stops', async () => {
    await using world = await StdioWorld.open();
    const params = { notifications: { toolsListChanged: true }, ...meta() };
    world.send({ id: 'L', method: 'subscriptions/listen', params });
    await world.until('it is acknowledged', () => world.lines.length === 1);
    await world.front.close(1_000);
    expect(await world.answer('L')).toMatchObject({ result: { resultType: 'complete' } });
  });

  test('cannot listen more often than the limit', async () => {
    await using world = await StdioWorld.open({ limits: 'streams_max: 1' });
    const params = { notifications: {}, ...meta() };
    world.send(
      { id: 1, method: 'subscriptions/listen', params },
      { id: 2, method: 'subscriptions/listen', params },
    );
    expect(errorOf(await world.answer(2)).data).toEqual({ code: 'STREAMS_FULL', retryable: true });
  });

  test('has a child of its own where servers keep one for each client, and it ends with it', async () => {
    await using world = await StdioWorld.open({
      server: 'sharing: session',
      hello: { era: 'modern' },
    });
    world.modernCall(1);
    world.serverAnswers(await world.received('tools/call'), { resultType: 'complete' });
    await world.answer(1);
    expect(world.launcher.alive).toHaveLength(1);
    world.input.end();
    await world.until('its child has ended', () => world.launcher.alive.length === 0);
  });
});

describe('The end', () => {
  test('of the input lets the calls in flight be answered, then ends the output', async () => {
    await using world = await StdioWorld.open();
    await world.initialize();
    world.call(1);
    const received = await world.received('tools/call');
    world.input.end();
    await world.until('it is noticed', () => world.closed === 'input ended');
    world.serverAnswers(received);
    expect(await world.answer(1)).toHaveProperty('result');
    await world.front.close(1_000);
  });

  test('of the input answers what servers ask', async () => {
    await using world = await StdioWorld.open();
    await world.initialize({ ...INITIALIZE, capabilities: { sampling: {} } });
    world.call(1);
    const received = await world.received('tools/call');
    const refused = (id: string): boolean =>
      world.launcher.alive[0]?.lines.some(({ id: of, error }) => of === id && Boolean(error)) ===
      true;
    world.serverSays({ id: 'q1', method: 'sampling/createMessage', params: {} });
    await world.line(({ method }) => method === 'sampling/createMessage');
    world.input.end();
    await world.until('the question is refused', () => refused('q1'));
    world.serverSays({ id: 'q2', method: 'sampling/createMessage', params: {} });
    await world.until('the next one too', () => refused('q2'));
    world.serverAnswers(received);
    expect(await world.answer(1)).toHaveProperty('result');
  });

  test('of the gateway gives calls their time, then an error, and takes no more', async () => {
    await using world = await StdioWorld.open();
    await world.initialize();
    world.call(1);
    await world.received('tools/call');
    const closing = world.front.close(50);
    world.send({ id: 2, method: 'ping' });
    expect(errorOf(await world.answer(2)).data).toMatchObject({ code: 'GATEWAY_STOPPING' });
    await closing;
    expect(errorOf(await world.answer(1)).data).toMatchObject({ code: 'GATEWAY_STOPPING' });
    expect(world.launcher.connections[0]?.cancelled).toHaveLength(1);
  });

  test('of the output cancels what is in flight', async () => {
    const output = new Writable({ write: (_chunk, _encoding, done) => done() });
    await using world = await StdioWorld.open({ output });
    world.send({ id: 0, method: 'initialize', params: INITIALIZE });
    world.call(1);
    world.modernCall(2);
    await world.received('tools/call', 1);
    output.destroy(new Error('EPIPE'));
    await world.until('it is noticed', () => world.closed === 'output gone');
    const cancelled = await world.until('both are cancelled', () => {
      const ids = world.launcher.connections.flatMap((one) => one.cancelled);
      return ids.length >= 2 && ids;
    });
    expect(cancelled).toHaveLength(2);
  });
});

describe('Limits', () => {
  test('a client that does not read is told what did not fit, then loses its pipe', async () => {
    let taken = '';
    const output = new Writable({
      write: (chunk: Buffer) => {
        taken += chunk.toString(); // and never says that it is done with it
      },
    });
    await using world = await StdioWorld.open({ output, limits: 'client_buffer_bytes_max: 65536' });
    world.send({ id: 0, method: 'initialize', params: INITIALIZE });
    for (let id = 1; id <= 3; id += 1) world.call(id);
    await world.received('tools/call', 2);
    const text = 'x'.repeat(40_000);
    for (let at = 0; at < 3; at += 1)
      world.serverAnswers(await world.received('tools/call', at), { text });
    expect(taken).toContain('"id":0');
    expect(world.closed).toBeUndefined();
    for (let id = 0; id < 1_000; id += 1) world.send({ id, method: 'ping' });
    await world.until('it is closed', () => world.closed === 'client too slow');
    expect(output.writableLength).toBeLessThan(2 * 65_536);
  });

  test('a client has no more requests open than all clients together may have', async () => {
    await using world = await StdioWorld.open({ limits: 'in_flight_max: 4' });
    await world.initialize();
    for (let id = 0; id < 4; id += 1) world.call(id);
    world.send({ id: 'one more', method: 'ping' });
    expect(errorOf(await world.answer('one more')).data).toEqual({
      code: 'GATEWAY_BUSY',
      retryable: true,
    });
  });
});
