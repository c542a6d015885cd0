/** What the endpoint answers to requests that are wrong, in the order in which they can be wrong. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEGACY, LegacyClient, modern, modernText, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { fetchText, JSON_HEADERS, send, type Message } from '../support/http.ts';
import { upstream } from '../support/upstream.ts';

const BODY_BYTES_MAX = 100_000;
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway({
    http: { allowed_hosts: ['hangar.test'], allowed_origins: ['https://app.test'] },
    limits: { body_bytes_max: BODY_BYTES_MAX, json_depth_max: 32, header_bytes_max: 16_384 },
    mcp_servers: { up: upstream(), two: upstream() },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const post = (body: string, headers: Record<string, string> = {}) =>
  fetchText(gateway.url(), { headers: { ...JSON_HEADERS, ...headers }, body });
const parsed = (text: string): Message => JSON.parse(text) as Message;
const errorOf = ({ error }: Message): number | undefined => error?.code;
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'e2e', version: '1' } },
});

describe('Host and Origin', () => {
  it.each([
    [{ host: 'localhost:1' }, 200],
    [{ host: '127.0.0.1' }, 200],
    [{ host: '[::1]:8000' }, 200],
    [{ host: 'HANGAR.test:8000' }, 200],
    [{ host: 'evil.test' }, 403],
    [{ host: 'localhost.evil.test' }, 403],
    [{ host: '127.0.0.1.evil.test' }, 403],
    [{ origin: 'http://localhost:5173' }, 200],
    [{ origin: 'https://app.test' }, 200],
    [{ origin: 'https://evil.test' }, 403],
    [{ origin: 'https://localhost.evil.test' }, 403],
    [{ origin: 'http://localhost:80@evil.test' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'file://' }, 403],
  ])('%o is answered with %i', async (headers, status) => {
    const answer = await post(INITIALIZE, headers);
    expect([answer.status, answer.text.includes('Forbidden')]).toEqual([status, status === 403]);
  });

  it('are checked before anything else is', async () => {
    const headers = { host: 'evil.test', 'content-type': 'text/plain' };
    const methods = ['GET', 'POST', 'DELETE', 'PUT'];
    const statuses = methods.map(async (method) => {
      const answer = await fetchText(gateway.url(), { method, headers, body: '{' });
      return answer.status;
    });
    expect(await Promise.all(statuses)).toEqual([403, 403, 403, 403]);
  });
});

describe('Methods, paths and types', () => {
  it.each(['PUT', 'PATCH', 'OPTIONS', 'HEAD'])('%s is not allowed', async (method) => {
    const answer = await fetchText(gateway.url(), { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, GET, DELETE');
  });

  it.each(['GET', 'DELETE'])('%s is not allowed in the modern era', async (method) => {
    const headers = { 'mcp-protocol-version': '2026-07-28', accept: 'text/event-stream' };
    const answer = await fetchText(gateway.url(), { method, headers });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST');
  });

  it.each(['/', '/mcp2', '/mcp/nobody', '/mcp/up/more', '/mcp/up%2f', '/MCP', '//mcp', '/sse'])(
    'nothing is served at %s',
    async (path) => {
      const url = `${gateway.origin}${path}`;
      const answer = await fetchText(url, { headers: JSON_HEADERS, body: INITIALIZE });
      expect(answer.status).toBe(404);
    },
  );

  it.each(['/mcp/', '/mcp/up/', '/mcp?x=1', '/mcp/up?x=/..'])('%s is served', async (path) => {
    const url = `${gateway.origin}${path}`;
    const answer = await fetchText(url, { headers: JSON_HEADERS, body: INITIALIZE });
    expect(answer.status).toBe(200);
  });

  it.each(['text/plain', 'application/jsonp', 'application/x-www-form-urlencoded', ''])(
    'a body of type "%s" is not read',
    async (type) => {
      expect((await post(INITIALIZE, { 'content-type': type })).status).toBe(415);
    },
  );

  it.each(['application/json; charset=utf-8', 'Application/JSON'])('%s is JSON', async (type) => {
    expect((await post(INITIALIZE, { 'content-type': type })).status).toBe(200);
  });

  it.each(['application/json', 'text/event-stream', 'text/html', ''])(
    'who accepts only "%s" is told so',
    async (accept) => {
      expect((await post(INITIALIZE, { accept })).status).toBe(406);
    },
  );

  it('who accepts anything is served', async () => {
    expect((await post(INITIALIZE, { accept: '*/*' })).status).toBe(200);
  });

  it('a GET that does not accept events is told so', async () => {
    const client = await LegacyClient.open(gateway.url());
    const headers = { ...client.headers, accept: 'application/json' };
    expect((await fetchText(gateway.url(), { method: 'GET', headers })).status).toBe(406);
  });
});

