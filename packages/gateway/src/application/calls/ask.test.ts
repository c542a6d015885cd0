import { Fault } from '@mcp-hangar/kernel/errors';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { utf8Text } from '../byte-text.ts';
import { failureOf } from '../../../test-kit/scripted-launcher.ts';
import type { RawAnswer, UpstreamCall, UpstreamConnection } from '../ports.ts';
import { ask, paramsOf, parseAnswer, RpcRefusal } from './ask.ts';

/** A connection that keeps what it is sent and answers when it is told. */
class OneCall implements UpstreamConnection {
  readonly era = 'legacy';
  readonly hello = {};
  readonly pid = 1;
  readonly pending = 0;
  call: UpstreamCall | undefined;
  cancelled: string | undefined;
  fault: Fault | undefined;

  send(call: UpstreamCall): number {
    if (this.fault !== undefined) throw this.fault;
    this.call = call;
    return 7;
  }
  cancel(_id: number, reason: string): void {
    this.cancelled = reason;
  }
  write(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
}

const answer = (tail: string): RawAnswer => ({
  isError: false,
  before: ['{"jsonrpc":"2.0","id":'],
  after: [Buffer.from(tail).toString('latin1')],
  bytes: tail.length,
});

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  if (vi.getTimerCount() > 0) throw new Error('a timer was left behind');
  vi.useRealTimers();
});

describe('a question of the gateway', () => {
  test('is one line with the id of the connection, and gives the result', async () => {
    const connection = new OneCall();
    const asked = ask(connection, 'x/y', { ä: 1 }, { timeoutMs: 5 });
    expect(connection.call?.parts.join('7')).toBe(
      '{"jsonrpc":"2.0","id":7,"method":"x/y","params":{"ä":1}}',
    );
    connection.call?.answered(answer(',"result":{"größe":[1]}}'));
    expect(await asked).toEqual({ größe: [1] });
  });

  test.each([
    ['an error', ',"error":{"code":-32000,"message":"no","data":{"a":1}}}', RpcRefusal],
    ['no object', ',"result":5}', Fault],
    ['no JSON', ',"result":{', Fault],
  ])('fails where it is answered with %s', async (_what, tail, kind) => {
    const connection = new OneCall();
    const asked = ask(connection, 'x', {}, { timeoutMs: 5 });
    connection.call?.answered(answer(tail));
    await expect(asked).rejects.toBeInstanceOf(kind);
  });

  test('gives up after its time, and says so to the server', async () => {
    const connection = new OneCall();
    const asked = ask(connection, 'x/y', {}, { timeoutMs: 500 });
    const failed = failureOf(asked);
    await vi.advanceTimersByTimeAsync(500);
    expect(await failed).toMatchObject({ code: 'CALL_TIMED_OUT' });
    expect(connection.cancelled).toBe('no answer to x/y in 500 ms');
  });

  test('gives up when it is told to, before or after it was asked', async () => {
    const connection = new OneCall();
    const aborter = new AbortController();
    const asked = ask(connection, 'x', {}, { timeoutMs: 5, signal: aborter.signal });
    const failed = failureOf(asked);
    aborter.abort();
    expect(await failed).toMatchObject({ code: 'UPSTREAM_ENDED' });
    expect(connection.cancelled).toBe('x was given up');
    const other = new OneCall();
    await expect(
      ask(other, 'x', {}, { timeoutMs: 5, signal: aborter.signal }),
    ).rejects.toMatchObject({ code: 'UPSTREAM_ENDED' });
    expect(other.call).toBeUndefined();
  });

  test('leaves nothing behind where it cannot even be sent, or where its server ends', async () => {
    const connection = new OneCall();
    connection.fault = new Fault('UPSTREAM_QUEUE_FULL', 'full');
    await expect(ask(connection, 'x', {}, { timeoutMs: 5 })).rejects.toBe(connection.fault);
    const lost = new OneCall();
    const asked = ask(lost, 'x', {}, { timeoutMs: 5 });
    lost.call?.lost(new Fault('UPSTREAM_ENDED', 'gone'));
    await expect(asked).rejects.toMatchObject({ code: 'UPSTREAM_ENDED', message: 'gone' });
  });
});

describe('an answer as a value', () => {
  test('keeps numbers that JavaScript cannot hold as they were written', () => {
    const result = '{"big":12345678901234567890,"small":1e-400,"huge":1e999,"plain":[1,-2.5]}';
    const value = parseAnswer(answer(`,"result":${result}}`));
    expect(JSON.stringify(value?.['result'])).toBe(result);
  });

  test('is undefined where it is no JSON object', () => {
    expect(parseAnswer(answer(',"result":'))).toBeUndefined();
    expect(parseAnswer({ ...answer(']'), before: ['['] })).toBeUndefined();
  });

  test.each([2_000, 200_000])('is undefined where it is nested %i levels deep', (levels) => {
    const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`;
    expect(
      parseAnswer(answer(`,"error":{"code":1,"message":"m","data":${deep}}}`)),
    ).toBeUndefined();
  });

  test('is undefined where it nests so deep that it could not be written again', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    for (const levels of [600, 5_000, 100_000])
      expect(parseAnswer(answer(`,"result":${nested(levels)}}`))).toBeUndefined();
    expect(parseAnswer(answer(`,"result":${nested(500)}}`))).toBeDefined();
  });

  test('is read as UTF-8 across its pieces', () => {
    const bytes = Buffer.from('größe 🙂');
    const pieces = [
      bytes.subarray(0, 3),
      bytes.subarray(3, 9).toString('latin1'),
      bytes.subarray(9),
    ];
    expect(utf8Text(pieces)).toBe('größe 🙂');
  });
});

test.each<[string, string, unknown]>([
  ['their value', '{"method":"x","params":{"a":"ä"}}', { a: 'ä' }],
  ['numbers, however they are written', '{"method":"x","params":{"a":1.0}}', { a: 1 }],
  ['empty where there are none', '{"method":"x"}', {}],
  ['empty where they are no object', '{"method":"x","params":[1]}', {}],
  ['undefined where the line is no JSON', '{"method":"x","params":{"a":no}}', undefined],
])('the parameters of a line are %s', (_what, text, expected) => {
  expect(paramsOf(text)).toEqual(expected);
});
