/** Event streams of legacy sessions: what comes on which, what comes again, and how many there may be. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { fetchText, send, type Exchange, type Message } from '../support/http.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const UPDATED = 'notifications/resources/updated';

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway({
    limits: { replay_events_max: 20 },
    mcp_servers: { up: upstream(), two: upstream() },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const open = (options = {}): Promise<LegacyClient> => LegacyClient.open(gateway.url('up'), options);
const progressOf = (messages: readonly Message[]): readonly unknown[] =>
  messages
    .filter(({ method }) => method === 'notifications/progress')
    .map(({ params }) => params?.['progress']);
const longCall = (client: LegacyClient, steps = 6, ms = 50): Exchange =>
  client.call('progress', { steps, ms }, { progressToken: 'token' });

describe('The answer to a request', () => {
  it('is plain JSON, and a stream only where something precedes it', async () => {
    const client = await open();
    const plain = client.call('echo');
    await plain.answer();
    expect(plain.isStream).toBe(false);
    const stream = longCall(client, 3, 1);
    await stream.answer();
    expect(stream.isStream).toBe(true);
    expect(stream.headers['x-accel-buffering']).toBe('no');
    expect(progressOf(stream.messages())).toEqual([1, 2, 3]);
  });

  it.each(REVISIONS)('opens with a priming event only from 2025-11-25 on: %s', async (revision) => {
    const client = await open({ revision });
    const streams = [await client.listen(), longCall(client, 1, 1)];
    await streams[1]?.answer();
    await client.call('change').answer();
    await streams[0]?.notified('notifications/tools/list_changed');
    for (const stream of streams) {
      const [first, second] = stream.events();
      const primes = first?.data === '' && first.retry !== undefined && first.id !== undefined;
      expect(primes).toBe(revision === '2025-11-25');
      expect(primes ? second?.data : first?.data).toContain('jsonrpc');
    }
  });

  it('comes again from Last-Event-ID on after its stream was lost', async () => {
    const client = await open();
    const call = longCall(client);
    await call.next('second step', ({ params }) => params?.['progress'] === 2);
    const seen = call.events().filter(({ data }) => data !== '');
    call.close();
    const again = await client.listen(seen[0]?.id);
    const answer = await again.answer();
    expect(textOf(answer)).toBe('done');
    expect(progressOf(again.messages())).toEqual([2, 3, 4, 5, 6]);
  });

  it('comes again also after it is complete, as often as it is asked for', async () => {
    const client = await open();
    const call = longCall(client, 2, 1);
    const answer = await call.answer();
    const [primed] = call.events();
    for (let round = 0; round < 2; round += 1) {
      const again = await client.listen(primed?.id);
      expect(await again.answer()).toEqual(answer);
      expect(progressOf(again.messages())).toEqual([1, 2]);
    }
  });

  it('comes on the new stream when the old one still hangs', async () => {
    const client = await open();
    const call = longCall(client);
    await call.next('first step', ({ params }) => params?.['progress'] === 1);
    const again = await client.listen(call.events()[0]?.id);
    expect(textOf(await again.answer())).toBe('done');
    await until('the old one is ended', () => call.over);
    const results = call.messages().filter(({ result }) => result !== undefined);
    expect(results).toEqual([]);
  });

  it('comes whole to a client that closes its connection after each request', async () => {
    const client = await open();
    const headers = { ...client.headers, connection: 'close' };
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const exchange = send(client.url, { headers, body });
    expect((await exchange.answer()).result).toEqual({});
    expect(exchange.headers.connection).toBe('close');
  });

  it('is refused again where the id names nothing that is known', async () => {
    const client = await open();
    for (const id of ['', 'x', '99-1', '-1', '0', '1-1-1', '9999999999-1'])
      expect((await client.listen(id)).status).toBe(400);
  });
});

describe('The standing stream', () => {
  it('brings what belongs to no request', async () => {
    const client = await open();
    const stream = await client.listen();
    await client.call('change').answer();
    const message = await stream.notified('notifications/tools/list_changed');
    expect(message).not.toHaveProperty('id');
  });

  it('brings what was said before it was opened, and between two openings', async () => {
    const client = await open();
    await client.request('resources/subscribe', { uri: 'up://one' }).answer();
    const say = async (uri: string): Promise<void> => {
      await client.call('later', { ms: 20, method: UPDATED, params: { uri } }).answer();
    };
    const uris = (stream: Exchange): readonly unknown[] =>
      stream.messages().map(({ params }) => params?.['uri']);
    await say('up://one/1');
    const first = await client.listen();
    await until('the first comes', () => uris(first).includes('up://one/1'));
    await say('up://one/2');
    await until('the second comes', () => uris(first).includes('up://one/2'));
    const last = first.events().at(-1)?.id;
    first.close();
    await say('up://one/3');
    const again = await client.listen(last);
    await until('the third comes', () => uris(again).includes('up://one/3'));
    expect(uris(again)).toEqual(['up://one/3']);
  });

  it('brings it also to a client that has seen no event and so has no id', async () => {
    const client = await open({ revision: '2025-06-18' });
    await client.request('resources/subscribe', { uri: 'up://one' }).answer();
    const stream = await client.listen();
    stream.close();
    await stream.ended;
    const params = { uri: 'up://one/missed' };
    await client.call('later', { ms: 50, method: UPDATED, params }).answer();
    await client.call('sleep', { ms: 100 }).answer();
    const again = await client.listen();
    const message = await again.notified(UPDATED, 2_000);
    expect(message.params?.['uri']).toBe('up://one/missed');
  });

  it('is one: a second GET ends the first', async () => {
    const client = await open();
    const first = await client.listen();
    const second = await client.listen();
    await until('the first ends', () => first.over);
    await client.call('change').answer();
    await second.notified('notifications/tools/list_changed');
    expect(first.messages()).toEqual([]);
  });

  it('keeps no more events than the limit', async () => {
    const client = await open();
    await client.request('resources/subscribe', { uri: 'up://one' }).answer();
    const params = { uri: 'up://one' };
    await client.call('later', { ms: 10, times: 50, method: UPDATED, params }).answer();
    await client.call('sleep', { ms: 100 }).answer();
    const stream = await client.listen();
    await until('the kept ones come', () => stream.messages().length >= 20);
    expect(stream.messages()).toHaveLength(20);
  });

  it('of one session is not another one’s', async () => {
    const [a, b] = [await open(), await open()];
    const streams = [await a.listen(), await b.listen()];
    await a.request('resources/subscribe', { uri: 'up://one' }).answer();
    await a.call('later', { ms: 10, method: UPDATED, params: { uri: 'up://one' } }).answer();
    await streams[0]?.notified(UPDATED);
    expect(streams[1]?.messages()).toEqual([]);
    const id = streams[0]?.events().at(-1)?.id;
    expect((await b.listen(id)).messages()).toEqual([]);
  });
});

describe('A session', () => {
  it('must be named, and be known', async () => {
    const client = await open();
    const without = { ...client.headers, 'mcp-session-id': '' };
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    expect((await fetchText(client.url, { headers: without, body })).status).toBe(404);
    const { 'mcp-session-id': _, ...none } = client.headers;
    expect((await fetchText(client.url, { headers: none, body })).status).toBe(400);
    const unknown = await fetchText(client.url, {
      headers: { ...client.headers, 'mcp-session-id': 'nobody' },
      body,
    });
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.text)).toMatchObject({ error: { code: -32_001 } });
    const version = { ...client.headers, 'mcp-protocol-version': '1999-01-01' };
    expect((await fetchText(client.url, { headers: version, body })).status).toBe(400);
  });

  it('belongs to the path that it was opened on', async () => {
    const client = await open();
    const options = { headers: client.headers, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' };
    expect((await fetchText(gateway.url(), options)).status).toBe(404);
    expect((await fetchText(gateway.url('two'), options)).status).toBe(404);
  });

  it('is gone after DELETE, with its streams and calls', async () => {
    const client = await open();
    const stream = await client.listen();
    const call = client.call('sleep', { ms: 60_000 });
    const other = longCall(client, 100, 50);
    await other.next('first step', ({ params }) => params?.['progress'] === 1);
    expect(await client.end()).toBe(204);
    for (const each of [stream, call, other]) await until('it ends', () => each.over);
    expect(await client.end()).toBe(404);
    const ping = client.request('ping');
    await ping.ended;
    expect(ping.status).toBe(404);
    expect((await client.listen()).status).toBe(404);
  });

  it('is not initialized twice', async () => {
    const client = await open();
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} };
    const second = client.request('initialize', params);
    await second.ended;
    expect(second.headers['mcp-session-id'] ?? client.sessionId).not.toBe('');
    expect((await client.request('ping').answer()).result).toEqual({});
  });
});

describe('Limits', () => {
  it('sessions_max ends the session that has rested longest, never one in use', async () => {
    await using own = await startGateway({
      limits: { sessions_max: 2 },
      mcp_servers: { up: upstream() },
    });
    const [a, b] = [await LegacyClient.open(own.url('up')), await LegacyClient.open(own.url('up'))];
    await a.request('ping').answer();
    const c = await LegacyClient.open(own.url('up'));
    const ping = b.request('ping');
    await ping.ended;
    expect(ping.status).toBe(404);
    expect((await a.request('ping').answer()).result).toEqual({});
    await a.listen();
    const busy = c.call('sleep', { ms: 500 });
    await until('the call is under way', async () => (await c.notify('notifications/none')) > 0);
    await expect(LegacyClient.open(own.url('up'))).rejects.toThrow('sessions_max');
    expect(textOf(await busy.answer())).toBe('slept 500');
    await LegacyClient.open(own.url('up'));
  });

  it('streams_max bounds standing streams and listens alike', async () => {
    await using own = await startGateway({
      limits: { streams_max: 2 },
      mcp_servers: { up: upstream() },
    });
    const filter = { notifications: { toolsListChanged: true } };
    const client = await LegacyClient.open(own.url('up'));
    const listen = (): Exchange => modern(own.url('up'), 'subscriptions/listen', filter);
    const open = [await client.listen(), listen()];
    await open[1]?.notified('notifications/subscriptions/acknowledged');
    const third = listen();
    expect((await third.answer()).error?.message).toContain('streams_max');
    expect(third.status).toBe(503);
    const other = await LegacyClient.open(own.url('up'));
    expect((await other.listen()).status).toBe(503);
    open[1]?.close();
    await until('there is room again', async () => (await other.listen()).status === 200);
  });

  it('in_flight_max refuses the call that is one too many', async () => {
    await using own = await startGateway({
      limits: { in_flight_max: 2 },
      mcp_servers: { up: upstream() },
    });
    const client = await LegacyClient.open(own.url('up'));
    const calls = [client.call('sleep', { ms: 500 }), client.call('sleep', { ms: 500 })];
    await until('both are under way', async () => {
      const probe = modernCall(own.url('up'), 'pid');
      const message = await probe.answer();
      if (probe.status !== 503) return false;
      expect(message.error).toMatchObject({ code: -32_000, data: { code: 'GATEWAY_BUSY' } });
      return true;
    });
    expect((await client.request('ping').answer()).result).toEqual({});
    for (const call of calls) expect(textOf(await call.answer())).toBe('slept 500');
    expect(Number(textOf(await client.call('pid').answer()))).toBeGreaterThan(0);
  });

  it('session_idle_s ends a session that nobody uses, and not one that listens', async () => {
    await using own = await startGateway({
      limits: { session_idle_s: 1 },
      mcp_servers: { up: upstream() },
    });
    const [idle, listening] = [
      await LegacyClient.open(own.url('up')),
      await LegacyClient.open(own.url('up')),
    ];
    await listening.listen();
    const used = performance.now();
    await until('the idle session ends', async () => {
      if (performance.now() - used < 2_500) return false; // to ask is to use
      const answer = await fetchText(own.url('up'), { method: 'DELETE', headers: idle.headers });
      return answer.status === 404;
    });
    expect((await listening.request('ping').answer()).result).toEqual({});
  });
});
