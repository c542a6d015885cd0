import { Fault } from '@mcp-hangar/kernel/errors';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failureOf, settled } from '../../../test-kit/scripted-launcher.ts';
import { askingUser, Listener, userOf } from '../../../test-kit/server-world.ts';
import {
  Hearer,
  subscriptionWorld,
  type SubscriptionWorld,
} from '../../../test-kit/subscription-world.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { RpcRefusal } from '../calls/ask.ts';

const ERAS: readonly Era[] = ['legacy', 'modern'];
const A = 'up://a';
const B = 'up://b';
const MODERN_USER = userOf(undefined, { era: 'modern', owner: 'anonymous', isOneClient: false });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is sent is agreed to: at once by a legacy server, with its next acknowledgement by a modern one. */
async function agreed(world: SubscriptionWorld, count = 1): Promise<void> {
  await settled();
  for (let at = 0; at < count && world.connection.era === 'modern'; at += 1) {
    await world.acknowledge();
    await settled();
  }
}

/** How often a legacy server was asked to tell and to stop; what the streams of a modern one are for. */
const askedFor = (world: SubscriptionWorld): readonly unknown[] =>
  world.connection.era === 'legacy'
    ? ['resources/subscribe', 'resources/unsubscribe'].map((one) => world.lines(one).length)
    : world.listens.map(({ uris }) => uris);

const inOrder = ({ heard }: Hearer): readonly string[] =>
  heard.map(String).toSorted((a, b) => a.localeCompare(b));

/** A server that runs, and of a modern one a stream that hears of its lists. */
async function running(era: Era, more: object = {}): Promise<SubscriptionWorld> {
  const world = subscriptionWorld({ era, ...more });
  const child = await world.server.take(userOf());
  child.end(world.clock.now, true);
  if (era === 'modern') await world.acknowledge();
  return world;
}

const wait = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
};