describe('Bodies', () => {
  it.each([
    ['nothing', ''],
    ['half an object', '{"jsonrpc":"2.0"'],
    ['two objects', '{}{}'],
    ['a word', 'ping'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('with %s are no JSON', async (_what, body) => {
    const answer = await fetchText(gateway.url(), { headers: JSON_HEADERS, body });
    expect(answer.status).toBe(400);
    expect(parsed(answer.text)).toMatchObject({ id: null, error: { code: -32_700 } });
  });

  it.each([
    ['a number', '1', null],
    ['null', 'null', null],
    ['no version', '{"id":1,"method":"ping"}', 1],
    ['another version', '{"jsonrpc":"1.0","id":"a","method":"ping"}', 'a'],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', null],
    ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', null],
    ['true as id', '{"jsonrpc":"2.0","id":true,"method":"ping"}', null],
    ['a number as method', '{"jsonrpc":"2.0","id":1,"method":5}', 1],
    ['an array as params', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 1],
    ['null as params', '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', 1],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 1],
    ['an id and nothing else', '{"jsonrpc":"2.0","id":1}', 1],
  ])('with %s are no message', async (_what, body, id) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(parsed(answer.text)).toMatchObject({ id, error: { code: -32_600 } });
  });

  it('may be as deep as the limit allows, and no deeper', async () => {
    const client = await LegacyClient.open(gateway.url('up'));
    // The message, params and arguments are three levels.
    const nested = (levels: number): string =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pid","arguments":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}}`;
    expect((await client.post(nested(29)).answer()).error).toBeUndefined();
    const exchange = client.post(nested(30));
    expect(errorOf(await exchange.answer())).toBe(-32_600);
    expect(exchange.status).toBe(400);
    const abyss = client.post(nested(45_000));
    expect((await abyss.answer()).error?.message).toContain('json_depth_max');
  });

  it('may be as large as the limit allows, and no larger', async () => {
    const fill = (bytes: number): string => `${PING.slice(0, -1)},"x":"${'x'.repeat(bytes)}"}`;
    const client = await LegacyClient.open(gateway.url('up'));
    const fitting = fill(BODY_BYTES_MAX - PING.length - 7);
    expect(fitting).toHaveLength(BODY_BYTES_MAX);
    expect((await client.post(fitting).answer()).result).toEqual({});
    const exchange = client.post(fill(BODY_BYTES_MAX - PING.length - 6));
    await exchange.ended;
    expect(exchange.status).toBe(413);
    expect(exchange.headers.connection).toBe('close');
  });

  it('that are far too large are refused while they come, with an answer that arrives', async () => {
    const body = Buffer.alloc(20_000_000, 0x20);
    for (let round = 0; round < 5; round += 1) {
      const sized = await fetch(gateway.url(), { method: 'POST', headers: JSON_HEADERS, body });
      expect(sized.status).toBe(413);
      const stream = new Blob([body]).stream();
      const init = { method: 'POST', headers: JSON_HEADERS, body: stream, duplex: 'half' as const };
      expect((await fetch(gateway.url(), init)).status).toBe(413);
    }
  });

  it('with a header section over the limit are refused', async () => {
    const answer = await post(PING, { 'x-large': 'x'.repeat(20_000) });
    expect(answer.status).toBe(431);
    expect((await post(INITIALIZE, { 'x-large': 'x'.repeat(12_000) })).status).toBe(200);
  });

  it('that are no HTTP are answered too', async () => {
    const socket = connect(Number(new URL(gateway.origin).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.end('this is not HTTP\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve));
    expect(text).toContain('400 Bad Request');
  });
});

describe('Batches', () => {
  const BATCH = '2025-03-26';

  it('are answered in the one revision that has them', async () => {
    const client = await LegacyClient.open(gateway.url('up'), { revision: BATCH });
    const call = (id: unknown, name: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: { ms: 20 } },
    });
    const body = [
      call('a', 'sleep'),
      { jsonrpc: '2.0', method: 'notifications/none' },
      call(2, 'pid'),
      call(3, 'nothing'),
    ];
    const exchange = client.post(JSON.stringify(body));
    await exchange.ended;
    const answers = exchange.messages();
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([2, 3, 'a']));
    expect(answers).toHaveLength(3);
    expect(errorOf(answers.find(({ id }) => id === 3) as Message)).toBe(-32_602);
  });

  it('of one request and of notifications alone are answered as those are', async () => {
    const client = await LegacyClient.open(gateway.url('up'), { revision: BATCH });
    expect((await client.post(`[${PING}]`).answer()).result).toEqual({});
    const notifications = client.post('[{"jsonrpc":"2.0","method":"notifications/none"}]');
    await notifications.ended;
    expect(notifications.status).toBe(202);
  });

  it('keep numbers as they were written', async () => {
    const client = await LegacyClient.open(gateway.url('up'), { revision: BATCH });
    const one = `{"jsonrpc":"2.0","id":12345678901234567890,"method":"acme/unknown","params":{"n":12345678901234567890}}`;
    const exchange = client.post(`[${one},${PING}]`);
    await exchange.ended;
    expect(exchange.text).toContain('"id":12345678901234567890');
  });

  it.each([
    ['empty', '[]'],
    ['of 101 messages', JSON.stringify(Array.from({ length: 101 }, () => JSON.parse(PING)))],
    ['with something that is no message', `[${PING},1]`],
  ])('that are %s are refused', async (_what, body) => {
    const client = await LegacyClient.open(gateway.url('up'), { revision: BATCH });
    const exchange = client.post(body);
    await exchange.ended;
    expect(exchange.status).toBe(400);
  });

  it('are refused in every other revision, and without a session', async () => {
    const client = await LegacyClient.open(gateway.url('up'));
    const exchange = client.post(`[${PING}]`);
    expect(errorOf(await exchange.answer())).toBe(-32_600);
    expect(exchange.status).toBe(400);
    expect((await post(`[${INITIALIZE}]`)).status).toBe(400);
    const version = { 'mcp-protocol-version': '2026-07-28' };
    expect((await post(`[${PING}]`, version)).status).toBe(400);
  });

  it('of hostile size cost no more than their bytes', async () => {
    const startedMs = performance.now();
    expect((await post(`[${'1,'.repeat(BODY_BYTES_MAX / 2 - 2)}1]`)).status).toBe(400);
    expect(performance.now() - startedMs).toBeLessThan(200);
  });
});

describe('The stateless revision', () => {
  const url = (): string => gateway.url('up');
  const refusal = async (exchange: ReturnType<typeof modern>) => ({
    message: await exchange.answer(),
    status: exchange.status,
  });

  it.each([
    ['no version header', { 'mcp-protocol-version': '' }],
    ['another version in the header', { 'mcp-protocol-version': '2026-07-29' }],
    ['a legacy version in the header', { 'mcp-protocol-version': LEGACY }],
    ['no Mcp-Method', { 'mcp-method': '' }],
    ['another Mcp-Method', { 'mcp-method': 'tools/list' }],
    ['Mcp-Method in capitals', { 'mcp-method': 'TOOLS/CALL' }],
    ['no Mcp-Name', { 'mcp-name': '' }],
    ['another Mcp-Name', { 'mcp-name': 'echo' }],
    ['an Mcp-Name of broken base64', { 'mcp-name': '=?base64?cGlk!?=' }],
  ])('refuses a call with %s', async (_what, headers) => {
    const params = { name: 'pid', arguments: {} };
    const { message, status } = await refusal(modern(url(), 'tools/call', params, { headers }));
    expect(errorOf(message)).toBe(-32_020);
    expect(status).toBe(400);
    expect(message.id).toBe(1);
  });

  it('reads an Mcp-Name in base64', async () => {
    const headers = { 'mcp-name': `=?base64?${Buffer.from('pid').toString('base64')}?=` };
    const params = { name: 'pid', arguments: {} };
    const answer = await modern(url(), 'tools/call', params, { headers }).answer();
    expect(Number(textOf(answer))).toBeGreaterThan(0);
  });

  it.each([
    ['is not there', {}, undefined],
    ['agrees', { 'mcp-param-region': 'eu' }, 'eu'],
    ['disagrees', { 'mcp-param-region': 'us' }, 'eu'],
    ['is missing', {}, 'eu'],
    ['has no argument', { 'mcp-param-region': 'eu' }, undefined],
  ])('checks an Mcp-Param that %s', async (_what, headers: Record<string, string>, region) => {
    const params = { name: 'echo', arguments: region === undefined ? {} : { region } };
    const { message, status } = await refusal(modern(url(), 'tools/call', params, { headers }));
    const agrees = headers['mcp-param-region'] === region;
    expect([status, errorOf(message)]).toEqual(agrees ? [200, undefined] : [400, -32_020]);
  });

  it.each(['protocolVersion', 'clientCapabilities'])('refuses a call without %s', async (key) => {
    const meta = { [`io.modelcontextprotocol/${key}`]: undefined };
    const { message, status } = await refusal(modern(url(), 'tools/list', {}, { meta }));
    expect([status, errorOf(message)]).toEqual([400, -32_602]);
  });

  it('refuses a revision that does not exist, and says which do', async () => {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' };
    const headers = { 'mcp-protocol-version': '2099-01-01' };
    const { message, status } = await refusal(modern(url(), 'tools/list', {}, { meta, headers }));
    expect([status, errorOf(message)]).toEqual([400, -32_022]);
    expect(message.error?.data).toEqual({
      requested: '2099-01-01',
      supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
    });
  });

  it.each(['ping', 'initialize', 'logging/setLevel', 'resources/subscribe', 'acme/none'])(
    'answers %s with 404',
    async (method) => {
      for (const target of [gateway.url(), url()]) {
        const { message, status } = await refusal(modern(target, method));
        expect([status, errorOf(message)]).toEqual([404, -32_601]);
      }
    },
  );

  it('passes a method that it does not know where there is one server', async () => {
    const alone = await refusal(modern(url(), 'acme/unknown', { a: 1 }));
    expect([alone.status, alone.message.result]).toMatchObject([200, { 'acme/answer': { a: 1 } }]);
    const among = await refusal(modern(gateway.url(), 'acme/unknown', { a: 1 }));
    expect([among.status, errorOf(among.message)]).toEqual([404, -32_601]);
  });

  it('accepts a notification and takes no responses', async () => {
    const headers = { 'mcp-method': 'notifications/none' };
    const body = '{"jsonrpc":"2.0","method":"notifications/none"}';
    const notification = modernText(url(), body, headers);
    await notification.ended;
    expect(notification.status).toBe(202);
    const { message, status } = await refusal(
      modernText(url(), '{"jsonrpc":"2.0","id":5,"result":{}}', {}),
    );
    expect([status, errorOf(message), message.id]).toEqual([400, -32_600, 5]);
  });

  it('needs no session and gives none', async () => {
    const headers = { 'mcp-session-id': 'nobody' };
    const exchange = modern(url(), 'tools/list', {}, { headers });
    expect((await exchange.answer()).result?.['resultType']).toBe('complete');
    expect(exchange.headers).not.toHaveProperty('mcp-session-id');
  });
});

describe('Health', () => {
  it.each([
    ['/health', { status: 'ok', service: 'mcp-hangar' }],
    ['/health/live', { status: 'healthy' }],
    ['/health/ready', { status: 'ready', total_mcp_servers: 2 }],
    ['/health/startup', { status: 'started', startup_complete: true }],
    ['/ready', { ready: true, service: 'mcp-hangar', checks: { started: true, draining: false } }],
  ])('is told at %s to whoever asks', async (path, body) => {
    const headers = { host: 'probe.test', origin: 'https://probe.test' };
    const answer = await fetchText(`${gateway.origin}${path}`, { method: 'GET', headers });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject(body);
  });

  it('is the gateway’s own and does not start a server', async () => {
    await using fresh = await startGateway({ mcp_servers: { up: upstream(['--boot=exit']) } });
    const answer = await send(`${fresh.origin}/health/ready`, { method: 'GET' }).opened();
    await answer.ended;
    expect(answer.text).toContain('"running_mcp_servers":0');
    await LegacyClient.open(fresh.url('up'));
    expect((await fetchText(`${fresh.origin}/health/ready`, { method: 'GET' })).status).toBe(200);
  });
});
