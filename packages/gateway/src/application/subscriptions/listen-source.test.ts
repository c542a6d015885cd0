import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failureOf, settled } from '../../../test-kit/scripted-launcher.ts';
import { userOf } from '../../../test-kit/server-world.ts';
import {
  Hearer,
  subscriptionWorld,
  type SubscriptionWorld,
} from '../../../test-kit/subscription-world.ts';
import { ListenSource } from './listen-source.ts';

const A = 'up://a';
const B = 'up://b';
const C = 'up://c';
const LIST_CHANGED = 'notifications/tools/list_changed';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const wait = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
};

/** A server that has acknowledged that it tells of its lists, and of the URIs to their hearer. */
async function listening(
  options: { readonly uris?: readonly string[]; readonly mayReorder?: boolean } = {},
): Promise<SubscriptionWorld & { readonly hearer: Hearer }> {
  const { uris = [], mayReorder = false } = options;
  const world = subscriptionWorld({ era: 'modern', hello: { mayReorder } });
  const child = await world.server.take(userOf());
  child.end(world.clock.now, true);
  await world.acknowledge();
  const hearer = new Hearer();
  for (const uri of uris) void world.subscribe(uri, hearer).agreed;
  await settled();
  if (uris.length > 0) await world.acknowledge();
  if (mayReorder) await wait(100);
  return Object.assign(world, { hearer });
}

describe('one stream for all that is wanted', () => {
  test('asks for lists at once, and for all that is wanted in one turn together', async () => {
    const world = await listening();
    expect(world.listens.map(({ uris }) => uris)).toEqual([[]]);
    for (const uri of [A, B]) void world.subscribe(uri).agreed;
    await settled();
    expect(world.listens.map(({ uris }) => uris)).toEqual([[], [A, B]]);
    const filter = world.connection.lines.at(-1)?.['params'];
    expect(filter).toMatchObject({
      notifications: { toolsListChanged: true, resourceSubscriptions: [A, B] },
    });
    await world.acknowledge();
    expect(world.listens.map(({ uris }) => uris)).toEqual([[A, B]]);
  });

  test('is replaced without losing or doubling anything where messages keep their order', async () => {
    const world = await listening({ uris: [A] });
    const [old] = world.listens;
    void world.subscribe(B, world.hearer).agreed;
    await settled();
    const [, next] = world.listens;
    if (old === undefined || next === undefined) throw new Error('there are two');
    world.update(A, [old]); // before the new one is acknowledged
    await world.acknowledge();
    world.update(A, [old, next]); // the old one is over: what it still brings is a copy
    world.update(B, [next]);
    expect(world.hearer.heard).toEqual([A, A, B]);
  });

  test('is replaced without losing or doubling anything where streams overtake each other', async () => {
    const world = await listening({ uris: [A], mayReorder: true });
    const [old] = world.listens;
    void world.subscribe(B, world.hearer).agreed;
    await settled();
    const [, next] = world.listens;
    if (old === undefined || next === undefined) throw new Error('there are two');
    await world.acknowledge();
    expect(world.listens).toEqual([old, next]);
    world.update(A, [next]);
    world.update(A, [old]); // late, or the copy: nobody can tell
    for (const { id } of [old, next]) {
      const params = { _meta: { 'io.modelcontextprotocol/subscriptionId': id } };
      world.connection.saysIn(id, { method: LIST_CHANGED, params });
    }
    expect(world.hearer.heard).toEqual([]);
    await wait(100);
    expect(world.hearer.heard).toEqual([A]);
    expect(world.changed.filter((method) => method === LIST_CHANGED)).toHaveLength(1);
    expect(world.listens).toEqual([next]);
    world.update(B);
    expect(world.hearer.heard).toEqual([A, B]);
  });

  test('grows one step at a time, however fast wishes come', async () => {
    const world = await listening();
    const agreed = [A, B, C].map((uri) => {
      const subscription = world.subscribe(uri);
      return subscription.agreed;
    });
    await settled();
    const more = world.subscribe('up://d').agreed;
    await settled();
    expect(world.listens).toHaveLength(2);
    await world.acknowledge();
    await Promise.all(agreed);
    await world.acknowledge();
    await more;
    expect(world.listens.map(({ uris }) => uris)).toEqual([[A, B, C, 'up://d']]);
  });

  test('goes on as it is where what was given up is wanted again in the same turn', async () => {
    const world = await listening();
    const [child] = world.server.running;
    if (child === undefined) throw new Error('it runs');
    const source = new ListenSource(child, {}, () => 0.5);
    await world.acknowledge();
    const first = source.subscribe(A);
    await settled();
    await world.acknowledge();
    await first;
    const before = world.listens;
    source.unsubscribe(A);
    await source.subscribe(A);
    await settled();
    expect(world.listens).toEqual(before);
  });
});

