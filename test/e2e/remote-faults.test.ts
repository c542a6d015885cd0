/** What goes wrong on the way to a remote server costs that call, says what to do, and leaves nothing behind. */
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { HostileServer } from '../support/hostile-server.ts';
import type { Message } from '../support/http.ts';
import { remote } from '../support/remote.ts';
import { until } from '../support/until.ts';

const TOKEN = 'a-very-secret-token-0815';
const BYTES_MAX = 65_536;

let server: HostileServer;
let gateway: GatewayProcess;
let client: LegacyClient;

beforeAll(async () => {
  server = await HostileServer.start();
  gateway = await startGateway({
    limits: { upstream_message_bytes_max: BYTES_MAX },
    mcp_servers: {
      hostile: remote(server.url, {
        auth: { type: 'bearer', token: TOKEN },
        call_timeout_s: 2,
        max_consecutive_failures: 100, // it fails here all the time, and every call is to be tried
        http: { read_timeout: 1, retry_backoff_factor: 0.1, headers: { 'X-Team': 'red' } },
      }),
    },
  });
  client = await LegacyClient.open(gateway.url('hostile'));
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const dataOf = (message: Message): Record<string, unknown> =>
  (message.error?.data ?? {}) as Record<string, unknown>;
const call = (tool: string, args: Record<string, unknown> = {}): Promise<Message> =>
  client.call(tool, args).answer();
/** The next call works, so nothing is wedged. */
const works = async (): Promise<void> =>
  expect(textOf(await call('echo', { still: 'here' }))).toBe('{"still":"here"}');

describe('A status that is no success', () => {
  it.each([
    [401, 'UPSTREAM_UNAUTHORIZED', false, /answered 401; check auth\.bearer_token$/],
    [403, 'UPSTREAM_UNAUTHORIZED', false, /what auth\.bearer_token names may not do this$/],
    [405, 'UPSTREAM_PROTOCOL_ERROR', false, /is the path of "endpoint" right\?$/],
    [418, 'UPSTREAM_PROTOCOL_ERROR', false, /answered 418$/],
    [429, 'UPSTREAM_RATE_LIMITED', true, /answered 429; call it less often$/],
    [500, 'UPSTREAM_UNAVAILABLE', true, /answered 500; the fault is on its side/],
    [502, 'UPSTREAM_UNAVAILABLE', true, /answered 502/],
    [503, 'UPSTREAM_UNAVAILABLE', true, /answered 503/],
  ] as const)('of %i becomes %s', async (status, code, retryable, says) => {
    const message = await call('status', { status });
    expect(dataOf(message)).toMatchObject({ code, retryable, status });
    expect(message.error?.message).toMatch(says);
    await works();
  });

  it('of 404 opens the session again, once, and then is about the call', async () => {
    const before = server.count('initialize');
    const message = await call('status', { status: 404 });
    expect(dataOf(message)['code']).toBe('UPSTREAM_PROTOCOL_ERROR');
    expect(server.count('initialize')).toBe(before + 1);
    await works();
  });

  it.each([429, 503])('of %i passes on when to come back', async (status) => {
    const message = await call('status', { status, headers: { 'retry-after': '7' } });
    expect(dataOf(message)['retryAfterMs']).toBe(7_000);
  });

  it.each([400, 403, 404, 422, 429, 500])(
    'of %i with the answer to the call as its body is that answer',
    async (status) => {
      const message = await call('refuses', { status });
      expect(message.error).toEqual({ code: -32_042, message: 'not today' });
      await works();
    },
  );

  it('shows what the server says of it, without the credential', async () => {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: null,
      error: { code: 1, message: `bad token ${TOKEN}` },
    });
    const headers = { 'content-type': 'application/json' };
    const message = await call('status', { status: 401, headers, body });
    expect(message.error?.message).toContain('bad token [secret]');
    expect(JSON.stringify(message)).not.toContain(TOKEN);
  });
});

