/** Limits and further attempts of calls, as the configuration says. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, structuredOf, textOf } from '../support/clients.ts';
import { json } from '../support/command-line.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { conformanceOverHttp, remote } from '../support/remote.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const SERVERS = ['limited', 'tools', 'asks', 'again', 'anyway', 'free'];
/** So slow that nothing flows in while a test runs. */
const SLOW = 0.001;

let gateway: GatewayProcess;
const journals = new Map<string, Journal>();
const journal = (server: string): Journal => {
  const found = journals.get(server);
  if (found === undefined) throw new Error(`No journal of ${server}`);
  return found;
};

beforeAll(async () => {
  for (const server of SERVERS) journals.set(server, await Journal.open());
  const server = (id: string, keys = {}, ...args: string[]) =>
    upstream([journal(id).option, ...args], keys);
  const policy = { initial_delay: 0.05, jitter: false };
  gateway = await startGateway({
    retry: {
      per_mcp_server: { again: policy, anyway: { ...policy, retry_sent: 'always' } },
    },
    mcp_servers: {
      limited: server('limited', { rate_limit: { rps: SLOW, burst: 3 } }),
      tools: server('tools', {
        rate_limit: { tools: { 'e*': { rps: SLOW, burst: 2 }, pid: { rps: SLOW, burst: 1 } } },
      }),
      asks: server('asks', { max_concurrency: 1 }),
      again: server('again', {}, '--repeatable=crash,fail'),
      anyway: server('anyway'),
      free: server('free'),
    },
  });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  for (const each of journals.values()) await each[Symbol.asyncDispose]();
});

const dataOf = ({ error }: Message): Record<string, unknown> => {
  const data = error?.data;
  return typeof data === 'object' && data !== null ? { ...data } : {};
};
const arrived = (server: string, part: string): Promise<readonly string[]> =>
  until(`${server} reads ${part}`, () => {
    const lines = journal(server).lines(part);
    return lines.length > 0 && lines;
  });
const seen = (server: string, part: string): number => journal(server).lines(part).length;
const open = (server: string, capabilities = {}): Promise<LegacyClient> =>
  LegacyClient.open(gateway.url(server), { capabilities });

describe('A rate limit', () => {
  it('row 16: of a server refuses the call after its burst, and touches no other server', async () => {
    const client = await open('limited');
    const other = await open('free');
    for (let n = 0; n < 3; n += 1)
      expect(textOf(await client.call('echo').answer())).toContain('echo');
    const refused = await client.call('echo', { refused: true }).answer();
    expect(refused.error?.code).toBe(-32_000);
    expect(dataOf(refused)).toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
      limit: 'mcp_servers.limited.rate_limit',
    });
    expect(refused.error?.message).toContain('(mcp_servers.limited.rate_limit)');
    expect(dataOf(refused)['retryAfterMs']).toBeGreaterThan(1_000);
    for (let n = 0; n < 5; n += 1)
      expect(textOf(await other.call('echo').answer())).toContain('echo');
    // Whoever comes next is refused, too, and the server hears of neither; its lists cost nothing.
    const next = modernCall(gateway.url('limited'), 'echo', { refused: true });
    expect(dataOf(await next.answer())['code']).toBe('RATE_LIMITED');
    expect(seen('limited', '"refused":true')).toBe(0);
    expect((await client.request('tools/list').answer()).error).toBeUndefined();
  });

  it('of a tool counts the calls of all tools that match', async () => {
    const client = await open('tools');
    expect(textOf(await client.call('echo').answer())).toContain('echo');
    expect((await client.call('extra').answer()).error?.code).toBe(-32_602);
    const refused = await client.call('echo').answer();
    expect(dataOf(refused)).toMatchObject({ limit: 'mcp_servers.tools.rate_limit.tools.e*' });
    expect(textOf(await client.call('pid').answer())).toMatch(/^\d+$/);
    expect(dataOf(await client.call('pid').answer())['code']).toBe('RATE_LIMITED');
    expect(textOf(await client.call('gen').answer())).toBe('gggggggggg');
  });

  it('counts what is called by way of the gateway’s own tools', async () => {
    const client = await LegacyClient.open(gateway.url());
    const args = { provider: 'limited', tool: 'echo', arguments: {} };
    const message = await client.call('registry_invoke', args).answer();
    expect(structuredOf(message)).toMatchObject({ error_type: 'RATE_LIMITED' });
  });

  it('of all clients is set by the environment, that of each client by the file', async () => {
    await using one = await startGateway(
      {
        rate_limit: { per_principal: { rps: SLOW, burst: 2 } },
        mcp_servers: { free: upstream() },
      },
      { MCP_RATE_LIMIT_RPS: String(SLOW), MCP_RATE_LIMIT_BURST: '3' },
    );
    const limitOf = (message: Message): unknown => dataOf(message)['limit'];
    const [a, b] = [await LegacyClient.open(one.url()), await LegacyClient.open(one.url())];
    for (let n = 0; n < 2; n += 1) await a.call('free__pid').answer();
    expect(limitOf(await a.call('free__pid').answer())).toBe('rate_limit.per_principal');
    expect(textOf(await b.call('free__pid').answer())).toMatch(/^\d+$/);
    expect(limitOf(await b.call('free__pid').answer())).toBe('rate_limit');
    const health = structuredOf(await a.call('registry_health').answer());
    expect(health['security']).toEqual({
      rate_limiting: {
        active_buckets: 3,
        config: { requests_per_second: SLOW, burst_size: 3, scope: 'global' },
      },
    });
  });
});

