/** Who hears of which resource, whatever the eras of client and server: ML, LM, and both at once. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { ROOT, startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { Household } from '../support/household.ts';
import { isAlive } from '../support/processes.ts';
import {
  conformanceOverHttp,
  everything,
  remote,
  subscriptionsOverHttp,
  type RemoteServer,
} from '../support/remote.ts';
import { openPeer, type Peer, type Target } from '../support/sdk-peers.ts';
import { stdioTarget } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { conformanceServer, Journal, subscriptionsServer, upstream } from '../support/upstream.ts';

const UPDATED = 'notifications/resources/updated';
const LIST_CHANGED = 'notifications/tools/list_changed';
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const EVERYTHING = {
  command: [
    process.execPath,
    join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'),
  ],
};

const heard = (peer: Peer): readonly unknown[] =>
  peer.notifications.filter(({ method }) => method === UPDATED).map(({ params }) => params['uri']);
const updatesOn = (exchange: Exchange): readonly Message[] =>
  exchange.messages().filter(({ method }) => method === UPDATED);
const urisOf = (exchange: Exchange): readonly unknown[] =>
  updatesOn(exchange).map(({ params }) => params?.['uri']);

/** A modern client that listens to resources and to changes of tools; acknowledged. */
async function listenTo(
  url: string,
  uris: readonly string[],
  id: string,
): Promise<{ readonly exchange: Exchange; readonly honoured: unknown }> {
  const notifications = { toolsListChanged: true, resourceSubscriptions: uris };
  const exchange = modern(url, 'subscriptions/listen', { notifications }, { id });
  const acknowledged = await exchange.notified('notifications/subscriptions/acknowledged', 20_000);
  expect(acknowledged.params?.['_meta']).toEqual({ [SUBSCRIPTION]: id });
  const honoured = acknowledged.params?.['notifications'] as Config;
  return { exchange, honoured: honoured['resourceSubscriptions'] };
}

describe.each(['HTTP', 'stdio'] as const)('The official clients over %s', (front) => {
  let far: RemoteServer;
  let farEverything: RemoteServer;
  let target: Target;
  let close: () => PromiseLike<void>;

  beforeAll(async () => {
    [far, farEverything] = [await subscriptionsOverHttp(), await everything('streamableHttp')];
    const config = {
      mcp_servers: {
        everything: EVERYTHING,
        far: remote(far.url),
        'far-everything': remote(farEverything.url),
        live: subscriptionsServer(),
      },
    };
    if (front === 'HTTP') {
      const gateway = await startGateway(config);
      target = gateway.url();
      close = () => gateway[Symbol.asyncDispose]();
    } else {
      const command = await stdioTarget(config);
      target = command;
      close = () => command[Symbol.asyncDispose]();
    }
  });
  afterAll(async () => {
    await close();
    await Promise.all([far.kill(), farEverything.kill()]);
  });

  it.each(['everything', 'far-everything'])(
    'ML: SDK v2 of the modern era hears of resources of %s',
    async (server) => {
      await using peer = await openPeer('SDK v2, modern', target);
      const uri = await until('the server is listed', async () => {
        const resources = await peer.listResources();
        return resources.find((one) => one.uri.includes('static/document'))?.uri;
      });
      const owned = [`hangar://${server}/${uri}`];
      // Another server may list the same URI sooner.
      const listening = await until('the server agrees', async () => {
        const opened = await peer.listen(owned);
        if (opened.honoredFilter.resourceSubscriptions !== undefined) return opened;
        await opened.close();
        return undefined;
      });
      expect(listening.honoredFilter.resourceSubscriptions).toEqual(owned);
      expect(await peer.callTool(`${server}__toggle-subscriber-updates`)).toContain('Started');
      await until('an update comes', () => heard(peer).length > 0);
      expect(await peer.callTool(`${server}__toggle-subscriber-updates`)).toContain('Stopped');
      expect(new Set(heard(peer))).toEqual(new Set(owned));
      await listening.close();
    },
  );

  it.each(['live', 'far'])('LM: SDK v1 hears of resources of %s', async (server) => {
    await using peer = await openPeer('SDK v1', target);
    const uri = (name: string): string => `hangar://${server}/live://${name}`;
    const update = (name: string): Promise<string> =>
      peer.callTool(`${server}__update`, { uri: `live://${name}` });
    await Promise.all([peer.subscribe(uri('one')), peer.subscribe(uri('three'))]);
    for (const name of ['two', 'one', 'three']) await update(name);
    await until('the third comes', () => heard(peer).includes(uri('three')));
    expect(heard(peer)).toEqual([uri('one'), uri('three')]);
    await peer.unsubscribe(uri('one'));
    for (const name of ['one', 'three']) await update(name);
    await until('it comes again', () => heard(peer).length >= 3);
    expect(heard(peer)).toEqual([uri('one'), uri('three'), uri('three')]);
  });

  it.each(['live', 'far'])('MM: SDK v2 of the modern era hears of %s', async (server) => {
    await using peer = await openPeer('SDK v2, modern', target);
    const uri = `hangar://${server}/live://one`;
    const listening = await peer.listen([uri]);
    expect(listening.honoredFilter.resourceSubscriptions).toEqual([uri]);
    for (const name of ['two', 'one'])
      await peer.callTool(`${server}__update`, { uri: `live://${name}` });
    await until('an update comes', () => heard(peer).length > 0);
    expect(heard(peer)).toEqual([uri]);
  });
});

