import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { connect, Heard, LIMITS, Process, Told, turn } from '../../../test-kit/scripted-process.ts';
import type { RawAnswer } from '../../application/ports.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { StdioConnection } from './stdio-connection.ts';

const valueOf = ({ before, after }: RawAnswer): unknown =>
  JSON.parse(
    Buffer.concat(
      [...before, '"client"', ...after].map((part) =>
        typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
      ),
    ).toString(),
  );
const lostWith = (call: Told): readonly string[] => call.losses.map(({ code }) => code);

describe('a call', () => {
  test('goes out as one line with an id of the connection, wherever the id stands', async () => {
    const { process, connection } = connect();
    const token = ['{"id":', ',"params":{"_meta":{"progressToken":', '},"x":"ä"}}'];
    expect([connection.send(new Told()), connection.send(new Told(token))]).toEqual([1, 2]);
    await turn();
    expect(process.read).toEqual([
      { jsonrpc: '2.0', id: 1, method: 'x' },
      { id: 2, params: { _meta: { progressToken: 2 }, x: 'ä' } },
    ]);
    expect(connection.pending).toBe(2);
  });

  test.each([
    ['with its id first', '{"jsonrpc":"2.0","id":1,"result":{"x":"ä"}}'],
    ['with its id last', '{"result":{"x":"ä"},"jsonrpc":"2.0","id":1}'],
    ['with its id as a text', '{"jsonrpc":"2.0","id":"1","result":{"x":"ä"}}'],
    ['with spaces and a carriage return', ' { "id" : 1 , "result" : {"x":"ä"}, "jsonrpc":"2.0"}\r'],
  ])('is answered %s', async (_how, line) => {
    const { process, connection } = connect();
    const call = new Told();
    connection.send(call);
    await process.says(line);
    expect(call.answers.map(valueOf)).toEqual([
      { jsonrpc: '2.0', id: 'client', result: { x: 'ä' } },
    ]);
    expect(connection.pending).toBe(0);
  });

  test('that is large is answered without its middle being looked at', async () => {
    const { process, connection } = connect();
    const calls = [new Told(), new Told()];
    for (const call of calls) connection.send(call);
    const x = 'ä'.repeat(20_000);
    await process.says({ jsonrpc: '2.0', id: 1, result: { x } });
    await process.says({ result: { x }, jsonrpc: '2.0', id: 2 });
    for (const call of calls)
      expect(call.answers.map(valueOf)).toEqual([{ jsonrpc: '2.0', id: 'client', result: { x } }]);
  });

  test('is told of an error as of an answer', async () => {
    const { process, connection } = connect();
    const call = new Told();
    connection.send(call);
    await process.says({ jsonrpc: '2.0', id: 1, error: { code: -1, message: 'no' } });
    expect(call.answers.map(({ isError }) => isError)).toEqual([true]);
  });

  test('is lost with its server, with how it ended, and no later', async () => {
    const { process, connection, heard } = connect();
    const call = new Told();
    connection.send(call);
    process.exit({ code: 3, signal: null });
    await turn();
    expect(call.losses).toMatchObject([
      { code: 'UPSTREAM_ENDED', message: 'the server ended during the call (exit code 3)' },
    ]);
    expect(heard.all).toEqual(['ended: exit code 3']);
    expect(() => connection.send(new Told())).toThrow(/has ended \(exit code 3\)/);
    connection.write('{}');
    connection.cancel(1, 'late');
    await process.says({ jsonrpc: '2.0', id: 1, result: {} });
    expect(call.times).toBe(1);
  });

  test('is refused where the server does not read, and not kept', () => {
    const stuck = new Writable({ highWaterMark: 1, write: () => undefined });
    const { connection } = connect(new Process(stuck), { ...LIMITS, queueBytesMax: 100 });
    connection.send(new Told([`{"x":"${'y'.repeat(200)}","id":`, '}']));
    expect(() => connection.send(new Told())).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_QUEUE_FULL' }),
    );
    expect(connection.pending).toBe(1);
  });

  test('survives a broken pipe: the exit that follows tells', async () => {
    const { process, connection } = connect();
    process.stdin.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    const call = new Told();
    connection.send(call);
    await turn();
    expect(call.times).toBe(0);
    process.stdout.destroy(new Error('read ECONNRESET'));
    process.exit({ code: null, signal: 'SIGKILL' });
    await turn();
    expect(call.losses[0]?.message).toBe('the server ended during the call (signal SIGKILL)');
  });
});

describe('a call that is given up', () => {
  test('is told to the server once, and its late answer and progress are dropped', async () => {
    const { process, connection, heard } = connect();
    const call = new Told();
    connection.send(call);
    connection.cancel(1, 'the client is "gone"');
    connection.cancel(1, 'twice');
    connection.cancel(99, 'never sent');
    await process.says(
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1 } },
      { jsonrpc: '2.0', id: 1, result: {} },
    );
    expect(process.read.slice(1)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 1, reason: 'the client is "gone"' },
      },
    ]);
    expect([call.times, call.notes.length, heard.all]).toEqual([0, 0, []]);
  });
});