describe('what the server does not acknowledge', () => {
  test('is refused, and the rest is heard', async () => {
    const world = await listening();
    const hearer = new Hearer();
    const [good, bad] = [world.subscribe(A, hearer), world.subscribe(B, hearer)];
    const failure = failureOf(bad.agreed);
    await settled();
    await world.acknowledge([A]);
    await good.agreed;
    expect(await failure).toMatchObject({ name: 'NotHonoured' });
    await world.acknowledge(); // of the stream without it
    expect(world.listens.map(({ uris }) => uris)).toEqual([[A]]);
  });

  test('is refused with the error of a server that refuses the whole, and the old stream goes on', async () => {
    const world = await listening({ uris: [A] });
    const failure = failureOf(world.subscribe(B).agreed);
    await settled();
    const error = { code: -32_603, message: 'Subscription limit reached' };
    world.connection.answer(world.listens.at(-1)?.id ?? 0, { error });
    expect(await failure).toMatchObject({ error });
    world.update(A, world.listens.slice(0, 1));
    expect(world.hearer.heard).toEqual([A]);
  });

  test('is refused after ten seconds, and the old stream goes on', async () => {
    const world = await listening({ uris: [A] });
    const failure = failureOf(world.subscribe(B).agreed);
    await settled();
    await wait(10_001);
    expect(await failure).toMatchObject({ code: 'CALL_TIMED_OUT' });
    expect(world.listens.map(({ uris }) => uris)).toEqual([[A]]);
    world.update(A);
    expect(world.hearer.heard).toEqual([A]);
  });

  test('lists, may be told all the same', async () => {
    const world = subscriptionWorld({ era: 'modern' });
    await world.server.take(userOf());
    await wait(10_001);
    const [listen] = world.listens;
    world.connection.saysIn(listen?.id ?? 0, { method: LIST_CHANGED });
    expect(world.changed).toEqual([LIST_CHANGED]);
  });
});

describe('a stream that ends', () => {
  const end = (world: SubscriptionWorld): void =>
    world.connection.answer(world.listens.at(-1)?.id ?? 0, {
      result: { resultType: 'complete' },
    });
  const opened = (world: SubscriptionWorld): number => world.lines('subscriptions/listen').length;

  test('is asked for again after a while, and what may have changed meanwhile is told once', async () => {
    const world = await listening({ uris: [A, B] });
    const before = opened(world);
    end(world);
    await settled();
    expect(opened(world)).toBe(before);
    await wait(2_100);
    expect(opened(world)).toBe(before + 1);
    expect(world.hearer.heard).toEqual([]);
    await world.acknowledge();
    expect(world.hearer.heard).toEqual([A, B]);
    expect(world.changed).toContain(LIST_CHANGED);
  });

  test('again and again is asked for later each time', async () => {
    const world = await listening({ uris: [A] });
    const before = opened(world);
    for (let second = 0; second < 300; second += 1) {
      if (world.connection.pending > 0) {
        await world.acknowledge();
        end(world);
      }
      await wait(1_000);
    }
    expect(opened(world) - before).toBeGreaterThanOrEqual(6);
    expect(opened(world) - before).toBeLessThanOrEqual(10);
  });

  test('because nothing of it was honoured is not asked for again until somebody wants something', async () => {
    const world = subscriptionWorld({ era: 'modern' });
    await world.server.take(userOf());
    const refuse = (): void => {
      const id = world.listens.at(-1)?.id ?? 0;
      const method = 'notifications/subscriptions/acknowledged';
      world.connection.saysIn(id, { method, params: { notifications: {} } });
      end(world);
    };
    refuse();
    await wait(300_000);
    expect(opened(world)).toBe(1);
    const failure = failureOf(world.subscribe(A).agreed);
    await settled();
    refuse();
    expect(await failure).toMatchObject({ name: 'NotHonoured' });
    await wait(300_000);
    expect(opened(world)).toBe(2);
  });

  test('below, and was asked for again by the transport, is made up for', async () => {
    const world = await listening({ uris: [A] });
    const before = opened(world);
    await world.acknowledge();
    expect(world.hearer.heard).toEqual([A]);
    expect(opened(world)).toBe(before);
  });

  test('with the child leaves nothing behind', async () => {
    const world = await listening();
    world.connection.crash();
    expect(vi.getTimerCount()).toBe(0);
    await wait(300_000);
    expect(world.launcher.connections).toHaveLength(1);
  });
});