describe('One subscription for all', () => {
  let journal: Journal;
  let gateway: GatewayProcess;
  const keys = { idle_ttl_s: 1 };

  beforeAll(async () => {
    journal = await Journal.open();
    gateway = await startGateway({
      mcp_servers: {
        old: upstream([journal.option], keys),
        new: upstream([journal.option, '--era=modern'], { era: 'modern', ...keys }),
        own: upstream([journal.option], { sharing: 'session', ...keys }),
        watched: conformanceServer({ era: 'legacy' }),
        live: subscriptionsServer(),
        silent: subscriptionsServer('silent'),
      },
    });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await journal[Symbol.asyncDispose]();
  });

  /** Lines that were read by one process. */
  const linesOf = (pid: number, part: string): readonly string[] =>
    journal
      .entries()
      .flatMap((entry) => (entry.pid === pid && entry.line?.includes(part) ? [entry.line] : []));
  const pidOf = async (server: string): Promise<number> => {
    const client = await LegacyClient.open(gateway.url(server));
    return Number(textOf(await client.call('pid').answer()));
  };

  it('ML: a legacy server is asked once, and told when the last listener has gone', async () => {
    const url = gateway.url('old');
    const uri = 'up://shared';
    const pid = await pidOf('old');
    const legacy = await LegacyClient.open(url);
    const stream = await legacy.listen();
    const one = await listenTo(url, [uri], 'one');
    const other = await listenTo(url, [uri, 'up://other'], 'other');
    expect([one.honoured, other.honoured]).toEqual([[uri], [uri, 'up://other']]);
    expect((await legacy.request('resources/subscribe', { uri }).answer()).result).toEqual({});
    expect(linesOf(pid, '"resources/subscribe"').filter((line) => line.includes(uri))).toHaveLength(
      1,
    );
    await modernCall(url, 'update', { uri: `${uri}/part` }).answer();
    for (const { exchange } of [one, other]) await exchange.notified(UPDATED);
    await stream.notified(UPDATED);
    expect(updatesOn(one.exchange)).toEqual([
      {
        jsonrpc: '2.0',
        method: UPDATED,
        params: { uri: `${uri}/part`, _meta: { [SUBSCRIPTION]: 'one' } },
      },
    ]);
    await modernCall(url, 'update', { uri: 'up://other' }).answer();
    await until('the other hears of it', () => updatesOn(other.exchange).length === 2);
    expect([urisOf(one.exchange), urisOf(stream)]).toEqual([[`${uri}/part`], [`${uri}/part`]]);
    for (const { exchange } of [one, other]) exchange.close();
    await until('what nobody else wants is given up', () =>
      linesOf(pid, '"resources/unsubscribe"').some((line) => line.includes('up://other')),
    );
    expect(
      linesOf(pid, '"resources/unsubscribe"').filter((line) => line.includes(uri)),
    ).toHaveLength(0);
    await legacy.end();
    await until('and then the rest', () =>
      linesOf(pid, '"resources/unsubscribe"').some((line) => line.includes(uri)),
    );
    await until('the child that nobody holds ends', () => !isAlive(pid));
  });

  it('LM: a modern server has one stream, whatever is wanted, and is asked again when that changes', async () => {
    const url = gateway.url('new');
    const pid = await pidOf('new');
    const clients = [await LegacyClient.open(url), await LegacyClient.open(url)] as const;
    const streams = [await clients[0].listen(), await clients[1].listen()] as const;
    const listener = await listenTo(url, ['up://c'], 'm');
    for (const [client, uri] of [
      [clients[0], 'up://a'],
      [clients[1], 'up://a'],
      [clients[1], 'up://b'],
    ] as const)
      expect((await client.request('resources/subscribe', { uri }).answer()).result).toEqual({});
    const listens = linesOf(pid, '"subscriptions/listen"');
    await until(
      'all but one are ended',
      () => linesOf(pid, '"notifications/cancelled"').length === listens.length - 1,
    );
    expect(JSON.parse(listens.at(-1) ?? '{}')).toMatchObject({
      params: {
        notifications: {
          toolsListChanged: true,
          resourceSubscriptions: ['up://c', 'up://a', 'up://b'],
        },
      },
    });
    for (const uri of ['up://a', 'up://b', 'up://c', 'up://d'])
      await clients[0].call('update', { uri }).answer();
    await until('all are told', () => urisOf(listener.exchange).length > 0);
    expect(urisOf(listener.exchange)).toEqual(['up://c']);
    await until('all are told', () => urisOf(streams[1]).length === 2);
    expect([urisOf(streams[0]), urisOf(streams[1])]).toEqual([['up://a'], ['up://a', 'up://b']]);
    expect(JSON.stringify(updatesOn(streams[1]))).not.toContain('subscriptionId');
    listener.exchange.close();
    for (const client of clients) await client.end();
    await until('the child that nobody holds ends', () => !isAlive(pid));
  });

  it('ML and LM: what the server does not tell of is not acknowledged, and refused', async () => {
    const uri = 'live://one';
    const { honoured } = await listenTo(gateway.url('silent'), [uri], 's');
    expect(honoured).toBeUndefined();
    const client = await LegacyClient.open(gateway.url('silent'));
    const subscribe = async (wanted: string): Promise<Message['error']> =>
      (await client.request('resources/subscribe', { uri: wanted }).answer()).error;
    expect(await subscribe(uri)).toMatchObject({ code: -32_602 });
    expect(await subscribe('live://nowhere')).toEqual({
      code: -32_002,
      message: 'Resource not found: live://nowhere',
      data: { uri: 'live://nowhere' },
    });
    expect(await subscribe('hangar://nobody/x://y')).toMatchObject({ code: -32_002 });
    expect((await client.request('resources/unsubscribe', { uri }).answer()).result).toEqual({});
  });

  it.each([
    ['silent', false],
    ['live', true],
    ['old', true],
  ] as const)(
    'offers subscriptions to clients of %s of either era: %s',
    async (server, isOffered) => {
      const url = gateway.url(server);
      await modern(url, 'tools/list').answer(); // from here on it is known
      const hello = (await LegacyClient.open(url)).hello.result?.['capabilities'];
      const discovered = (await modern(url, 'server/discover').answer()).result?.['capabilities'];
      for (const capabilities of [hello, discovered] as Config[]) {
        const resources = capabilities['resources'] as Config;
        expect(resources['subscribe'] === true).toBe(isOffered);
        expect(resources['listChanged']).toBe(true);
      }
    },
  );

  it('ML: all who listen hear that a list of a legacy server changed, each on its own stream', async () => {
    const url = gateway.url('watched');
    await modern(url, 'tools/list').answer();
    const listeners = await Promise.all(['x', 'y', 'z'].map((id) => listenTo(url, [], id)));
    await modernCall(url, 'test_trigger_tool_change').answer();
    for (const [at, { exchange }] of listeners.entries()) {
      const { params } = await exchange.notified(LIST_CHANGED);
      expect(params?.['_meta']).toEqual({ [SUBSCRIPTION]: ['x', 'y', 'z'][at] });
      exchange.close();
    }
  });

  it('ML: of a server with a child for each session a client hears the child that works for it', async () => {
    const url = gateway.url('own');
    const legacy = await LegacyClient.open(url);
    const stream = await legacy.listen();
    await legacy.request('resources/subscribe', { uri: 'up://one' }).answer();
    const { exchange, honoured } = await listenTo(url, ['up://one'], 'o');
    expect(honoured).toEqual(['up://one']);
    await modernCall(url, 'update', { uri: 'up://one' }).answer();
    await exchange.notified(UPDATED);
    await legacy.call('update', { uri: 'up://one' }).answer();
    await stream.notified(UPDATED);
    expect([updatesOn(stream).length, updatesOn(exchange).length]).toEqual([1, 1]);
    exchange.close();
    await legacy.end();
  });

  it.each(['old', 'new'])(
    '%s that crashes is started again, and heard as before',
    async (server) => {
      const url = gateway.url(server);
      const client = await LegacyClient.open(url);
      const stream = await client.listen();
      const { exchange } = await listenTo(url, ['up://x'], 'c');
      for (const uri of ['up://x', 'up://y'])
        await client.request('resources/subscribe', { uri }).answer();
      const pid = Number(textOf(await client.call('pid').answer()));
      process.kill(pid, 'SIGKILL');
      await until(
        'they hear that they may have missed something',
        () => urisOf(stream).length >= 2,
      );
      expect(new Set(urisOf(stream))).toEqual(new Set(['up://x', 'up://y']));
      await until('so does the other', () => urisOf(exchange).length > 0);
      await client.call('update', { uri: 'up://x' }).answer();
      await until('it tells again', () => urisOf(stream).length >= 3);
      await until('to both', () => urisOf(exchange).length >= 2);
      expect(urisOf(stream).filter((uri) => uri === 'up://x')).toHaveLength(2);
      expect(urisOf(exchange)).toEqual(['up://x', 'up://x']);
      expect(
        exchange.messages().filter(({ method }) => method?.endsWith('acknowledged')),
      ).toHaveLength(1);
      exchange.close();
      await client.end();
    },
  );

  it.each(['old', 'new'])('200 clients of both eras leave nothing on %s', async (server) => {
    const url = gateway.url(server);
    const pid = await pidOf(server);
    for (let cycle = 0; cycle < 200; cycle += 1) {
      const uri = `up://${cycle}`;
      const client = await LegacyClient.open(url);
      const answer = await client.request('resources/subscribe', { uri }).answer();
      expect(answer.result).toEqual({});
      const { exchange, honoured } = await listenTo(url, [uri], `l${cycle}`);
      expect(honoured).toEqual([uri]);
      if (cycle % 2 === 0) await client.request('resources/unsubscribe', { uri }).answer();
      exchange.close();
      await client.end();
    }
    const asked = server === 'old' ? '"resources/subscribe"' : '"subscriptions/listen"';
    const ended = server === 'old' ? '"resources/unsubscribe"' : '"notifications/cancelled"';
    const isListed = server === 'old' ? 0 : 1; // one stream is left, for the lists
    const open = (): number => linesOf(pid, asked).length - linesOf(pid, ended).length;
    await until('all is given up', () => open() === isListed);
    expect(linesOf(pid, asked).length).toBeGreaterThanOrEqual(200);
    expect(linesOf(pid, asked).length).toBeLessThanOrEqual(401);
    await until('the child that nobody holds ends', () => !isAlive(pid));
  });
});

