/** What happens alike, or not, between clients and servers of each pair of eras: a row for each test. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { remote } from '../support/remote.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

type Era = 'legacy' | 'modern';
const CELLS: readonly (readonly [cell: string, client: Era, server: Era])[] = [
  ['LL', 'legacy', 'legacy'],
  ['LM', 'legacy', 'modern'],
  ['ML', 'modern', 'legacy'],
  ['MM', 'modern', 'modern'],
];
const SERVER_ERRORS = [-32_020, -32_022];

/** A server of 2026-07-28 whose only tool answers with the error code that it is named. */
async function refusing(): Promise<Server & { readonly url: string }> {
  const info = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  const capabilities = { tools: {} };
  const tools = [{ name: 'refuse', inputSchema: { type: 'object' } }];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { id, method, params } = body as Message & { params: Record<string, unknown> };
      const { code } = (params['arguments'] ?? {}) as Record<string, unknown>;
      const results: Record<string, unknown> = {
        'server/discover': { supportedVersions: ['2026-07-28'], capabilities, ...info },
        'tools/list': { tools, ...info },
      };
      const result = results[method ?? ''];
      const error = { code: code ?? -32_601, message: 'refused' };
      const status = result === undefined ? 400 : 200;
      const answer = { jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) };
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return Object.assign(server, { url: `http://127.0.0.1:${port}/mcp` });
}

let gateway: GatewayProcess;
let journal: Journal;
let far: Awaited<ReturnType<typeof refusing>>;
beforeAll(async () => {
  journal = await Journal.open();
  far = await refusing();
  gateway = await startGateway({
    mcp_servers: {
      legacy: upstream([journal.option]),
      modern: upstream([journal.option, '--era=modern']),
      far: remote(far.url),
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
  far?.closeAllConnections();
  far?.close();
});

const ASKABLE = { elicitation: { form: {}, url: {} }, roots: { listChanged: true } };

describe.each(CELLS)('%s', (_cell, client, server) => {
  let session: LegacyClient;
  beforeAll(async () => {
    session = await LegacyClient.open(gateway.url(server), { capabilities: ASKABLE });
  });

  const call = (name: string, args: unknown, meta: Record<string, unknown> = {}): Exchange =>
    client === 'legacy'
      ? session.request('tools/call', { name, arguments: args, _meta: meta }, 'own')
      : modernCall(gateway.url(server), name, args, { id: 'own', capabilities: ASKABLE, meta });
  const notices = (exchange: Exchange): readonly unknown[] =>
    exchange.messages().flatMap(({ method, params }) => (method === undefined ? [] : [params]));

  it('tells progress under the token of the client', async () => {
    const exchange = call('progress', { steps: 2 }, { progressToken: 'mine' });
    expect(textOf(await exchange.answer())).toBe('done');
    expect(notices(exchange)).toEqual(
      [1, 2].map((progress) => ({ progressToken: 'mine', progress, total: 2 })),
    );
  });

  it('cancels at the server what the client gives up', async () => {
    const cancelled = (): number => journal.lines('"notifications/cancelled"').length;
    const before = cancelled();
    const hanging = journal.lines('"hang"').length;
    const exchange = call('hang', {});
    await until('the server has the call', () => journal.lines('"hang"').length > hanging);
    if (client === 'legacy') await session.notify('notifications/cancelled', { requestId: 'own' });
    else exchange.close();
    await until('the server is told', () => cancelled() > before);
    expect(cancelled()).toBe(before + 1);
  });

  it('passes a method that it does not know at the path of the server', async () => {
    const exchange =
      client === 'legacy'
        ? session.request('acme/unknown', { a: 1 })
        : modern(gateway.url(server), 'acme/unknown', { a: 1 });
    const { result } = await exchange.answer();
    expect(result?.['acme/answer']).toMatchObject({ a: 1 });
    expect(result?.['resultType']).toBe(
      client === 'modern' && server === 'legacy' ? 'complete' : undefined,
    );
  });

  it('passes answers of 9 MiB within an era only', async () => {
    const { error } = await call('gen', { bytes: 9 * 1_048_576 }).answer();
    const code = (error?.data as Record<string, unknown> | undefined)?.['code'];
    expect(code).toBe(client === server ? undefined : 'UPSTREAM_ANSWER_TOO_LARGE');
  });

  it('passes metadata of nobody’s, and no envelope of the other era', async () => {
    const meta = { traceparent: '00-1', 'com.example/own': [1.5] };
    const told = JSON.parse(textOf(await call('echo', {}, meta).answer())) as {
      readonly _meta: Record<string, unknown>;
    };
    expect(told._meta).toMatchObject(meta);
    const keys = Object.keys(told._meta).filter((key) => key.startsWith('io.modelcontext'));
    expect(keys.length > 0).toBe(server === 'modern');
  });
});

describe('A notification of a legacy client', () => {
  it('reaches its child of a legacy server, and no modern server', async () => {
    const client = await LegacyClient.open(gateway.url(), { capabilities: ASKABLE });
    await client.request('logging/setLevel', { level: 'info' }).answer();
    for (const server of ['legacy', 'modern']) await client.call(`${server}__pid`).answer();
    await client.notify('notifications/roots/list_changed');
    await client.call('modern__pid').answer(); // it would have come before
    await until('one hears', () => journal.lines('roots/list_changed').length > 0);
    expect(journal.lines('roots/list_changed')).toHaveLength(1);
  });
});

describe('notifications/elicitation/complete', () => {
  const method = 'notifications/elicitation/complete';
  const line = JSON.stringify({ jsonrpc: '2.0', method, params: { elicitationId: 'e-1' } });

  it('reaches a legacy client, and no modern one', async () => {
    const client = await LegacyClient.open(gateway.url('legacy'), { capabilities: ASKABLE });
    const heard = client.call('write', { line });
    expect((await heard.notified(method)).params).toEqual({ elicitationId: 'e-1' });
    const options = { capabilities: ASKABLE };
    const silent = modernCall(gateway.url('legacy'), 'write', { line }, options);
    expect(textOf(await silent.answer())).toBe('written');
    expect(silent.messages()).toHaveLength(1);
  });
});

describe('What a modern server says of the request as the gateway put it', () => {
  it.each(SERVER_ERRORS)('(%i) is an error of the gateway, not of the client', async (code) => {
    const client = await LegacyClient.open(gateway.url('far'));
    for (const answer of [
      await modernCall(gateway.url('far'), 'refuse', { code }).answer(),
      await client.call('refuse', { code }).answer(),
    ]) {
      expect(answer.error).toMatchObject({
        code: -32_603,
        data: { code: 'UPSTREAM_PROTOCOL_ERROR', upstreamCode: code },
      });
    }
  });

  it('does not count as a failure of the server', async () => {
    for (let call = 0; call < 5; call += 1) {
      const refused = modernCall(gateway.url('far'), 'refuse', { code: SERVER_ERRORS[0] });
      expect((await refused.answer()).error?.message).toContain('as the gateway put it');
    }
  });
});
