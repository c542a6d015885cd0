/** Which child serves whom, how many there are, and when they end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const ROOTS = { capabilities: { roots: {} } };
const IDLE_S = 1;
const UPDATED = 'notifications/resources/updated';

let gateway: GatewayProcess;
const journals = new Map<string, Journal>();
const journal = (server: string): Journal => {
  const found = journals.get(server);
  if (found === undefined) throw new Error(`No journal of ${server}`);
  return found;
};

beforeAll(async () => {
  const servers: Record<string, unknown> = {};
  const add = async (id: string, keys = {}, ...args: string[]): Promise<void> => {
    const own = await Journal.open();
    journals.set(id, own);
    servers[id] = upstream([own.option, ...args], keys);
  };
  await add('auto');
  await add('flat', { sharing: 'shared' });
  await add('own', { sharing: 'session' });
  await add('slow', { sharing: 'session', idle_ttl_s: 0 }, '--boot=slow', '--boot-ms=700');
  await add('few', { leased_children_max: 2 });
  await add('one', { leased_children_max: 1 });
  await add('broken', { leased_children_max: 1 }, '--boot=exit');
  await add('late', {}, '--boot=slow', '--boot-ms=1500');
  await add('idle', { idle_ttl_s: IDLE_S });
  await add('subscribed', { idle_ttl_s: IDLE_S });
  await add('both', {}, '--era=dual');
  gateway = await startGateway({ limits: { lease_wait_s: 1 }, mcp_servers: servers });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  for (const each of journals.values()) await each[Symbol.asyncDispose]();
});

const pidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('pid').answer()));
const modernPid = async (server: string): Promise<number> =>
  Number(textOf(await modernCall(gateway.url(server), 'pid').answer()));
const open = (server: string, options = {}): Promise<LegacyClient> =>
  LegacyClient.open(gateway.url(server), options);
const codeOf = (message: Message): unknown =>
  (message.error?.data as { readonly code?: unknown } | undefined)?.code;
const arrived = (server: string, part: string, count = 1): Promise<unknown> =>
  until(`${server} reads ${part}`, () => journal(server).lines(part).length >= count);
/** The capabilities that the processes of a server were told. */
const told = (server: string): readonly unknown[] =>
  journal(server)
    .lines('"initialize"')
    .map((line) => (JSON.parse(line) as Message).params?.['capabilities']);

describe('sharing: auto', () => {
  it('has one child, told no capabilities, for all clients that declare none', async () => {
    const clients = await Promise.all([open('auto'), open('auto'), open('auto')]);
    const pids = await Promise.all([...clients.map(pidOf), modernPid('auto'), modernPid('auto')]);
    expect(new Set(pids).size).toBe(1);
    expect(told('auto').every((each) => JSON.stringify(each) === '{}')).toBe(true);
    const running = journal('auto').starts().filter(isAlive);
    expect(await until('a probe has ended', () => running.length === 1 || running)).toBe(true);
  });

  it('lends a client that declares some a child that was told exactly those', async () => {
    const capabilities = { roots: { listChanged: true }, elicitation: { form: {} }, 'x-own': [1] };
    const client = await open('auto', { capabilities });
    expect(await pidOf(client)).not.toBe(await pidOf(await open('auto')));
    expect(told('auto')).toContainEqual(capabilities);
  });

  it('lends one session one child, however many calls it begins with', async () => {
    const client = await open('auto', { capabilities: { sampling: {} } });
    const pids = await Promise.all(Array.from({ length: 6 }, () => pidOf(client)));
    expect(new Set(pids).size).toBe(1);
  });

  it('lends two sessions two children, and asks each client only what is asked of it', async () => {
    const [a, b] = [await open('auto', ROOTS), await open('auto', ROOTS)];
    const asking = (client: LegacyClient): Exchange => client.call('ask', { method: 'roots/list' });
    const [askedA, askedB] = [asking(a), asking(b)];
    const answerTo = async (client: LegacyClient, call: Exchange, name: string): Promise<void> => {
      const question = await call.notified('roots/list');
      const result = { roots: [{ uri: `file:///${name}` }] };
      const own = JSON.stringify({ jsonrpc: '2.0', id: question.id, result });
      await client.post(own).ended;
    };
    await answerTo(b, askedB, 'b');
    await answerTo(a, askedA, 'a');
    expect(textOf(await askedA.answer())).toContain('file:///a');
    expect(textOf(await askedB.answer())).toContain('file:///b');
    expect(await pidOf(a)).not.toBe(await pidOf(b));
  });

  it('lends a child that has worked for a session to no other, and ends it with that', async () => {
    const options = { capabilities: { roots: { 'x-again': true } } };
    const [first, second] = [await open('auto', options), await open('auto', options)];
    const pid = await pidOf(first);
    expect(await pidOf(second)).not.toBe(pid);
    expect(await pidOf(first)).toBe(pid);
    expect(await first.end()).toBe(204);
    await until('its child ends with it', () => !isAlive(pid));
    expect(await pidOf(second)).not.toBe(pid);
  });
});