describe('A client on a pipe', () => {
  it('that shares its gateway with others gives up all that it heard of when its pipe ends', async () => {
    await using home = new Household((journal) => ({
      mcp_servers: {
        new: upstream([journal.option, '--era=modern']),
        old: upstream([journal.option]),
      },
    }));
    const stays = await home.open();
    const goes = await home.open();
    for (const server of ['old', 'new']) {
      const uri = `hangar://${server}/up://one`;
      expect(await goes.request('resources/subscribe', { uri })).toMatchObject({ result: {} });
    }
    expect(await goes.end()).toBe(0);
    await until('the legacy server is told', () =>
      home.journal.lines('"resources/unsubscribe"').some((line) => line.includes('up://one')),
    );
    await until('the modern one, too', () => {
      const last = home.journal.lines('"subscriptions/listen"').at(-1);
      return last?.includes('up://one') === false;
    });
    expect(await stays.request('ping')).toMatchObject({ result: {} });
  });
});

describe('A remote server that was away', () => {
  it.each(['legacy', 'modern'] as const)(
    'of the %s era is heard again, and its clients hear that they may have missed something',
    async (era) => {
      const uri = 'test://watched-resource';
      const server = await conformanceOverHttp(era);
      await using gateway = await startGateway({ mcp_servers: { far: remote(server.url) } });
      const client = await LegacyClient.open(gateway.url('far'));
      const stream = await client.listen();
      const { exchange, honoured } = await listenTo(gateway.url('far'), [uri], 'r');
      expect(honoured).toEqual([uri]);
      await client.request('resources/subscribe', { uri }).answer();
      await server.kill();
      await using again = await conformanceOverHttp(era, server.port);
      expect(again.port).toBe(server.port);
      await until(
        'both hear of it',
        () => [stream, exchange].every((one) => urisOf(one).length > 0),
        30_000,
      );
      expect([urisOf(stream), urisOf(exchange)]).toEqual([[uri], [uri]]);
    },
  );
});