describe('whatever a server writes', () => {
  const lines = fc.oneof(
    fc.nat({ max: 12 }).map((id) => `{"jsonrpc":"2.0","id":${id},"result":{}}`),
    fc.nat({ max: 12 }).map((id) => `{"result":{},"jsonrpc":"2.0","id":"${id}"}`),
    fc.nat({ max: 12 }).map((id) => `{"jsonrpc":"2.0","id":${id},"result":{`),
    fc
      .nat({ max: 12 })
      .map((id) => `{"jsonrpc":"2.0","id":${id},"result":"${'x'.repeat(120_000)}"}`),
    fc.nat({ max: 12 }).map((id) => `{"jsonrpc":"2.0","id":${id},"method":"roots/list"}`),
    fc
      .nat({ max: 12 })
      .map((id) => `{"method":"notifications/progress","params":{"progressToken":${id}}}`),
    fc.string(),
    fc.json(),
    fc.constant('{"__proto__":{"__proto__":{"a":1}}}'),
  );
  const anyStep = fc.oneof(
    { weight: 3, arbitrary: lines.map((line) => ['line', line] as const) },
    { weight: 3, arbitrary: fc.constant(['send', ''] as const) },
    { weight: 1, arbitrary: fc.nat({ max: 12 }).map((id) => ['cancel', String(id)] as const) },
  );

  test('every call is told exactly once, or never where it was given up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), async (steps) => {
        const { process, connection } = connect();
        const calls: Told[] = [];
        const given = new Set<Told>();
        for (const [kind, text] of steps) {
          if (kind === 'line') process.stdout.write(`${text.replaceAll('\n', ' ')}\n`);
          else if (kind === 'send') {
            const call = new Told();
            calls.push(call);
            connection.send(call);
          } else {
            const call = calls[Number(text) - 1];
            if (call !== undefined && call.times === 0) given.add(call);
            connection.cancel(Number(text), 'r');
          }
        }
        await turn();
        process.exit({ code: 0, signal: null });
        await turn();
        for (const call of calls) expect(call.times).toBe(given.has(call) ? 0 : 1);
        expect(connection.pending).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test('a broken or over-long line costs the call that it names and no other', async () => {
    const { process, connection } = connect();
    const [broken, long, fine] = [new Told(), new Told(), new Told()];
    for (const call of [broken, long, fine]) connection.send(call);
    const x = 'x'.repeat(LIMITS.messageBytesMax);
    await process.says(
      '{"jsonrpc":"2.0","id":1,"result":{"a":}}',
      `{"result":"${x}","jsonrpc":"2.0","id":2}`,
      { jsonrpc: '2.0', id: 3, result: {} },
    );
    await vi.waitFor(() => expect(fine.times).toBe(1));
    expect([lostWith(broken), lostWith(long)]).toEqual([
      ['UPSTREAM_ANSWER_INVALID'],
      ['UPSTREAM_ANSWER_TOO_LARGE'],
    ]);
    expect(long.losses[0]?.message).toBe(
      'the answer has 100036 bytes, more than limits.upstream_message_bytes_max allows (100000)',
    );
  });

  test.each([10, 70_000])('a line of %i bytes without a result is no answer', async (bytes) => {
    const { process, connection } = connect();
    const calls = [new Told(), new Told(), new Told()];
    for (const call of calls) connection.send(call);
    const text = `${'x'.repeat(bytes)} "result"`;
    await process.says(
      { jsonrpc: '2.0', id: 1, text },
      { jsonrpc: '2.0', id: 2, inner: { result: text } },
      { jsonrpc: '2.0', id: 3, Result: text },
    );
    const invalid = ['UPSTREAM_ANSWER_INVALID'];
    await vi.waitFor(() => expect(calls.map(lostWith)).toEqual([invalid, invalid, invalid]));
  });

  test('an over-long request of its own costs none of ours, though it has the same id', async () => {
    const { process, connection } = connect();
    const call = new Told();
    connection.send(call);
    const params = { text: 'x'.repeat(LIMITS.messageBytesMax) };
    await process.says(
      { method: 'sampling/createMessage', params, jsonrpc: '2.0', id: 1 },
      { jsonrpc: '2.0', id: 1, method: 'sampling/createMessage', params },
      { jsonrpc: '2.0', id: 1, result: {} },
    );
    await vi.waitFor(() => expect(call.times).toBe(1));
    expect(call.answers).toHaveLength(1);
  });

  test.each(['INFO {"jsonrpc":"2.0","id":1,"result":{}', '"id":1}', '{"id":1,', '  ', '['])(
    'a line like %j is no protocol, and costs no call that it does not name at its end',
    async (line) => {
      const { process, connection } = connect();
      const call = new Told();
      connection.send(call);
      await process.says('Starting up…', line, { jsonrpc: '2.0', id: 1, result: {} });
      await vi.waitFor(() => expect(call.times).toBe(1));
      expect(call.answers).toHaveLength(line === '"id":1}' ? 0 : 1);
      expect(connection.noiseLines).toBe(line.trim() === '' ? 1 : 2);
    },
  );

  test('the first words that are no protocol are kept as evidence', async () => {
    const { process, connection } = connect();
    await process.says('Starting up…', 'more');
    expect(connection.noiseLines).toBe(2);
    expect(connection.noise).toBe('Starting up…');
  });
});

describe('what a server says on its own', () => {
  const progress = (progressToken: unknown): JsonObject => ({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken, progress: 1 },
  });
  const subscribed = (id: unknown): JsonObject => ({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: { _meta: { 'io.modelcontextprotocol/subscriptionId': id } },
  });

  test.each([10, 70_000])('is heard only where it is JSON, also with %i bytes', async (bytes) => {
    const { process, heard } = connect();
    const filler = 'x'.repeat(bytes);
    const line = (value: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"roots/list","params":{"f":"${filler}","v":${value}}}`;
    await process.says(line('nul'), line('null'));
    await vi.waitFor(() => expect(heard.all).toEqual(['roots/list']));
  });

  test('goes to the call that it names by token or subscription, and to nobody else', async () => {
    const { process, connection, heard } = connect();
    const calls = [new Told(), new Told()];
    for (const call of calls) connection.send(call);
    await process.says(progress(1), progress('1'), subscribed(2), subscribed('2'), progress(7));
    expect(calls.map(({ notes }) => notes.length)).toEqual([2, 2]);
    expect(heard.all).toEqual([]);
    await process.says({ jsonrpc: '2.0', id: 2, result: {} }, subscribed(2));
    expect(calls[1]?.notes).toHaveLength(2);
    expect(heard.all).toEqual([]);
  });

  test('goes to the observer where it names no call', async () => {
    const { process, heard } = connect();
    await process.says(
      { jsonrpc: '2.0', id: 1, method: 'roots/list' },
      { jsonrpc: '2.0', method: 'notifications/message', params: {} },
    );
    expect(heard.all).toEqual(['roots/list', 'notifications/message']);
  });

  test('is answered where it is a ping and nobody listens yet', async () => {
    const process = new Process();
    const connection = new StdioConnection(process, LIMITS);
    await process.says({ jsonrpc: '2.0', id: 'p', method: 'ping' });
    expect(process.read).toEqual([{ jsonrpc: '2.0', id: 'p', result: {} }]);
    process.exit({ code: 0, signal: null });
    await turn();
    const heard = new Heard();
    connection.observe(heard);
    expect(heard.all).toEqual(['ended: exit code 0']);
  });
});

describe('reading', () => {
  afterEach(() => vi.useRealTimers());
  const NOISE = `${'{"jsonrpc":"2.0","method":"notifications/message"}'.padEnd(999)}\n`.repeat(16);

  test('pauses for a child that floods, and goes on after a moment', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { process, connection, heard } = connect();
    for (let at = 0; at < 14; at += 1) process.stdout.write(NOISE);
    await turn();
    await turn();
    expect(process.stdout.isPaused()).toBe(true);
    const call = new Told();
    connection.send(call);
    process.stdout.write('{"jsonrpc":"2.0","id":1,"result":{}}\n');
    await turn();
    expect(call.times).toBe(0);
    await vi.advanceTimersByTimeAsync(50);
    await turn();
    expect(process.stdout.isPaused()).toBe(false);
    expect(call.times).toBe(1);
    expect(heard.all).toHaveLength(14 * 16);
  });

  test('never pauses for answers that somebody waits for, beyond the end of a turn', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // a pause would never end
    const { process, connection } = connect();
    const calls = Array.from({ length: 40 }, () => new Told());
    for (const call of calls) connection.send(call);
    const result = 'x'.repeat(20_000);
    for (const [at] of calls.entries())
      process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: at + 1, result })}\n`);
    for (let at = 0; at < 10; at += 1) await turn();
    expect(calls.every(({ times }) => times === 1)).toBe(true);
    expect(process.stdout.isPaused()).toBe(false);
  });
});

describe('writing', () => {
  test('puts the lines of one turn into one write where many calls are in flight', async () => {
    const writes: string[] = [];
    const stdin = new Writable({
      write(chunk: Buffer, _encoding, done) {
        writes.push(chunk.toString());
        done();
      },
    });
    const { connection } = connect(new Process(stdin));
    for (let at = 0; at < 50; at += 1) connection.send(new Told());
    await turn();
    expect(writes.join('').split('\n')).toHaveLength(51);
    expect(writes.length).toBeLessThan(10);
  });

  test('leaves nothing behind when it is closed', async () => {
    const { process, connection } = connect();
    for (let at = 0; at < 20; at += 1) connection.send(new Told());
    await connection.close();
    expect(process.read).toHaveLength(20);
    expect(process.stops).toBe(1);
  });
});
