import { Fault } from '@mcp-hangar/kernel/errors';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { askingUser, Listener, userOf, worldOf } from '../../../test-kit/server-world.ts';
import type { Child } from './child.ts';
import type { ServerUser } from './mcp-server.ts';

const times = <T>(count: number, make: (at: number) => T | Promise<T>): Promise<T>[] =>
  Array.from({ length: count }, (_, at) => Promise.resolve(make(at)));

/** The fault that a promise or a throw ends with. */
async function faultOf(take: () => Child | Promise<Child>): Promise<string> {
  try {
    await take();
    return 'none';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
}

describe('fifty takes at once', () => {
  test.each<[string, (at: number) => ServerUser]>([
    ['of many clients that share', () => userOf()],
    [
      'of modern clients, whose era must be learnt first',
      () => userOf(undefined, { era: 'modern' }),
    ],
  ])('%s make one start, and all get its child', async (_who, user) => {
    const { server, launcher } = worldOf();
    const takes = times(50, (at) => server.take(user(at)));
    expect(launcher.starting).toHaveLength(1);
    launcher.succeed();
    const children = new Set(await Promise.all(takes));
    expect(children.size).toBe(1);
    expect([...children][0]?.inFlight).toBe(50);
    expect(launcher.connections).toHaveLength(1);
  });

  test('of one session that may be asked make one start, and all get its child', async () => {
    const { server, launcher } = worldOf();
    const user = askingUser();
    const takes = times(50, () => server.take(user));
    expect(launcher.starting).toHaveLength(1);
    launcher.succeed();
    expect(new Set(await Promise.all(takes)).size).toBe(1);
  });

  test('of one session with a child of its own make one start', async () => {
    const { server, launcher } = worldOf({ sharing: 'session' });
    const user = userOf();
    const takes = times(50, () => server.take(user));
    launcher.succeed();
    expect(new Set(await Promise.all(takes)).size).toBe(1);
    expect(launcher.connections).toHaveLength(1);
  });

  test.each([
    ['shared', 'auto', userOf()],
    ['leased', 'auto', askingUser()],
    ['own', 'session', userOf()],
    ['probed', 'auto', userOf(undefined, { era: 'modern' })],
  ] as const)('share one failure, too: %s', async (_kind, sharing, user) => {
    const { server, launcher } = worldOf({ sharing });
    const takes = times(50, () => faultOf(() => server.take(user)));
    launcher.fail();
    expect(new Set(await Promise.all(takes))).toEqual(new Set(['MCP_SERVER_START_FAILED']));
    expect(launcher.asked).toHaveLength(1);
    expect(await faultOf(() => server.take(user))).toBe('MCP_SERVER_BACKING_OFF');
    expect(launcher.asked).toHaveLength(1);
  });
});

describe('a server that failed', () => {
  test('starts again when the back-off has passed', async () => {
    const { server, launcher, clock } = worldOf();
    const first = faultOf(() => server.take(userOf()));
    launcher.fail();
    await first;
    expect(server.lastFailure).toBe('it does not run');
    clock.now += 2_000;
    const second = server.take(userOf());
    launcher.succeed();
    expect((await second).inFlight).toBe(1);
    expect(server.lastFailure).toBeUndefined();
  });

  test('by a crash is replaced at the next call', async () => {
    const { server, launcher } = worldOf({}, { hello: {} });
    const first = await server.take(userOf());
    first.end(0, true);
    launcher.connections[0]?.crash();
    const second = await server.take(userOf());
    expect(second).not.toBe(first);
    expect(launcher.alive).toHaveLength(1);
  });

  test('by a second crash before it ever answered waits', async () => {
    const { server, launcher } = worldOf({}, { hello: {} });
    for (const connection of [0, 1]) {
      (await server.take(userOf())).end(0, false);
      launcher.connections[connection]?.crash();
    }
    expect(await faultOf(() => server.take(userOf()))).toBe('MCP_SERVER_BACKING_OFF');
  });

  test('in the moment in which it was ready is not used, and not kept', async () => {
    const { server, launcher, clock } = worldOf();
    const take = faultOf(() => server.take(userOf()));
    launcher.succeed().crash();
    expect(await take).toBe('MCP_SERVER_START_FAILED');
    clock.now += 60_000;
    const again = server.take(userOf());
    launcher.succeed();
    expect((await again).isGone).toBe(false);
  });

  test('and that cannot run says so without a start', async () => {
    const launch = { kind: 'inactive', mode: 'docker', reason: 'no containers here' } as const;
    const { server, launcher } = worldOf({ launch }, { hello: {} });
    expect(await faultOf(() => server.take(userOf()))).toBe('MCP_SERVER_INACTIVE');
    expect(server.lastFailure).toBe('no containers here');
    expect(launcher.asked).toHaveLength(0);
  });
});

describe('what a child is told', () => {
  test('is nothing where it is shared, and exactly what its client declares where it is leased', async () => {
    const { server, launcher } = worldOf({}, { hello: {} });
    await server.take(userOf(undefined, { capabilities: { experimental: {} } }));
    await server.take(askingUser());
    expect(launcher.asked.map(({ era, capabilities }) => ({ era, capabilities }))).toEqual([
      { era: 'legacy', capabilities: {} },
      { era: 'legacy', capabilities: { roots: {} } },
    ]);
  });

  test('is who its client is only where it is the client’s own', async () => {
    const clientInfo = { name: 'c' };
    for (const sharing of ['auto', 'session'] as const) {
      const { server, launcher } = worldOf({ sharing }, { hello: {} });
      await server.take({ ...userOf(), clientInfo });
      expect(launcher.asked[0]?.clientInfo).toEqual(sharing === 'session' ? clientInfo : undefined);
    }
  });
});

describe('the era of a server', () => {
  const modern = (): ServerUser => userOf(undefined, { era: 'modern' });

  test('is asked for once, when a modern client comes first', async () => {
    const { server, launcher } = worldOf({}, { hello: { era: 'modern' } });
    expect(server.catalogKeyFor(modern().asker)).toBeUndefined();
    await server.take(modern());
    expect(launcher.asked.map(({ era }) => era)).toEqual(['unknown']);
    expect([server.eraFor('modern'), server.seatKindFor(modern().asker)]).toEqual([
      'modern',
      'shared',
    ]);
  });

  test('that turns out to be legacy serves modern clients with the shared legacy child', async () => {
    const { server, launcher } = worldOf({}, { hello: { era: 'legacy' } });
    const child = await server.take(modern());
    expect(await server.take(userOf())).toBe(child);
    expect(server.eraFor('modern')).toBe('legacy');
    expect(launcher.connections).toHaveLength(1);
  });

  test('that turns out to be modern serves legacy clients with the shared modern child', async () => {
    const { server, launcher } = worldOf({}, { hello: { era: 'modern' } });
    const child = await server.take(userOf());
    expect(server.eraFor('legacy')).toBe('modern');
    expect(await server.take(modern())).toBe(child);
    expect(launcher.connections).toHaveLength(1);
  });

  test('is learnt without a second shared child where one runs already', async () => {
    const { server, launcher } = worldOf({}, { hello: { era: 'legacy' } });
    const first = await server.take(userOf());
    const second = await server.take(modern());
    expect(second).toBe(first);
    expect(launcher.alive).toHaveLength(1);
  });

  test('is learnt with a child that is ended where every session has its own', async () => {
    const { server, launcher } = worldOf({ sharing: 'session' }, { hello: { era: 'legacy' } });
    const child = await server.take(modern());
    expect(child.seat.kind).toBe('own');
    expect(launcher.alive).toHaveLength(1);
  });
});

describe('an idle child', () => {
  afterEach(() => vi.useRealTimers());

  test('is stopped after its time, and never with a call, a question or a subscription', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server, launcher, clock } = worldOf({ idleTtlMs: 1_000 }, { hello: {} });
    const pass = async (ms: number): Promise<void> => {
      clock.now += ms;
      await vi.advanceTimersByTimeAsync(ms);
    };
    const child = await server.take(userOf());
    for (const hold of ['call', 'question', 'subscription'] as const) {
      if (hold === 'question') child.asking += 1;
      if (hold === 'subscription') child.pins += 1;
      await pass(10_000);
      expect(launcher.alive).toHaveLength(1);
      if (hold === 'call') child.end(clock.now, true);
      if (hold === 'question') child.asked();
      if (hold === 'subscription') child.pins -= 1;
    }
    child.begin(new Listener());
    child.end(clock.now, true);
    await pass(999);
    expect(launcher.alive).toHaveLength(1);
    await pass(1_001);
    expect(launcher.alive).toHaveLength(0);
    expect(launcher.connections[0]?.closed).toEqual(['idle']);
  });

  test('is kept for ever where the time is 0', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server, launcher } = worldOf({ idleTtlMs: 0 }, { hello: {} });
    (await server.take(userOf())).end(0, true);
    await vi.advanceTimersByTimeAsync(10 ** 9);
    expect(launcher.alive).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ['stays where its end is seen', true, []],
    ['is nobody’s to keep where many may be behind it', false, ['idle']],
  ])('that belongs to a principal %s', async (_what, isOneClient, closed) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const spec = { sharing: 'session', idleTtlMs: 1_000, era: 'legacy' } as const;
    const { server, launcher, clock } = worldOf(spec, { hello: {} });
    const user = userOf(undefined, { era: 'modern', isOneClient });
    const child = await server.take(user);
    child.end(clock.now, true);
    clock.now += 5_000;
    vi.advanceTimersByTime(5_000);
    expect(launcher.connections[0]?.closed).toEqual(closed);
  });

  test('that crashed leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server, launcher, clock } = worldOf({ idleTtlMs: 1_000 }, { hello: {} });
    const child = await server.take(userOf());
    launcher.connections[0]?.crash();
    child.end(clock.now, false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('closing', () => {
  test.each([
    ['a shared child', 'auto', userOf()],
    ['a leased child', 'auto', askingUser()],
    ['a child of a session', 'session', userOf()],
    ['a child that is asked for its era', 'auto', userOf(undefined, { era: 'modern' })],
  ] as const)('while %s starts leaves nothing', async (_what, sharing, user) => {
    for (const ignoresAbort of [false, true]) {
      const { server, launcher } = worldOf({ sharing });
      launcher.ignoresAbort = ignoresAbort;
      const take = faultOf(() => server.take(user));
      const closed = server.close();
      if (ignoresAbort) setImmediate(() => launcher.succeed());
      await closed;
      expect([launcher.starting.length, launcher.alive.length]).toEqual([0, 0]);
      expect(await take).not.toBe('none');
    }
  });

  test('ends every child, tells whoever waits, and starts nothing after', async () => {
    const { server, launcher } = worldOf({ leasedChildrenMax: 1 }, { hello: {} });
    await server.take(userOf());
    await server.take(askingUser());
    const waiting = faultOf(() => server.take(askingUser()));
    await server.close();
    expect(await waiting).toBe('GATEWAY_STOPPING');
    expect(launcher.alive).toHaveLength(0);
    expect(await faultOf(() => server.take(askingUser()))).toBe('GATEWAY_STOPPING');
    expect(await faultOf(() => server.take(userOf()))).toBe('GATEWAY_STOPPING');
    await settled();
    expect(launcher.asked).toHaveLength(2);
    expect(server.running).toEqual([]);
  });
});

describe('children of sessions', () => {
  test('are as many as there may be, and none is ended to make room', async () => {
    const { server, launcher } = worldOf(
      { sharing: 'session', sessionChildrenMax: 2 },
      { hello: {} },
    );
    const users = ['a', 'b', 'c'].map((owner) => userOf(new Listener(), { owner }));
    const [a, b, c] = users as [ServerUser, ServerUser, ServerUser];
    for (const user of [a, b]) (await server.take(user)).end(1, true);
    expect(await faultOf(() => server.take(c))).toBe('GATEWAY_BUSY');
    expect((await server.take(b)).inFlight).toBe(1);
    server.release(a.owner);
    expect(await faultOf(() => server.take(c))).toBe('none');
    expect(launcher.alive).toHaveLength(2);
  });
});

describe('a session that ends', () => {
  test('takes its own child with it', async () => {
    const { server, launcher } = worldOf({ sharing: 'session' }, { hello: {} });
    const gone = userOf(new Listener(), { owner: 'gone' });
    const stays = userOf(new Listener(), { owner: 'stays' });
    await server.take(gone);
    const kept = await server.take(stays);
    server.release(gone.owner);
    expect(server.running).toEqual([kept]);
    expect(launcher.alive).toHaveLength(1);
  });

  test('takes its own child with it that is still starting', async () => {
    const { server, launcher } = worldOf({ sharing: 'session' });
    const user = userOf();
    const take = faultOf(() => server.take(user));
    server.release(user.owner);
    launcher.succeed();
    await take;
    await settled();
    expect(launcher.alive).toHaveLength(0);
  });
});