describe('An answer that is none', () => {
  it.each([
    ['wrong_id', 'UPSTREAM_ANSWER_INVALID', /something else than was asked/],
    ['garbage', 'UPSTREAM_ANSWER_INVALID', /something else than was asked/],
    ['page', 'UPSTREAM_ANSWER_INVALID', /text\/html, which is neither JSON nor an event stream/],
    ['nothing', 'UPSTREAM_ANSWER_INVALID', /gave no answer/],
    ['reset', 'UPSTREAM_ENDED', /ended before the answer/],
    ['cut_body', 'UPSTREAM_ENDED', /ended before the answer/],
    ['cut_stream', 'UPSTREAM_ENDED', /ended before the answer/],
    ['ended_stream', 'UPSTREAM_ENDED', /answer stream ended before the answer/],
    ['slow_body', 'UPSTREAM_UNAVAILABLE', /stopped for 1 s \(http\.read_timeout\)/],
    ['silent', 'CALL_TIMED_OUT', /no answer and no progress in 2 s/],
    ['no_http', 'UPSTREAM_PROTOCOL_ERROR', /answered with no HTTP/],
    ['many_headers', 'UPSTREAM_PROTOCOL_ERROR', /headers that are too large/],
  ] as const)('(%s) becomes %s, once', async (tool, code, says) => {
    const before = server.calls(tool).length;
    const message = await call(tool);
    expect(dataOf(message)['code']).toBe(code);
    expect(message.error?.message).toMatch(says);
    expect(server.calls(tool)).toHaveLength(before + 1);
    await works();
  });

  it.each(['huge', 'huge_event'])('(%s) ends at the limit', async (tool) => {
    const message = await call(tool, { bytes: 1_000_000 });
    expect(dataOf(message)['code']).toBe('UPSTREAM_ANSWER_TOO_LARGE');
    expect(textOf(await call(tool, { bytes: 60_000 }))).toHaveLength(60_000);
  });

  it('is picked up again where the stream had event ids', async () => {
    expect(textOf(await call('resumable'))).toBe('resumed');
  });

  it('comes as it is, with any line ends and comments', async () => {
    expect(textOf(await call('streamed', { say: 'Grüße 🌍' }))).toBe('Grüße 🌍');
  });
});

describe('A redirect', () => {
  it('to another origin is refused by name, and nothing goes there', async () => {
    const requests: string[] = [];
    const other = createServer((request, response) => {
      requests.push(JSON.stringify(request.headers));
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    for (const status of [301, 302, 307, 308]) {
      const message = await call('status', { status, headers: { location: `${origin}/mcp?a=b` } });
      expect(dataOf(message)['code']).toBe('UPSTREAM_PROTOCOL_ERROR');
      expect(message.error?.message).toContain(`another origin, ${origin}, which is not followed`);
    }
    expect(requests).toEqual([]);
    await new Promise((resolve) => other.close(resolve));
    await works();
  });

  it('within the origin is followed with method and body, three times at most', async () => {
    const message = await call('status', { status: 307, headers: { location: '/mcp' } });
    expect(dataOf(message)['code']).toBe('UPSTREAM_PROTOCOL_ERROR');
    expect(message.error?.message).toMatch(/redirects more than 3 times$/);
    expect(server.calls('status').at(-1)).toMatchObject({ verb: 'POST', path: '/mcp' });
    const moved = await call('status', { status: 301, headers: { location: '/elsewhere' } });
    expect(moved.error?.message).toMatch(/redirects \(301\) to .*\/elsewhere; set the endpoint/);
    await works();
  });
});

describe('A remote server that restarts', () => {
  it('is greeted again once for all calls that find their session gone', async () => {
    await works();
    server.forget();
    const before = server.count('initialize');
    const calls = Array.from({ length: 20 }, (_each, round) => call('echo', { round }));
    const texts = (await Promise.all(calls)).map(textOf);
    expect(texts).toEqual(texts.map((_text, round) => `{"round":${round}}`));
    expect(server.count('initialize')).toBe(before + 1);
  });

  it('costs the calls in flight, which are not repeated, and the next ones wait for it', async () => {
    const cut = [call('silent', { restart: 1 }), call('silent', { restart: 2 })];
    await until('the calls arrive', () => server.calls('silent').length >= 3);
    const arrived = server.calls('silent').length;
    await server.stop();
    for (const message of await Promise.all(cut))
      expect(dataOf(message)).toMatchObject({ code: 'UPSTREAM_ENDED', retryable: true });
    const waiting = call('echo', { after: 'restart' });
    await server.listen();
    expect(textOf(await waiting)).toBe('{"after":"restart"}');
    expect(server.calls('silent')).toHaveLength(arrived);
  });

  it('for long is said to be unreachable, and is found again without a restart of the gateway', async () => {
    await server.stop();
    const gone = await call('echo');
    expect(dataOf(gone)).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', retryable: true });
    expect(gone.error?.message).toMatch(/ECONNREFUSED\): nothing listens there/);
    const refused = await call('echo');
    expect(refused.error?.message).toMatch(/^Cannot start MCP server "hostile": no connection/);
    await server.listen();
    await until(
      'the server is found again',
      async () => (await call('echo', { back: true })).result !== undefined,
      20_000,
    );
    await works();
  });
});

it('The credential and further headers go with every request, and into no log', async () => {
  await works();
  for (const { headers } of server.seen)
    expect(headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'x-team': 'red' });
  expect(gateway.stderr()).not.toContain(TOKEN);
});
