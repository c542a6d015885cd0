import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { failureOf, settled, type ScriptedLauncher } from '../../../test-kit/scripted-launcher.ts';
import {
  askingUser,
  Listener,
  userOf,
  worldOf,
  type World,
} from '../../../test-kit/server-world.ts';
import { routingOf } from '../calls/ask.ts';
import type { Child, Owner } from './child.ts';
import type { ServerUser } from './mcp-server.ts';

const MAX = 2;
const CLIENTS = 5;

interface Work {
  readonly user: ServerUser;
  child: Child | undefined;
  outcome: 'waiting' | 'working' | 'over' | 'refused';
}

/** Clients that come and go over one pool, and what must hold at every moment. */
class Crowd {
  readonly world: World = worldOf({ leasedChildrenMax: MAX });
  readonly works: Work[] = [];
  readonly #wrongs: string[] = [];
  /** For whom a legacy child worked first: it is that client's for good. */
  readonly #firstOwners = new Map<Child, Owner>();
  readonly #users: (ServerUser | undefined)[] = [];

  user(index: number): ServerUser {
    const client = index % CLIENTS;
    // The last is modern and wants logs: for each call it is somebody else.
    if (client === CLIENTS - 1)
      return userOf(new Listener(), { era: 'modern', wantsLogs: true, capabilities: {} });
    const capabilities = client === 0 ? { sampling: {} } : { roots: {} };
    const user = this.#users[client] ?? userOf(new Listener(), { capabilities });
    this.#users[client] = user;
    return user;
  }

  take(index: number): void {
    const user = this.user(index);
    const work: Work = { user, child: undefined, outcome: 'waiting' };
    this.works.push(work);
    const begins = (child: Child): void => {
      work.child = child;
      work.outcome = 'working';
      const first = this.#firstOwners.get(child) ?? user.owner;
      if (first !== user.owner) this.#wrongs.push('lent to another client');
      if (child.seat.era === 'legacy') this.#firstOwners.set(child, user.owner);
      if (child.inFlight === 0) this.#wrongs.push('lent without work');
    };
    try {
      const child = this.world.server.take(user);
      if (child instanceof Promise)
        child.then(begins, () => {
          work.outcome = 'refused';
        });
      else begins(child);
    } catch {
      work.outcome = 'refused';
    }
  }

  get working(): readonly Work[] {
    return this.works.filter(({ outcome }) => outcome === 'working');
  }

  end(work: Work | undefined, answered: boolean): void {
    if (work === undefined) return;
    work.outcome = 'over';
    work.child?.end(this.world.clock.now, answered);
  }

  /** Its child asks for the roots: from now on it knows this client. */
  ask(work: Work | undefined): void {
    const connection = this.world.launcher.connections.find(
      ({ pid }) => pid === work?.child?.connection.pid,
    );
    if (work?.child === undefined || connection?.isAlive !== true) return;
    connection.says({ id: 1, method: 'roots/list' });
  }

  answerQuestions(): void {
    for (const child of this.world.server.running) while (child.asking > 0) child.asked();
  }

  /** A session ends: first its calls, then what it holds. */
  leave(index: number): void {
    const user = this.#users[index % CLIENTS];
    if (user === undefined) return;
    this.#users[index % CLIENTS] = undefined;
    for (const work of this.working) if (work.user === user) this.end(work, false);
    for (const child of this.world.server.childrenOf(user.owner))
      while (child.asking > 0) child.asked();
    this.world.server.release(user.owner);
  }