describe('sharing: shared', () => {
  it('has one child for all, whatever they declare, and asks nobody', async () => {
    const client = await open('flat', ROOTS);
    expect(await pidOf(client)).toBe(await pidOf(await open('flat')));
    const message = await client.call('ask', { method: 'roots/list' }).answer();
    expect(textOf(message)).toContain('-32601');
    expect(told('flat')).toEqual([{}]);
  });
});

describe('sharing: session', () => {
  it('gives each client session a child of its own and ends it with the session', async () => {
    const [a, b] = [await open('own', ROOTS), await open('own')];
    const [pidA, pidB] = [await pidOf(a), await pidOf(b)];
    expect(pidA).not.toBe(pidB);
    expect(await pidOf(a)).toBe(pidA);
    expect(told('own')).toContainEqual(ROOTS.capabilities);
    expect(await a.end()).toBe(204);
    await until('the child of the ended session ends', () => !isAlive(pidA));
    expect(isAlive(pidB)).toBe(true);
    expect(await pidOf(b)).toBe(pidB);
  });

  it('leaves no child behind when the session ends while the child starts', async () => {
    const client = await open('slow');
    const call = client.call('pid');
    await arrived('slow', '"initialize"');
    expect(await client.end()).toBe(204);
    await call.ended;
    const [pid = 0] = journal('slow').starts();
    await until('the child ends', () => !isAlive(pid));
    expect(journal('slow').starts().filter(isAlive)).toEqual([]);
  });
});

