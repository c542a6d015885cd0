/** What clients notice of a reload: lists, calls in flight, sessions, subscriptions, tasks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LegacyClient, modern, pidOf, textOf } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import type { Config } from '../support/gateway.ts';
import { fetchText, type Exchange } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { eventsOf, Served, toolNames, UNWATCHED } from '../support/reload.ts';
import { about, longTask } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { taskServer, upstream } from '../support/upstream.ts';

const served = new Served();
beforeEach(() => served.begin({ one: upstream(), two: upstream() }));
afterEach(() => served.end());

const LIST_CHANGED = 'notifications/tools/list_changed';
const told = (exchange: Exchange, method: string): number =>
  exchange.messages().filter((message) => message.method === method).length;

describe('A client', () => {
  it('hears once that lists have changed, whatever its era, and keeps its session', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    const stdio = await served.house.open();
    // What is learnt of servers is a change of its own: it is over before.
    const lists = (): Exchange => modern(served.gateway.url(), 'tools/list');
    await Promise.all([toolNames(client), stdio.request('tools/list', {}), lists().answer()]);
    const stream = await client.listen();
    await Promise.all([stdio.notified(LIST_CHANGED), stream.notified(LIST_CHANGED)]);
    const before = stdio.messages.length;
    const filter = { notifications: { toolsListChanged: true } };
    const listening = modern(served.gateway.url(), 'subscriptions/listen', filter);
    await listening.notified('notifications/subscriptions/acknowledged');
    await served.changeTo({ one: upstream([], { tools: { hide: ['echo'] } }) });
    await Promise.all([
      until('it hears', () => told(stream, LIST_CHANGED) === 2),
      listening.notified(LIST_CHANGED),
      until('it hears', () => stdio.messages.length > before),
    ]);
    // A change that no list shows is told to nobody.
    await served.changeTo({ one: upstream([], { tools: { hide: ['echo'] }, call_timeout_s: 77 }) });
    expect(await pidOf(client, 'one__pid')).toMatch(/^\d+$/);
    expect(await toolNames(client)).not.toContain('two__pid');
    expect(textOf(await stdio.call('one__pid'))).toBe(await pidOf(client, 'one__pid'));
    expect([told(stream, LIST_CHANGED), told(listening, LIST_CHANGED)]).toEqual([2, 1]);
    const since = stdio.messages.slice(before);
    expect(since.filter(({ method }) => method === LIST_CHANGED)).toHaveLength(1);
    listening.close();
  });

  it('hears of a server that came, and finds its tools in the next list', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    await toolNames(client);
    const stream = await client.listen();
    await served.changeTo({ one: upstream(), two: upstream(), three: upstream() });
    const { servers } = await json<{ servers: readonly { id: string; state: string }[] }>(
      served.house,
      'list',
      '--json',
    );
    expect(servers.find(({ id }) => id === 'three')?.state).toBe('cold');
    await stream.notified(LIST_CHANGED);
    expect(await toolNames(client)).toContain('three__pid');
  });
});

describe('A call in flight', () => {
  it('is answered by the server that has it, though another one has its place', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    const old = Number(await pidOf(client, 'two__pid'));
    const [kept, replaced] = [
      client.call('one__sleep', { ms: 2_500 }),
      client.call('two__sleep', { ms: 2_500 }),
    ];
    await until(
      'both are under way',
      () => served.gateway.stderr().split('mcp_server_started').length > 2,
    );
    await served.changeTo({ one: upstream(), two: upstream(['--tools=1']) });
    const fresh = Number(await pidOf(client, 'two__pid'));
    expect(fresh).not.toBe(old);
    expect([textOf(await kept.answer()), textOf(await replaced.answer())]).toEqual([
      'slept 2500',
      'slept 2500',
    ]);
    await until('the old one has ended', () => !isAlive(old));
    expect(await eventsOf(served.house, 'McpServerFailureCounted')).toEqual([]);
  });

  it('ends with an error where it takes longer than it may', async () => {
    const rest = { ...UNWATCHED, limits: { shutdown_grace_s: 0.3 } };
    await served.begin({ one: upstream() }, rest);
    const client = await LegacyClient.open(served.gateway.url());
    const old = Number(await pidOf(client, 'one__pid'));
    const hanging = client.call('one__hang');
    await served.changeTo({ one: upstream(['--tools=1']) }, rest);
    expect((await hanging.answer()).error?.message).toMatch(/ended/);
    await until('the old one has ended', () => !isAlive(old));
    await pidOf(client, 'one__pid');
    const stops = await eventsOf(served.house, 'McpServerStopped');
    expect(stops).toEqual([{ mcp_server_id: 'one', reason: 'reload' }]);
    expect(await eventsOf(served.house, 'McpServerFailureCounted')).toEqual([]);
  });
});

describe('The endpoint of a server that is taken out', () => {
  it('is not there any more, and sessions on it end when their calls are over', async () => {
    const client = await LegacyClient.open(served.gateway.url('two'));
    const other = await LegacyClient.open(served.gateway.url('one'));
    const stream = await client.listen();
    const call = client.call('sleep', { ms: 500 });
    const filter = { notifications: { toolsListChanged: true } };
    const listening = modern(served.gateway.url('two'), 'subscriptions/listen', filter);
    await listening.notified('notifications/subscriptions/acknowledged');
    await served.changeTo({ one: upstream() });
    expect(textOf(await call.answer())).toBe('slept 500');
    await Promise.all([stream.ended, listening.ended]);
    const gone = await fetchText(client.url, {
      headers: client.headers,
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    });
    expect(gone.status).toBe(404);
    expect(gone.text).toContain('Nothing is served at /mcp/two');
    expect(textOf(await other.call('pid').answer())).toMatch(/^\d+$/);
    await served.changeTo({ one: upstream(), two: upstream() });
    expect((await client.call('pid').answer()).error?.message).toBe('Session not found');
    const again = await LegacyClient.open(served.gateway.url('two'));
    expect(textOf(await again.call('pid').answer())).toMatch(/^\d+$/);
  });
});

describe('A subscription', () => {
  const uri = 'hangar://two/up://two';

  it('goes on with the server that takes the place of its own', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    await toolNames(client);
    const stream = await client.listen();
    expect((await client.request('resources/subscribe', { uri }).answer()).error).toBeUndefined();
    await served.changeTo({ one: upstream(), two: upstream(['--tools=1']) });
    const UPDATED = 'notifications/resources/updated';
    await until('it may have changed meanwhile', () => told(stream, UPDATED) === 1, 15_000);
    await client.call('two__update', { uri: 'up://two' }).answer();
    await until('it tells of changes', () => told(stream, UPDATED) === 2);
    await served.changeTo({ one: upstream(), two: upstream(['--tools=2']) });
    await until('it may have changed again', () => told(stream, UPDATED) === 3, 15_000);
  });

  it('to a server that is taken out ends, and its client learns why', async () => {
    const client = await LegacyClient.open(served.gateway.url());
    await toolNames(client);
    const stream = await client.listen();
    await client.request('resources/subscribe', { uri }).answer();
    await served.changeTo({ one: upstream(), three: upstream() });
    await stream.notified('notifications/resources/updated');
    const read = await client.request('resources/read', { uri }).answer();
    expect(read.error?.message).toContain('Resource not found');
    await until('nothing keeps it', async () => {
      const { stdout } = await hangar(served.house, 'list', '--json');
      return !stdout.includes('two');
    });
  });
});

describe('A task', () => {
  it('of a server that is replaced or taken out is lost, and said to be', async () => {
    const rest = { ...UNWATCHED, limits: { shutdown_grace_s: 0.2 } };
    const config = (args: readonly string[]): Config => ({ slow: taskServer(args) });
    await served.begin(config(['--era=legacy']), rest);
    const client = await LegacyClient.open(served.gateway.url());
    await toolNames(client);
    const first = await longTask(client, 'slow__');
    expect((await about(client, 'get', first)).error).toBeUndefined();
    await served.changeTo(config(['--era=legacy', '--ids=random']), rest);
    await until('it is lost', async () => {
      const { error } = await about(client, 'get', first);
      return error?.message.includes('has ended since, and its task');
    });
    const second = await longTask(client, 'slow__');
    await served.changeTo({}, rest);
    await until('it is lost', async () => {
      const { error } = await about(client, 'get', second);
      return error?.message.includes('has ended since, and its task');
    });
  });
});