  /** What is wrong at this moment; nothing, ever. */
  get wrongs(): readonly string[] {
    const { launcher, server } = this.world;
    const wrongs = [...this.#wrongs];
    const leased = server.running.filter(({ seat }) => seat.kind === 'leased');
    const probing = launcher.starting.filter(({ options }) => options.era === 'unknown').length;
    const alive = leased.length + launcher.starting.length - probing;
    if (alive > MAX) wrongs.push(`${alive} children`);
    for (const child of leased) {
      const works = this.working.filter((work) => work.child === child);
      const [owner, ...others] = new Set(works.map(({ user }) => user.owner));
      if (others.length > 0) wrongs.push('two owners at once');
      if (owner !== undefined && child.owner !== owner) wrongs.push('owned by somebody else');
    }
    return wrongs;
  }
}

type Step = readonly [name: keyof typeof STEPS, index: number];

const STEPS = {
  take: (crowd: Crowd, index: number) => crowd.take(index),
  takeToo: (crowd: Crowd, index: number) => crowd.take(index),
  answer: (crowd: Crowd, index: number) => crowd.end(pick(crowd.working, index), true),
  answerToo: (crowd: Crowd, index: number) => crowd.end(pick(crowd.working, index), true),
  giveUp: (crowd: Crowd, index: number) => crowd.end(pick(crowd.working, index), false),
  ask: (crowd: Crowd, index: number) => crowd.ask(pick(crowd.working, index)),
  askAndAnswer: (crowd: Crowd, index: number) => {
    crowd.ask(pick(crowd.working, index));
    crowd.answerQuestions();
  },
  answerQuestions: (crowd: Crowd) => crowd.answerQuestions(),
  leave: (crowd: Crowd, index: number) => crowd.leave(index),
  crash: ({ world }: Crowd, index: number) => pick(world.launcher.alive, index)?.crash(),
  succeed: ({ world }: Crowd, index: number) => succeed(world.launcher, index),
  succeedToo: ({ world }: Crowd, index: number) => succeed(world.launcher, index),
  fail: ({ world }: Crowd) => world.launcher.starting.length > 0 && world.launcher.fail(),
  wait: ({ world }: Crowd) => (world.clock.now += 10_000),
} as const;

const pick = <T>(items: readonly T[], index: number): T | undefined => items[index % items.length];

/** Servers of this crowd speak both eras. */
function succeed(launcher: ScriptedLauncher, index: number): void {
  const era = launcher.starting[0]?.options.era;
  if (era === undefined) return;
  const connection = launcher.succeed({ era: era === 'legacy' ? 'legacy' : 'modern' });
  if (index % 10 === 9) connection.crash('at once');
}

const anyStep: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
  fc.nat({ max: 59 }),
);
/** Steps of one turn run before anything that they made ready goes on. */
const anyTurns = fc.array(fc.array(anyStep, { minLength: 1, maxLength: 4 }), { maxLength: 25 });