describe('leased_children_max', () => {
  it('queues calls until a child is free', async () => {
    const clients = await Promise.all([open('few', ROOTS), open('few', ROOTS), open('few', ROOTS)]);
    const calls = clients.map((client) => client.call('sleep', { ms: 300 }));
    for (const call of calls) expect(textOf(await call.answer())).toBe('slept 300');
    const ends = calls.map(({ endedAtMs }) => endedAtMs).toSorted((a, b) => a - b);
    expect((ends[2] ?? 0) - (ends[0] ?? 0)).toBeGreaterThan(250);
    expect(journal('few').starts().filter(isAlive).length).toBeLessThanOrEqual(2);
  });

  it('lets a call wait no longer than lease_wait_s', async () => {
    const [busy, waiting] = [await open('one', ROOTS), await open('one', ROOTS)];
    const hang = busy.call('sleep', { ms: 2_500, of: 'lease' });
    await arrived('one', '"of":"lease"');
    const startedMs = performance.now();
    const message = await waiting.call('pid').answer();
    expect(codeOf(message)).toBe('LEASE_TIMED_OUT');
    expect(performance.now() - startedMs).toBeGreaterThan(950);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(textOf(await hang.answer())).toBe('slept 2500');
    expect(await pidOf(waiting)).toBeGreaterThan(0);
  });

  it('does not count while a child starts for the session', async () => {
    const client = await open('late', ROOTS);
    const pids = await Promise.all([pidOf(client), pidOf(client), pidOf(client)]);
    expect(new Set(pids).size).toBe(1);
  });

  it('starts a new child for the call that waits when the busy one dies', async () => {
    const [busy, waiting] = [await open('one', ROOTS), await open('one', ROOTS)];
    const pid = await pidOf(busy);
    const hang = busy.call('hang', { of: 'death' });
    await arrived('one', '"of":"death"');
    const queued = waiting.call('pid', { of: 'queue' });
    await until('the call waits', async () => (await busy.notify('notifications/none')) === 202);
    process.kill(pid, 'SIGKILL');
    expect(codeOf(await hang.answer())).toBe('UPSTREAM_ENDED');
    expect(Number(textOf(await queued.answer()))).not.toBe(pid);
  });

  it('fails the call that waits at once when the server cannot start', async () => {
    const clients = [await open('broken', ROOTS), await open('broken', ROOTS)];
    const startedMs = performance.now();
    const messages = await Promise.all(clients.map((client) => client.call('pid').answer()));
    for (const message of messages)
      expect(codeOf(message)).toMatch(/MCP_SERVER_(START_FAILED|BACKING_OFF)/);
    expect(performance.now() - startedMs).toBeLessThan(900);
  });

  it('serves the queue after a client that waited has gone', async () => {
    const [busy, gone, waiting] = [
      await open('one', ROOTS),
      await open('one', ROOTS),
      await open('one', ROOTS),
    ];
    const slow = busy.call('sleep', { ms: 400, of: 'gone' });
    await arrived('one', '"of":"gone"');
    const left = gone.call('sleep', { ms: 60_000, of: 'left' });
    expect(await gone.end()).toBe(204);
    await left.ended;
    expect(await pidOf(waiting)).toBeGreaterThan(0);
    expect(textOf(await slow.answer())).toBe('slept 400');
    expect(journal('one').lines('"of":"left"')).toEqual([]);
  });
});

describe('idle_ttl_s', () => {
  it('stops an idle child, and the next call starts another', async () => {
    const client = await open('idle');
    const pid = await pidOf(client);
    await until('the idle child ends', () => !isAlive(pid));
    expect(await pidOf(client)).not.toBe(pid);
  });

  it('never stops one with a call in flight', async () => {
    const client = await open('idle');
    const call = client.call('sleep', { ms: (IDLE_S * 1_000 * 5) / 2 });
    expect(textOf(await call.answer())).toBe('slept 2500');
  });

  it.each([
    ['of a client without capabilities', {}],
    ['of a client with a child of its own', ROOTS],
  ])('never stops one with a subscription %s', async (_whose, options) => {
    const client = await open('subscribed', options);
    const stream = await client.listen();
    await client.request('resources/subscribe', { uri: 'up://one' }).answer();
    const pid = await pidOf(client);
    const idle = await open('idle');
    const other = await pidOf(idle);
    await until('another child has been idle for long enough', () => !isAlive(other));
    expect(isAlive(pid)).toBe(true);
    const call = client.call('update', { uri: 'up://one' });
    await call.answer();
    const told = await until('the client hears of it', () =>
      [...stream.messages(), ...call.messages()].find(({ method }) => method === UPDATED),
    );
    expect(told.params?.['uri']).toBe('up://one');
    await client.request('resources/unsubscribe', { uri: 'up://one' }).answer();
    await until('nobody holds it any more', () => !isAlive(pid));
  });
});

describe('A server that speaks both eras', () => {
  it('has one child for each era, shared by all clients of that era', async () => {
    const legacy = await open('both');
    const pids = [await pidOf(legacy), await modernPid('both'), await modernPid('both')];
    expect(pids[1]).toBe(pids[2]);
    expect(pids[0]).not.toBe(pids[1]);
    expect(await pidOf(await open('both'))).toBe(pids[0]);
  });
});
