/** The merged lists: what starts for them, what stands in them, and where their names lead. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const LONG_ID = 'a-server-with-a-name-that-is-rather-long-but-allowed';
const BOTH_ERAS = ['legacy', 'modern'] as const;
type Era = (typeof BOTH_ERAS)[number];

let gateway: GatewayProcess;
let journal: Journal;

beforeAll(async () => {
  journal = await Journal.open();
  gateway = await startGateway({
    catalog: { first_list_wait_ms: 2_000 },
    mcp_servers: {
      one: upstream([journal.option, '--tools=120', '--page=7']),
      two: upstream(['--era=dual'], { idle_ttl_s: 1 }),
      [LONG_ID]: upstream(['--tools=3']),
      declared: upstream([journal.option, '--boot=exit'], { tools: [{ name: 'declared_tool' }] }),
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

type Ask = (method: string, params?: Record<string, unknown>) => Promise<Message>;
async function asker(era: Era, server?: string): Promise<Ask> {
  if (era === 'modern')
    return (method, params = {}) => modern(gateway.url(server), method, params).answer();
  const client = await LegacyClient.open(gateway.url(server));
  return (method, params) => client.request(method, params).answer();
}
const listed = (message: Message, kind: string): readonly Record<string, unknown>[] =>
  (message.result?.[kind] ?? []) as readonly Record<string, unknown>[];
const namesIn = (message: Message): readonly string[] =>
  listed(message, 'tools').map(({ name }) => String(name));

describe('Before anybody asks', () => {
  it('nothing has started', () => {
    expect(journal.starts()).toEqual([]);
  });
});

describe.each(BOTH_ERAS)('The lists, for a client of the %s era', (era) => {
  it('have every tool of every server, page by page, in the same order each time', async () => {
    const ask = await asker(era);
    const first = await ask('tools/list');
    const names = namesIn(first);
    expect(names.filter((name) => name.startsWith('one__extra-'))).toHaveLength(120);
    expect(names).toEqual(expect.arrayContaining(['one__echo', 'two__echo']));
    expect(first.result?.['nextCursor']).toBeUndefined();
    const again = await ask('tools/list');
    expect(again.result).toEqual(first.result);
  });

  it('keep what they do not understand', async () => {
    const ask = await asker(era);
    const tool = listed(await ask('tools/list'), 'tools').find(({ name }) => name === 'one__pid');
    expect(tool).toMatchObject({ 'x-unknown': { kept: true } });
  });

  it('have declared tools although their server cannot start', async () => {
    const ask = await asker(era);
    expect(namesIn(await ask('tools/list'))).toContain('declared__declared_tool');
    const starts = journal.starts().length;
    await ask('tools/list');
    expect(journal.starts()).toHaveLength(starts);
  });

  it('shorten long names, the same for all, and find them again', async () => {
    const ask = await asker(era);
    const names = namesIn(await ask('tools/list')).filter((name) => name.startsWith('a-server'));
    expect(names.length).toBeGreaterThan(3);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    const long = names.find((name) => name.includes('progress')) ?? '';
    const call = { name: long, arguments: { steps: 1 } };
    expect(textOf(await ask('tools/call', call))).toBe('done');
  });

  it('have a URI of two servers plain for the first and owned for the other', async () => {
    const ask = await asker(era);
    const uris = listed(await ask('resources/list'), 'resources').map(({ uri }) => uri);
    expect(uris).toEqual(
      expect.arrayContaining(['up://one', 'hangar://two/up://one', `hangar://${LONG_ID}/up://one`]),
    );
    expect(uris).not.toContain('hangar://one/up://one');
    for (const uri of ['up://one', 'hangar://one/up://one', 'hangar://two/up://one']) {
      const [content] = listed(await ask('resources/read', { uri }), 'contents');
      expect(content).toMatchObject({ uri: 'up://one', text: 'content' });
    }
  });

  it('come in one page: a cursor is not known', async () => {
    const ask = await asker(era);
    expect((await ask('tools/list', { cursor: 'x' })).error?.code).toBe(-32_602);
  });

  it.each([
    ['tools/call', { name: 'nobody__x', arguments: {} }, -32_602],
    ['tools/call', { name: 'noprefix', arguments: {} }, -32_602],
    ['tools/call', { name: '__proto__', arguments: {} }, -32_602],
    ['tools/call', { arguments: {} }, -32_602],
    ['prompts/get', { name: 'one__nothing' }, -32_601],
    ['resources/read', { uri: 'nobody://x' }, era === 'legacy' ? -32_002 : -32_602],
    ['resources/read', { uri: 'hangar://nobody/x' }, era === 'legacy' ? -32_002 : -32_602],
    ['completion/complete', { ref: {}, argument: {} }, -32_602],
  ])('know nothing else: %s %o', async (method, params, code) => {
    const ask = await asker(era);
    const { error } = await ask(method, params);
    expect(error?.code).toBe(code);
  });
});

describe('A server whose catalogue is known', () => {
  it('is not started to be listed', async () => {
    const client = await LegacyClient.open(gateway.url('two'));
    const pid = Number(textOf(await client.call('pid').answer()));
    const starts = (): number => gateway.stderr().split('mcp_server_started').length;
    await until('it is idle and ends', () => !isAlive(pid));
    const before = starts();
    expect(namesIn(await client.request('tools/list').answer())).toContain('echo');
    const all = await modern(gateway.url(), 'tools/list').answer();
    expect(namesIn(all)).toContain('two__echo');
    expect(starts()).toBe(before);
  });

  it('is offered to the modern client that comes after a legacy one', async () => {
    await using own = await startGateway({ mcp_servers: { up: upstream() } });
    const client = await LegacyClient.open(own.url('up'));
    const known = namesIn(await client.request('tools/list').answer());
    await modernCall(own.url('up'), 'pid').answer();
    expect(namesIn(await modern(own.url('up'), 'tools/list').answer())).toEqual(known);
    const all = namesIn(await modern(own.url(), 'tools/list').answer());
    expect(all.filter((name) => name.startsWith('up__'))).toHaveLength(known.length);
  });
});

describe('A server that is slow to start', () => {
  it('comes into the list later, and the client hears of it', async () => {
    await using own = await startGateway({
      catalog: { first_list_wait_ms: 200 },
      mcp_servers: {
        fast: upstream(),
        slow: upstream(['--boot=slow', '--boot-ms=1200']),
      },
    });
    const client = await LegacyClient.open(own.url());
    const stream = await client.listen();
    const filter = { notifications: { toolsListChanged: true } };
    const listen: Exchange = modern(own.url(), 'subscriptions/listen', filter);
    await listen.notified('notifications/subscriptions/acknowledged');
    const startedMs = performance.now();
    const first = namesIn(await client.request('tools/list').answer());
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(first.filter((name) => name.startsWith('slow__'))).toEqual([]);
    await modern(own.url(), 'tools/list').answer();
    await stream.notified('notifications/tools/list_changed');
    await until('both eras hear of it', async () => {
      const names = namesIn(await client.request('tools/list').answer());
      return names.includes('slow__echo') && names.includes('fast__echo');
    });
    const changed = await listen.notified('notifications/tools/list_changed');
    expect(changed.params?.['_meta']).toMatchObject({
      'io.modelcontextprotocol/subscriptionId': 1,
    });
  });
});

describe('A subscription', () => {
  it('to an owned URI is the server’s own, and its updates come back owned', async () => {
    const client = await LegacyClient.open(gateway.url());
    await client.request('tools/list').answer();
    const stream = await client.listen();
    const uri = 'hangar://two/up://two';
    expect((await client.request('resources/subscribe', { uri }).answer()).error).toBeUndefined();
    await client.call('two__update', { uri: 'up://two' }).answer();
    const update = await stream.notified('notifications/resources/updated');
    expect(update.params?.['uri']).toBe(uri);
  });

  it('of a modern client is acknowledged for what the server will tell, and told', async () => {
    const notifications = { resourceSubscriptions: ['hangar://two/up://one'] };
    const listen = modern(gateway.url(), 'subscriptions/listen', { notifications }, { id: 'sub' });
    const acknowledged = await listen.notified('notifications/subscriptions/acknowledged');
    expect(acknowledged.params).toMatchObject({ notifications });
    expect(JSON.stringify(acknowledged.params?.['_meta'])).toContain('"sub"');
    listen.close();
  });
});