describe('A limit of calls at one time', () => {
  it('lets the next call run when one is over, in order', async () => {
    await using book = await Journal.open();
    await using client = await StdioClient.open({
      mcp_servers: { one: upstream([book.option], { max_concurrency: 1 }) },
    });
    const calls = [1, 2, 3].map((of) => client.call('one__sleep', { ms: 60, of }));
    const startedMs = performance.now();
    await Promise.all(calls);
    expect(performance.now() - startedMs).toBeGreaterThan(3 * 55);
    const lines = book.lines('"of":');
    expect(lines.map((line) => /"of":(\d)/.exec(line)?.[1])).toEqual(['1', '2', '3']);
  });

  it('refuses a call that has waited too long, and names the keys', async () => {
    await using book = await Journal.open();
    await using client = await StdioClient.open({
      execution: { queue_timeout_s: 0.3 },
      mcp_servers: { one: upstream([book.option], { max_concurrency: 1 }) },
    });
    const running = client.call('one__sleep', { ms: 3_000 });
    const startedMs = performance.now();
    const message = await client.call('one__echo', { of: 'late' });
    expect(performance.now() - startedMs).toBeGreaterThan(290);
    expect(dataOf(message)).toMatchObject({
      code: 'CONCURRENCY_LIMITED',
      retryable: true,
      limit: 'mcp_servers.one.max_concurrency',
    });
    expect(dataOf(message)['retryAfterMs']).toBeGreaterThan(0);
    expect(message.error?.message).toContain('execution.queue_timeout_s');
    expect(textOf(await running)).toBe('slept 3000');
    expect(book.lines('"of":"late"')).toEqual([]);
  });

  it('bounds how many wait, takes out at once who gives up, and holds up no other server', async () => {
    await using book = await Journal.open();
    await using client = await StdioClient.open({
      execution: { queue_max: 2 },
      mcp_servers: { full: upstream([book.option], { max_concurrency: 1 }), free: upstream() },
    });
    const ask = (id: string, name: string): void => {
      const params = { name, arguments: { of: id } };
      client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }));
    };
    ask('hangs', 'full__hang');
    for (const id of ['left', 'stays', 'too many']) ask(id, 'full__echo');
    const refused = await client.answer('too many');
    expect(refused.error?.message).toContain('2 more wait (execution.queue_max)');
    expect(textOf(await client.call('free__echo'))).toContain('echo');
    client.notify('notifications/cancelled', { requestId: 'left' });
    client.notify('notifications/cancelled', { requestId: 'hangs' });
    expect(textOf(await client.answer('stays'))).toContain('stays');
    expect(client.messages.map(({ id }) => id)).not.toContain('left');
    expect([...book.lines('"of":"left"'), ...book.lines('"of":"too many"')]).toEqual([]);
  });

  it('does not count a call while its server waits for the client', async () => {
    const client = await open('asks', { roots: {} });
    const stream = await client.listen();
    const asking = client.call('ask', { method: 'roots/list', params: {} });
    const question = await asking.next('the question', ({ method }) => method === 'roots/list');
    expect(textOf(await client.call('echo', { of: 'meanwhile' }).answer())).toContain('meanwhile');
    await client.post(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { roots: [] } }))
      .ended;
    expect(textOf(await asking.answer())).toContain('roots');
    stream.close();
  });
});

describe('A limit of calls at one time, for clients that are asked', () => {
  it('does not count a parked call, which goes on at once when its client is back', async () => {
    const args = { method: 'elicitation/create', params: { message: 'Who?' } };
    const options = { capabilities: { elicitation: {} } };
    const { result } = await modernCall(gateway.url('asks'), 'ask', args, options).answer();
    expect(result?.['resultType']).toBe('input_required');
    const client = await open('asks');
    const sleeping = client.call('sleep', { ms: 300, of: 'parked' });
    await arrived('asks', '"of":"parked"');
    const [key = ''] = Object.keys(result?.['inputRequests'] ?? {});
    const params = {
      name: 'ask',
      arguments: args,
      requestState: result?.['requestState'],
      inputResponses: { [key]: { action: 'accept', content: { name: 'Ada' } } },
    };
    const back = modern(gateway.url('asks'), 'tools/call', params, options);
    expect(textOf(await back.answer())).toContain('Ada');
    expect(sleeping.over).toBe(false);
    expect(textOf(await sleeping.answer())).toBe('slept 300');
  });
});

