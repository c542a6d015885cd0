import { beforeEach, describe, expect, test } from 'vitest';
import { ClientRecord } from './client-record.ts';
import { glimpse, lineOf, textOf, type Line } from './glimpse.ts';

const ENDED = {
  code: -32_000,
  message: 'the gateway ended during the call; call again',
  data: { code: 'GATEWAY_ENDED', retryable: true },
};
const texts = (lines: readonly Line[]): readonly string[] =>
  lines.map(({ pieces }) => textOf(pieces));
const values = (lines: readonly Line[]): readonly unknown[] =>
  texts(lines).map((text): unknown => JSON.parse(text));
const request = (id: number | string, method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const notification = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params });
const answer = (id: number | string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{}}`;
const HELLO = request(0, 'initialize', { protocolVersion: '2025-11-25' });
const INITIALIZED = notification('notifications/initialized');

let record: ClientRecord;
/** Bytes that the current gateway was sent. */
let sentBytes: number;

function send(text: string): string | undefined {
  const line = lineOf(text);
  const out = record.sent(line, glimpse(line));
  if (out !== undefined) sentBytes += out.bytes + 1;
  return out === undefined ? undefined : textOf(out.pieces);
}
function receive(text: string): string | undefined {
  const line = lineOf(text);
  const out = record.received(line, glimpse(line));
  return out === undefined ? undefined : textOf(out.pieces);
}
/** What the next gateway is sent, with its answer to the handshake in between. */
function handOver(): readonly string[] {
  sentBytes = 0;
  const opening = texts(record.open());
  if (!record.isOpening) return opening;
  expect(receive(answer(0))).toBeUndefined();
  return [...opening, '-', ...texts(record.rest())];
}

beforeEach(() => {
  record = new ClientRecord();
  sentBytes = 0;
  send(HELLO);
  receive(answer(0));
  send(INITIALIZED);
});

describe('Calls in flight', () => {
  test('are answered with an error when the gateway was killed, and not sent again', () => {
    send(request(1, 'tools/call', { name: 'a' }));
    send(request('two', 'prompts/get', { name: 'b' }));
    receive(answer(1));
    expect(record.isWaiting).toBe(true);
    expect(values(record.lost(undefined))).toEqual([{ jsonrpc: '2.0', id: 'two', error: ENDED }]);
    expect(record.isWaiting).toBe(false);
    expect(handOver()).toEqual([HELLO, '-', INITIALIZED]);
  });

  test('that the gateway says it has not read are sent to the next one', () => {
    send(request(1, 'tools/call', { name: 'a' }));
    const readBytes = sentBytes;
    const unread = request(2, 'tools/call', { name: 'b' });
    send(unread);
    expect(values(record.lost(readBytes))).toEqual([{ jsonrpc: '2.0', id: 1, error: ENDED }]);
    expect(record.isWaiting).toBe(true);
    expect(handOver()).toEqual([HELLO, '-', INITIALIZED, unread]);
    expect(receive(answer(2))).toBe(answer(2));
    expect(record.isWaiting).toBe(false);
  });

  test('are never sent again where they were sent to two gateways, of which the second was killed', () => {
    send(request(1, 'tools/call', { name: 'a' }));
    expect(record.lost(0)).toEqual([]);
    handOver();
    expect(values(record.lost(undefined))).toEqual([{ jsonrpc: '2.0', id: 1, error: ENDED }]);
  });

  test('wait for a third gateway where the second was killed during the handshake', () => {
    const unread = request(1, 'tools/call', { name: 'a' });
    send(unread);
    record.lost(0);
    record.open();
    expect(record.lost(undefined)).toEqual([]);
    expect(handOver()).toEqual([HELLO, '-', INITIALIZED, unread]);
  });

  test('that the client cancelled are forgotten', () => {
    send(request(1, 'tools/call', { name: 'a' }));
    send(notification('notifications/cancelled', { requestId: 1 }));
    expect(record.lost(undefined)).toEqual([]);
  });

  test('in a batch have an answer each', () => {
    send(`[${request(1, 'tools/call')},${request(2, 'tools/call')}]`);
    receive(answer(1));
    expect(values(record.lost(0))).toEqual([{ jsonrpc: '2.0', id: 2, error: ENDED }]);
  });

  test('on which no server acts are simply repeated', () => {
    const list = request(1, 'tools/list');
    send(list);
    expect(record.lost(undefined)).toEqual([]);
    expect(handOver()).toEqual([HELLO, '-', INITIALIZED, list]);
    expect(receive(answer(1))).toBe(answer(1));
  });
});

describe('The handshake', () => {
  test('that was not answered is repeated and answered', () => {
    record = new ClientRecord();
    send(HELLO);
    expect(record.lost(undefined)).toEqual([]);
    expect(texts(record.open())).toEqual([HELLO]);
    expect(record.isOpening).toBe(false);
    expect(receive(answer(0))).toBe(answer(0));
  });

  test('is not repeated for a client that had none', () => {
    record = new ClientRecord();
    send(request(1, 'server/discover'));
    receive(answer(1));
    record.lost(undefined);
    expect(record.open()).toEqual([]);
    expect(record.isOpening).toBe(false);
  });

  test('brings back the log level and live subscriptions; their answers stay with us', () => {
    const level = request(1, 'logging/setLevel', { level: 'debug' });
    const one = request(2, 'resources/subscribe', { uri: 'a:1' });
    send(level);
    send(one);
    send(request(3, 'resources/subscribe', { uri: 'a:2' }));
    send(request(4, 'resources/subscribe', { uri: 'a:3' }));
    for (const id of [1, 2, 3]) receive(answer(id));
    receive('{"jsonrpc":"2.0","id":4,"error":{"code":-32002,"message":"no"}}');
    send(request(5, 'resources/unsubscribe', { uri: 'a:2' }));
    receive(answer(5));
    record.lost(undefined);
    expect(handOver()).toEqual([HELLO, '-', INITIALIZED, level, one]);
    expect(receive(answer(1))).toBeUndefined();
    expect(receive(answer(2))).toBeUndefined();
    expect(record.lost(undefined)).toEqual([]);
    expect(handOver()).toEqual([HELLO, '-', INITIALIZED, level, one]);
  });
});

describe('What a client listens to', () => {
  const listen = request('l', 'subscriptions/listen', { notifications: {} });
  const acknowledged = notification('notifications/subscriptions/acknowledged', {
    _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' },
  });
  beforeEach(() => {
    record = new ClientRecord();
    send(listen);
  });

  test('goes on with the next gateway, and is acknowledged once', () => {
    expect(receive(acknowledged)).toBe(acknowledged);
    expect(record.isWaiting).toBe(false);
    record.lost(undefined);
    expect(texts(record.open())).toEqual([listen]);
    expect(receive(acknowledged)).toBeUndefined();
  });

  test('is acknowledged by the next gateway where the last one did not', () => {
    record.lost(undefined);
    record.open();
    expect(receive(acknowledged)).toBe(acknowledged);
  });

  test('does not end because the gateway stops', () => {
    receive(acknowledged);
    record.gatewayStops();
    expect(receive(answer('l'))).toBeUndefined();
    record.lost(sentBytes);
    expect(texts(record.open())).toEqual([listen]);
  });

  test('ends when the gateway says so, or the client', () => {
    expect(receive(answer('l'))).toBe(answer('l'));
    send(listen.replace('"l"', '"m"'));
    send(notification('notifications/cancelled', { requestId: 'm' }));
    record.lost(undefined);
    expect(record.open()).toEqual([]);
  });
});

describe('Questions of the gateway', () => {
  const question = (id: number): string =>
    request(id, 'sampling/createMessage', { _meta: { progressToken: id } });

  test('pass as they are with the first gateway', () => {
    expect(receive(question(1))).toBe(question(1));
    expect(send(answer(1))).toBe(answer(1));
    expect(record.lost(undefined)).toEqual([]);
  });

  test('are withdrawn when it ends, and a late answer reaches nobody', () => {
    receive(question(1));
    expect(values(record.lost(undefined))).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 1, reason: 'the gateway ended' },
      },
    ]);
    handOver();
    expect(send(answer(1))).toBeUndefined();
  });

  test('of later gateways have names of their own', () => {
    record.lost(undefined);
    handOver();
    expect(JSON.parse(receive(question(1)) ?? '')).toMatchObject({
      id: '2:1',
      params: { _meta: { progressToken: '2:1' } },
    });
    const progress = notification('notifications/progress', { progressToken: '2:1', progress: 1 });
    expect(JSON.parse(send(progress) ?? '')).toMatchObject({ params: { progressToken: 1 } });
    expect(send(progress.replace('2:1', '1:1'))).toBeUndefined();
    expect(send(answer('2:1'))).toBe(answer(1));
    receive(question(2));
    expect(receive(notification('notifications/cancelled', { requestId: 2 }))).toContain('"2:2"');
  });
});

test('what cannot be read passes', () => {
  expect(send('nonsense')).toBe('nonsense');
  expect(receive('nonsense')).toBe('nonsense');
});