describe.each(ERAS)('a server of the %s era', (era) => {
  test('is asked once for all clients, and no more once the last has gone', async () => {
    const world = await running(era);
    const hearers = [new Hearer(), new Hearer(), new Hearer()];
    const subscriptions = hearers.map((hearer) => world.subscribe(A, hearer));
    await agreed(world);
    await Promise.all(subscriptions.map((one) => one.agreed));
    world.update(A);
    expect(hearers.map(({ heard }) => heard)).toEqual([[A], [A], [A]]);
    expect(askedFor(world)).toEqual({ legacy: [1, 0], modern: [[A]] }[era]);
    for (const one of subscriptions.slice(1)) one.end();
    await agreed(world, 0);
    world.update(A);
    expect(hearers.map(({ heard }) => heard.length)).toEqual([2, 1, 1]);
    expect(askedFor(world)).toEqual({ legacy: [1, 0], modern: [[A]] }[era]);
    subscriptions[0]?.end();
    await agreed(world);
    expect(askedFor(world)).toEqual({ legacy: [1, 1], modern: [[]] }[era]);
    world.update(A);
    expect(hearers[0]?.heard).toHaveLength(2);
  });

  test('is heard by each client only for what that one wants and what lies below, once', async () => {
    const world = await running(era);
    const [one, other] = [new Hearer(), new Hearer()];
    for (const [uri, hearer] of [
      [A, one],
      [`${A}/part`, one],
      [B, other],
    ] as const)
      void world.subscribe(uri, hearer).agreed;
    await agreed(world);
    for (const uri of [A, `${A}/part`, `${A}/part/x`, `${A}-else`, B, 'up://c']) world.update(uri);
    expect(one.heard).toEqual([A, `${A}/part`, `${A}/part/x`]);
    expect(one.wanted).toEqual([A, `${A}/part`, `${A}/part`]);
    expect(other.heard).toEqual([B]);
  });

  test('is not stopped for being idle while anybody listens', async () => {
    const world = await running(era, { spec: { idleTtlMs: 1_000 } });
    const subscription = world.subscribe(A);
    await agreed(world);
    await subscription.agreed;
    world.clock.now += 60_000;
    await wait(5_000);
    expect(world.connection.closed).toEqual([]);
    subscription.end();
    await agreed(world);
    await wait(5_000);
    expect(world.connection.closed).toEqual(['idle']);
  });

  test('that ends is started again, asked again, and its clients hear once that it may have changed', async () => {
    const world = await running(era);
    const hearer = new Hearer();
    for (const uri of [A, B]) void world.subscribe(uri, hearer).agreed;
    await agreed(world);
    const first = world.connection;
    first.crash();
    expect(world.launcher.alive).toEqual([]);
    world.clock.now += 10_000;
    await wait(10_000);
    expect(world.connection).not.toBe(first);
    await agreed(world, 2);
    expect(inOrder(hearer)).toEqual([A, B]);
    world.update(A);
    expect(inOrder(hearer)).toEqual([A, A, B]);
    await wait(60_000);
    expect(world.launcher.connections).toHaveLength(2);
  });

  test('that does not start is tried again, later each time, while anybody listens', async () => {
    const world = subscriptionWorld({ era, hello: { behaviour: () => ({ result: {} }) } });
    const child = await world.server.take(userOf());
    child.end(world.clock.now, true);
    const subscription = world.subscribe(A);
    await agreed(world, 2);
    await subscription.agreed;
    world.launcher.failure = 'it does not run';
    world.connection.crash();
    const before = world.launcher.asked.length;
    for (let second = 0; second < 300; second += 1) {
      world.clock.now += 1_000;
      await wait(1_000);
    }
    const tries = world.launcher.asked.length;
    expect(tries - before).toBeGreaterThanOrEqual(5);
    expect(tries - before).toBeLessThanOrEqual(12);
    subscription.end();
    world.clock.now += 300_000;
    await wait(300_000);
    expect(world.launcher.asked).toHaveLength(tries);
  });

  test('that a person stopped is not started because somebody listens, and tells again once it runs', async () => {
    const world = await running(era);
    const hearer = new Hearer();
    void world.subscribe(A, hearer).agreed;
    await agreed(world);
    await world.server.stop('user_request');
    world.clock.now += 300_000;
    await wait(300_000);
    expect(world.launcher.alive).toEqual([]);
    const child = await world.server.take(userOf());
    child.end(world.clock.now, true);
    await agreed(world, 2);
    world.update(A);
    expect(hearer.heard).toEqual([A, A]);
  });

  test('hears nothing of a client that gave up while the server was started', async () => {
    const world = subscriptionWorld({ era });
    const subscription = world.subscribe(A);
    subscription.end();
    expect(await failureOf(subscription.agreed)).toBeInstanceOf(Fault);
    await settled();
    expect(JSON.stringify(world.connection.lines)).not.toContain(A);
  });

  test('has a bound for all clients together', async () => {
    const world = await running(era);
    const all = Array.from({ length: 1_001 }, (_, at) => world.subscribe(`up://${at}`));
    const outcomes = Promise.all(all.map(({ agreed: one }) => failureOf(one)));
    await agreed(world);
    const failures = (await outcomes).filter((failure) => failure !== undefined);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: 'GATEWAY_BUSY' });
  });

  test('is left as it was by 200 clients that come and go', async () => {
    const world = await running(era);
    const [child] = world.server.running;
    for (let cycle = 0; cycle < 200; cycle += 1) {
      const subscriptions = [A, B].map((uri) => world.subscribe(uri));
      await agreed(world);
      await Promise.all(subscriptions.map((one) => one.agreed));
      for (const one of subscriptions) one.end();
      await agreed(world);
    }
    await settled();
    expect(child?.pins).toBe(0);
    expect(world.connection.pending).toBe(era === 'modern' ? 1 : 0);
    expect(askedFor(world)).toEqual({ legacy: [400, 400], modern: [[]] }[era]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a legacy server', () => {
  test('that refuses, refuses with its own words, and is asked again by the next client', async () => {
    const error = { code: -32_602, message: 'no such thing', data: { uri: A } };
    const world = await running('legacy', { hello: { behaviour: () => ({ error }) } });
    const failure = await failureOf(world.subscribe(A).agreed);
    expect(failure).toBeInstanceOf(RpcRefusal);
    expect(failure).toMatchObject({ error });
    await failureOf(world.subscribe(A).agreed);
    expect(world.lines('resources/subscribe')).toHaveLength(2);
    expect(world.server.running[0]?.pins).toBe(0);
  });

  test('that declares no subscriptions is asked for legacy clients only', async () => {
    const hello = { capabilities: { resources: {} } };
    const world = await running('legacy', { hello, spec: { era: 'legacy' } });
    const failure = await failureOf(world.subscribe(A, new Hearer(), MODERN_USER).agreed);
    expect(failure).toMatchObject({ error: { code: -32_601 } });
    expect(world.lines('resources/subscribe')).toEqual([]);
    await world.subscribe(A).agreed;
    expect(world.lines('resources/subscribe')).toHaveLength(1);
  });

  test('is told nothing out of order where a client comes back at once', async () => {
    const world = await running('legacy', { isSilent: true });
    const sent = (): readonly unknown[] => world.connection.lines.map(({ method }) => method);
    const first = world.subscribe(A);
    await settled();
    first.end();
    const second = world.subscribe(A);
    await settled();
    expect(sent()).toEqual(['resources/subscribe']);
    world.connection.answer(1, { result: {} });
    await settled();
    expect(sent()).toEqual(['resources/subscribe', 'resources/unsubscribe']);
    world.connection.answer(2, { result: {} });
    await settled();
    world.connection.answer(3, { result: {} });
    await second.agreed;
    expect(sent().at(-1)).toBe('resources/subscribe');
  });

  test.each([
    ['shares its child with modern clients, whatever they can be asked', 'auto', 1],
    ['with one child for each session is heard by each on its own', 'session', 2],
  ] as const)('%s', async (_what, sharing, children) => {
    const world = subscriptionWorld({ era: 'legacy', spec: { sharing, era: 'legacy' } });
    const [one, other] = [new Hearer(), new Hearer()];
    const asked = { ...MODERN_USER.asker, capabilities: { sampling: {} } };
    await world.subscribe(A, one, { ...MODERN_USER, asker: asked }).agreed;
    await world.subscribe(A, other, userOf()).agreed;
    expect(world.launcher.connections).toHaveLength(children);
    world.update(A);
    expect([one.heard.length, other.heard.length]).toEqual(children === 1 ? [1, 1] : [0, 1]);
  });

  test('tells a session that may be asked on the child that works for it', async () => {
    const world = subscriptionWorld({ era: 'legacy' });
    const hearer = new Hearer();
    const user = askingUser(new Listener());
    const subscription = world.subscribe(A, hearer, user);
    await subscription.agreed;
    const [child] = world.server.running;
    expect([child?.seat.kind, child?.pins]).toEqual(['leased', 1]);
    world.update(A);
    expect(hearer.heard).toEqual([A]);
    subscription.end();
    expect(child?.pins).toBe(0);
  });
});