describe('a pool of leased children', () => {
  test('never gives a child to two owners, keeps its bound and forgets nobody', async () => {
    await fc.assert(
      fc.asyncProperty(anyTurns, async (turns) => {
        const crowd = new Crowd();
        for (const turn of turns) {
          for (const [name, index] of turn) STEPS[name](crowd, index);
          expect(crowd.wrongs).toEqual([]);
          await settled();
          expect(crowd.wrongs).toEqual([]);
        }
        await drain(crowd);
        expect(crowd.wrongs).toEqual([]);
        expect(crowd.works.filter(({ outcome }) => outcome === 'waiting')).toEqual([]);
        await crowd.world.server.close();
        expect(crowd.world.launcher.alive).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  /** Everything that anybody waits for happens: then nobody may wait any more. */
  async function drain(crowd: Crowd): Promise<void> {
    for (let round = 0; round <= crowd.works.length; round += 1) {
      crowd.world.clock.now += 100_000;
      while (crowd.world.launcher.starting.length > 0) succeed(crowd.world.launcher, 0);
      crowd.answerQuestions();
      for (const work of crowd.working) crowd.end(work, true);
      await settled();
    }
  }
});

describe('the choice of a child', () => {
  const modern = (): ServerUser => userOf(new Listener(), { era: 'modern', wantsLogs: true });
  const of = (work: Child | Promise<Child>): Promise<Child> => Promise.resolve(work);

  test('falls first on the one that the owner holds, even while it works', async () => {
    const { server, launcher } = worldOf({}, { hello: {} });
    const user = askingUser();
    const first = await server.take(user);
    expect(await server.take(user)).toBe(first);
    first.end(1, true);
    first.end(1, true);
    expect(await server.take(user)).toBe(first);
    expect(launcher.connections).toHaveLength(1);
  });

  test('then on one that has worked for nobody yet', async () => {
    const { server, launcher } = worldOf();
    const work = new AbortController();
    const given = failureOf(Promise.resolve(server.take(askingUser(), work)));
    work.abort();
    expect(await given).toMatchObject({ code: 'UPSTREAM_ENDED' });
    launcher.succeed();
    await settled();
    expect(await server.take(askingUser())).toBe(server.running[0]);
    expect(launcher.asked).toHaveLength(1);
  });

  test('then on a new one: what has worked for somebody may still mean that client', async () => {
    const { server, launcher } = worldOf({}, { hello: {} });
    const first = await server.take(askingUser());
    first.end(1, true);
    expect(await server.take(askingUser())).not.toBe(first);
    expect(launcher.alive).toHaveLength(2);
  });

  test('never falls on one that was told something else', async () => {
    const { server } = worldOf({}, { hello: {} });
    const first = await server.take(askingUser());
    first.end(1, true);
    const other = userOf(new Listener(), { capabilities: { sampling: {} } });
    expect(await server.take(other)).not.toBe(first);
  });

  test('ends the one that has rested longest where there is no room', async () => {
    const { server, launcher } = worldOf({ leasedChildrenMax: 2 }, { hello: {} });
    for (const restedAtMs of [20, 10]) {
      const child = await server.take(askingUser());
      child.end(restedAtMs, true);
    }
    await server.take(askingUser());
    expect(launcher.connections.map(({ closed }) => closed)).toEqual([[], ['lease'], []]);
  });

  test('leaves one with a question or a subscription alone', async () => {
    const { server, launcher } = worldOf({ leasedChildrenMax: 2 }, { hello: {} });
    const asks = await server.take(askingUser());
    asks.asking += 1;
    asks.end(1, true);
    const tells = await server.take(askingUser());
    tells.bound = true;
    tells.pins += 1;
    tells.end(1, true);
    const waits = of(server.take(askingUser()));
    await settled();
    expect(launcher.alive).toHaveLength(2);
    asks.asked(); // the answer came: it may be ended
    expect((await waits).isGone).toBe(false);
    expect(launcher.connections.map(({ closed }) => closed)).toEqual([['lease'], [], []]);
  });

  test('goes on for all who wait when one start fails', async () => {
    const { server, launcher } = worldOf({ leasedChildrenMax: 1 });
    const outcomes = [askingUser(), askingUser()].map((user) =>
      of(server.take(user)).then(
        () => 'child',
        (error: Error) => error.message,
      ),
    );
    launcher.fail('no such file');
    expect(await Promise.all(outcomes)).toEqual([
      'no such file',
      expect.stringContaining('no such file'),
    ]);
  });

  test('does not fall on a child that is just ending', async () => {
    const { server, launcher } = worldOf({ leasedChildrenMax: 1 }, { hello: {} });
    const first = await server.take(askingUser());
    const waits = of(server.take(askingUser()));
    // A crash is told to calls first: each call ends, and the child rests for a moment.
    first.connection.send({
      parts: ['{"id":', '}'],
      routing: routingOf('x'),
      answered: () => undefined,
      notified: () => undefined,
      lost: () => first.end(1, false),
    });
    launcher.connections[0]?.crash();
    expect((await waits).isGone).toBe(false);
  });

  test('is another one for each call of modern clients that want logs', async () => {
    const { server } = worldOf({}, { hello: { era: 'modern' } });
    const [first, second] = [await of(server.take(modern())), await of(server.take(modern()))];
    expect(first).not.toBe(second);
    first.end(1, true);
    expect(await of(server.take(modern()))).toBe(first);
  });
});

describe('waiting for a child', () => {
  afterEach(() => vi.useRealTimers());

  test('ends after its time with what an operator can change', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { server } = worldOf({ leasedChildrenMax: 1 }, { hello: {}, leaseWaitMs: 500 });
    const child = await server.take(askingUser());
    const late = failureOf(Promise.resolve(server.take(askingUser())));
    await vi.advanceTimersByTimeAsync(500);
    expect(await late).toMatchObject({
      code: 'LEASE_TIMED_OUT',
      message: 'all 1 children of the server were busy for 500 ms (leased_children_max)',
    });
    const next = server.take(askingUser());
    child.end(1, true);
    expect((await next).isGone).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends with the session that waits, which leaves its place to others', async () => {
    const { server } = worldOf({ leasedChildrenMax: 1 }, { hello: {} });
    const child = await server.take(askingUser());
    const gone = askingUser();
    const waits = [gone, askingUser()].map((user) => Promise.resolve(server.take(user)));
    const refused = failureOf(Promise.race(waits));
    server.release(gone.owner);
    expect(await refused).toMatchObject({ code: 'UPSTREAM_ENDED' });
    child.end(1, true);
    expect((await waits[1])?.inFlight).toBe(1);
  });

  test('ends with the call that waits', async () => {
    const { server } = worldOf({ leasedChildrenMax: 1 }, { hello: {} });
    const child = await server.take(askingUser());
    const work = new AbortController();
    const waits = Promise.resolve(server.take(askingUser(), work));
    const refused = failureOf(waits);
    work.abort();
    expect(await refused).toMatchObject({ code: 'UPSTREAM_ENDED' });
    child.end(1, true);
    await settled();
    expect([child.inFlight, child.isGone]).toEqual([0, false]);
  });

  test('is over at once for two where two children become free at once', async () => {
    const { server } = worldOf({ leasedChildrenMax: 2 }, { hello: {} });
    const children = [await server.take(askingUser()), await server.take(askingUser())];
    const waits = [askingUser(), askingUser()].map((user) => Promise.resolve(server.take(user)));
    for (const child of children) child.end(1, true);
    const served = await Promise.all(waits);
    expect(served.map(({ inFlight, isGone }) => [inFlight, isGone])).toEqual([
      [1, false],
      [1, false],
    ]);
  });
});