describe('A limit over all servers, and one for each that says none', () => {
  it('names itself to the call that has waited for it', async () => {
    await using client = await StdioClient.open({
      execution: { max_concurrency: 2, default_provider_concurrency: 1, queue_timeout_s: 0.3 },
      limits: { shutdown_grace_s: 0.1 },
      providers: { a: upstream(), b: upstream(), c: upstream([], { max_concurrency: 0 }) },
    });
    // A call takes no place while its server starts.
    for (const id of ['a', 'b', 'c']) await client.call(`${id}__pid`);
    for (const id of ['a', 'b']) {
      const params = { name: `${id}__hang`, arguments: {} };
      client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }));
    }
    const late = await Promise.all([client.call('a__pid'), client.call('c__pid')]);
    expect(late.map((message) => dataOf(message)['limit'])).toEqual([
      'mcp_servers.a.max_concurrency',
      'execution.max_concurrency',
    ]);
  });
});

describe('What waits', () => {
  it('is shown to operators', async () => {
    await using house = new Household((book) => ({
      mcp_servers: { narrow: upstream([book.option], { max_concurrency: 1 }) },
    }));
    const own = await house.http();
    const client = await LegacyClient.open(own.url('narrow'));
    const calls = ['a', 'b', 'c'].map((id) =>
      client.request('tools/call', { name: 'hang', arguments: {} }, id),
    );
    const queued = async (): Promise<number | undefined> => {
      interface Report {
        readonly servers: readonly { readonly queued: number; readonly in_flight: number }[];
      }
      const { servers } = await json<Report>(house, 'status', '--json');
      return servers[0]?.in_flight === 1 ? servers[0].queued : undefined;
    };
    const two = await until('two calls wait', async () => (await queued()) === 2);
    expect(two).toBe(true);
    for (const requestId of ['a', 'b', 'c'])
      await client.notify('notifications/cancelled', { requestId });
    await until('all are over', () => calls.every(({ over }) => over));
  });
});

describe('A call to a remote server that is away', () => {
  it('is tried again whatever its tool says: nothing of it was sent', async () => {
    await using first = await conformanceOverHttp('legacy');
    const retry = { max_attempts: 50, backoff: 'constant', initial_delay: 0.2 };
    await using own = await startGateway({
      retry: { default_policy: retry },
      mcp_servers: { away: remote(first.url, { http: { max_retries: 0 } }) },
    });
    const client = await LegacyClient.open(own.url('away'));
    expect(textOf(await client.call('test_simple_text').answer())).toContain('text');
    await first.kill();
    const call = client.call('test_simple_text');
    await until('it is tried again', () => own.stderr().includes('call_tried_again'));
    await using _second = await conformanceOverHttp('legacy', first.port);
    expect(textOf(await call.answer())).toContain('text');
  });
});

describe('A call whose server is killed', () => {
  const flagOf = (server: string): string => join(journal(server).folder, 'flag');

  it('is tried again where its tool says that it may be', async () => {
    const client = await open('again');
    const before = textOf(await client.call('pid').answer());
    const message = await client.call('crash', { flag: flagOf('again') }).answer();
    expect(textOf(message)).toMatch(/^\d+$/);
    expect(textOf(message)).not.toBe(before);
    expect(seen('again', '"name":"crash"')).toBe(2);
  });

  it('is not where it does not, where nothing is configured, or where the server has answered', async () => {
    const again = await open('again');
    const sleeping = again.call('sleep', { ms: 60_000, of: 'killed' });
    await arrived('again', '"of":"killed"');
    process.kill(Number(textOf(await again.call('pid').answer())), 'SIGKILL');
    expect(dataOf(await sleeping.answer())['code']).toBe('UPSTREAM_ENDED');
    expect(seen('again', '"of":"killed"')).toBe(1);
    expect((await again.call('fail').answer()).result?.['isError']).toBe(true);
    expect(seen('again', '"name":"fail"')).toBe(1);
    const free = await open('free');
    const message = await free.call('crash', { flag: flagOf('free') }).answer();
    expect(dataOf(message)['code']).toBe('UPSTREAM_ENDED');
    expect(seen('free', '"name":"crash"')).toBe(1);
  });

  it('is tried again whatever its tool says where the policy wants that', async () => {
    const client = await open('anyway');
    const message = await client.call('crash', { flag: flagOf('anyway') }).answer();
    expect(textOf(message)).toMatch(/^\d+$/);
    const always = await client.call('crash').answer();
    expect(dataOf(always)['code']).toBe('UPSTREAM_ENDED');
    expect(seen('anyway', '"name":"crash"')).toBe(2 + 3);
  });
});
