/** A group over scripted servers: who is chosen, and what counts against whom. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { groupSpecOf } from '../../../test-kit/group-spec.ts';
import { SILENT, type Behaviour } from '../../../test-kit/scripted-launcher.ts';
import { Listener, userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import { NO_HISTORY } from '../../domain/group/history.ts';
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { DomainEvent } from '../ports.ts';
import type { Child } from '../servers/child.ts';
import { Groups } from './groups.ts';
import type { ServerGroup } from './server-group.ts';

type SpecPart = Partial<Omit<GroupSpec, 'id' | 'members'>> & {
  readonly priorities?: readonly number[];
};

/** A group of as many servers as there are `hello`s; one without cannot be started. */
class GroupWorld {
  readonly worlds: readonly World[];
  readonly groups: Groups;
  readonly events: DomainEvent[] = [];
  readonly clock: World['clock'];

  constructor(starts: readonly boolean[], part: SpecPart = {}) {
    const ids = starts.map((_, index) => `m${index}`);
    this.worlds = ids.map((id, index) =>
      worldOf({ id }, starts[index] === true ? { hello: { behaviour: ALIVE } } : {}),
    );
    this.clock = this.worlds[0]?.clock ?? { now: 0, nowMs: () => 0 };
    this.groups = new Groups([this.spec(part)], this.servers, {
      clock: this.clock,
      logger: SILENT,
      random: () => 0.5,
      events: { record: (_stream, event) => void this.events.push(event) },
      past: new Map(),
      startConcurrency: 2,
      modernMeta: {},
    });
  }

  spec({ priorities, ...part }: SpecPart = {}): GroupSpec {
    const members = this.worlds.map(({ server }, index) => ({
      id: server.spec.id,
      priority: priorities?.[index] ?? 1,
    }));
    return groupSpecOf({ members, autoStart: false, ...part });
  }

  get servers(): World['server'][] {
    return this.worlds.map(({ server }) => server);
  }

  get group(): ServerGroup {
    const [group] = this.groups.all;
    if (group === undefined) throw new Error('there is no group');
    return group;
  }

  get types(): readonly string[] {
    return this.events.map(({ type }) => type);
  }

  /** The member that serves one call of a client. */
  async serve(client = 'session', outcome: 'answered' | 'failed' = 'answered'): Promise<string> {
    const child = await this.take(client);
    child.report({ outcome, beganAtMs: this.clock.now, reason: 'it broke' });
    child.end(this.clock.now, outcome === 'answered');
    this.clock.now += 1;
    return child.mcpServerId;
  }

  async take(client = 'session'): Promise<Child> {
    return this.group.take(userOf(new Listener(), { owner: client }));
  }

  async serveMany(times: number, client?: string): Promise<readonly string[]> {
    const served: string[] = [];
    for (let call = 0; call < times; call += 1) served.push(await this.serve(client));
    return served;
  }
}

const ALIVE: Behaviour = () => ({ result: {} });
const worlds: GroupWorld[] = [];
const newWorld = (starts: readonly boolean[], part?: SpecPart): GroupWorld => {
  const world = new GroupWorld(starts, part);
  worlds.push(world);
  return world;
};
afterEach(() => {
  for (const { groups } of worlds.splice(0)) groups.close();
  vi.useRealTimers();
});

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Fault ? error.code : error),
  );

describe('A group', () => {
  it('starts cold members as they are chosen', async () => {
    const world = newWorld([true, true]);
    expect(await world.serveMany(4)).toEqual(['m0', 'm1', 'm0', 'm1']);
    expect(world.types).toEqual([
      'GroupCreated',
      'GroupMemberAdded',
      'GroupMemberAdded',
      'GroupStateChanged',
    ]);
  });

  it('goes on with another member where one cannot be started, and its client does not notice', async () => {
    const world = newWorld([false, true], { strategy: 'priority', priorities: [1, 2] });
    const [broken] = world.worlds;
    if (broken !== undefined) broken.launcher.failure = 'it cannot be started';
    const child = await world.take();
    expect(child.mcpServerId).toBe('m1');
    expect(world.group.facts.map((member) => member.consecutiveFailures)).toEqual([1, 0]);
    child.end(world.clock.now, true);
  });

  it('leaves out a member that has failed calls, and tells why', async () => {
    const world = newWorld([true, true]);
    await world.serveMany(2);
    for (let call = 0; call < 4; call += 1)
      await world.serve('session', call % 2 === 0 ? 'failed' : 'answered');
    expect(world.group.facts.map(({ inRotation }) => inRotation)).toEqual([false, true]);
    expect(await world.serveMany(3)).toEqual(['m1', 'm1', 'm1']);
    expect(world.events.at(-1)).toMatchObject({
      type: 'GroupMemberHealthChanged',
      data: { group_id: 'pool', member_id: 'm0', in_rotation: false, reason: 'it broke' },
    });
  });

  it('counts failures once that happened side by side', async () => {
    const world = newWorld([true]);
    await world.serve();
    const beganAtMs = world.clock.now;
    world.clock.now += 500;
    const child = await world.take();
    for (let call = 0; call < 20; call += 1)
      child.report({ outcome: 'failed', beganAtMs, reason: 'it broke' });
    expect(world.group.facts[0]).toMatchObject({ inRotation: true, consecutiveFailures: 1 });
  });

  it('counts what the gateway ends itself against nobody', async () => {
    const world = newWorld([true, true], {
      health: { unhealthyThreshold: 1, healthyThreshold: 1 },
    });
    await world.serveMany(2);
    for (const server of world.servers) await server.stop('user_request');
    const child = await world.take();
    child.report({ outcome: 'given-up', beganAtMs: world.clock.now, reason: 'cancelled' });
    child.end(world.clock.now, false);
    expect(world.group.facts.map(({ inRotation }) => inRotation)).toEqual([true, true]);
    expect(world.types).not.toContain('GroupMemberHealthChanged');
  });

  it('refuses with what is wrong where no member can be called', async () => {
    const world = newWorld([true], {
      health: { unhealthyThreshold: 1, healthyThreshold: 1 },
      breaker: { failureThreshold: 1, resetTimeoutMs: 5_000 },
    });
    await world.serve('session', 'failed');
    expect(world.group.state).toBe('degraded');
    expect(await codeOf(world.take())).toBe('GROUP_NOT_AVAILABLE');
    world.clock.now += 5_000;
    expect(await world.serve()).toBe('m0');
    expect(world.group.state).toBe('healthy');
  });
});

describe('Who is chosen', () => {
  it('is the canary for the tenants that are pinned to it, as long as it is in rotation', async () => {
    const pinnedTenants = new Map([['acme', 'm1']]);
    const canary = { member: 'm1', splitPercent: 0, pinnedTenants };
    const world = newWorld([true, true], { canary });
    expect(new Set(await world.serveMany(4, 'acme'))).toEqual(new Set(['m1']));
    for (let call = 0; call < 2; call += 1) await world.serve('acme', 'failed');
    expect(await world.serveMany(2, 'acme')).toEqual(['m0', 'm0']);
  });

  it('stays the same for a client, until that member has left', async () => {
    const affinity = { by: 'session', header: undefined, ttlMs: 60_000 } as const;
    const world = newWorld([true, true], { affinity });
    const [first] = await world.serveMany(1, 'a');
    expect(new Set(await world.serveMany(5, 'a'))).toEqual(new Set([first]));
    expect(await world.serve('b')).not.toBe(first);
    for (let call = 0; call < 2; call += 1) await world.serve('a', 'failed');
    expect(await world.serve('a')).not.toBe(first);
  });

  it('stays the same for the value of a header, however long that is', async () => {
    const affinity = { by: 'header', header: 'x-team', ttlMs: 60_000 } as const;
    const world = newWorld([true, true], { affinity });
    const serve = async (team: string): Promise<string> => {
      const header = (name: string): string | undefined => (name === 'x-team' ? team : undefined);
      const child = await world.group.take(userOf(new Listener()), undefined, { header });
      child.end(world.clock.now, true);
      return child.mcpServerId;
    };
    const long = 'x'.repeat(10_000);
    const [red, blue] = [await serve(`${long}red`), await serve(`${long}blue`)];
    expect(red).not.toBe(blue);
    expect([await serve(`${long}red`), await serve(`${long}red`)]).toEqual([red, red]);
    expect(await serve(`${long}blue`)).toBe(blue);
  });
});

describe('A member that has left', () => {
  it('is back after as many attempts as are wanted, a start and its check being one', async () => {
    vi.useFakeTimers();
    const health = { unhealthyThreshold: 1, healthyThreshold: 2 };
    const world = newWorld([true], { autoStart: true, health });
    await world.serve('session', 'failed');
    for (const server of world.servers) await server.stop('user_request');
    await vi.advanceTimersByTimeAsync(1_000);
    const left = { inRotation: false, consecutiveSuccesses: 1 };
    expect(world.group.facts).toMatchObject([{ server: { isRunning: true }, ...left }]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.group.facts).toMatchObject([{ inRotation: true }]);
  });
});

describe('Another configuration', () => {
  it('leaves a group that is the same as it is, and its members', async () => {
    const world = newWorld([true, true]);
    const { group } = world;
    world.groups.follow([world.spec()], world.servers);
    expect(world.group).toBe(group);
  });

  it('keeps what is known of members by their ids', async () => {
    const world = newWorld([true, true], {
      health: { unhealthyThreshold: 1, healthyThreshold: 1 },
    });
    await world.serve('session', 'failed');
    world.groups.follow([world.spec({ strategy: 'least_connections' })], world.servers);
    expect(world.group.facts.map(({ inRotation }) => inRotation)).toEqual([false, true]);
    expect(world.types.slice(-1)).toEqual(['GroupUpdated']);
    // The group that went hears nothing any more.
    expect(world.servers.map(({ observers }) => observers.size)).toEqual([1, 1]);
  });

  it('takes in a member that is switched on', () => {
    const world = newWorld([true, true]);
    const [, second] = world.servers;
    world.groups.follow([world.spec()], second === undefined ? [] : [second]);
    expect(world.group.members).toEqual([second]);
    world.groups.follow([world.spec()], world.servers);
    expect(world.group.members).toEqual(world.servers);
  });

  it('leaves clients with their members where another strategy is wanted', async () => {
    const affinity = { by: 'principal', header: undefined, ttlMs: 60_000 } as const;
    const world = newWorld([true, true], { affinity });
    await world.serve('first');
    const served = await world.serve('second');
    world.groups.follow([world.spec({ affinity, strategy: 'priority' })], world.servers);
    expect(await world.serve('second')).toBe(served);
  });

  it('knows of a group that comes again that it was gone', () => {
    const world = newWorld([true]);
    world.groups.follow([], world.servers);
    world.groups.follow([world.spec()], world.servers);
    expect(world.types.filter((type) => type === 'GroupCreated')).toHaveLength(2);
    expect(world.types).not.toContain('GroupUpdated');
  });

  it('starts members that come once it has begun', async () => {
    const world = newWorld([true, true], { autoStart: true });
    const [first] = world.servers;
    world.groups.follow([world.spec({ autoStart: true })], first === undefined ? [] : [first]);
    world.groups.resume();
    expect(world.servers.map(({ phase }) => phase)).toEqual(['cold', 'cold']);
    world.groups.begin();
    await vi.waitFor(() => expect(first?.isRunning).toBe(true));
    await first?.stop('user_request');
    world.groups.follow([world.spec({ autoStart: true })], world.servers);
    world.groups.resume();
    await vi.waitFor(() =>
      expect(world.servers.map(({ isRunning }) => isRunning)).toEqual([false, true]),
    );
  });

  it('ends a group that it does not have, and not its servers', async () => {
    const world = newWorld([true, true]);
    await world.serveMany(2);
    world.groups.follow([], world.servers);
    expect(world.groups.all).toEqual([]);
    expect(world.types.at(-1)).toBe('GroupDeleted');
    expect(world.servers.map(({ isRunning }) => isRunning)).toEqual([true, true]);
  });
});

describe('What is pending', () => {
  it('is the next try of a member that is out, and of an open circuit', async () => {
    const breaker = { failureThreshold: 2, resetTimeoutMs: 60_000 };
    const world = newWorld([true], { autoStart: true, breaker });
    expect(world.groups.pending()).toEqual([]);
    await world.serve('session', 'failed');
    await world.serve('session', 'failed');
    const step = { process: 'rebalance', status: 'waiting' };
    expect(world.groups.pending()).toMatchObject([
      { ...step, subject: 'm0', reason: 'it is out of group "pool": it broke' },
      { ...step, subject: 'pool', dueAtMs: world.clock.now - 1 + 60_000 },
    ]);
    world.group.rebalance();
    expect(world.groups.pending()).toEqual([]);
  });
});

describe('A group that was taken out while no gateway ran', () => {
  it('is told to be gone, once', () => {
    const events: DomainEvent[] = [];
    const past = new Map([['old', { ...NO_HISTORY, strategy: 'random' }]]);
    const { clock } = newWorld([]);
    const groups = new Groups([], [], {
      clock,
      logger: SILENT,
      random: () => 0.5,
      events: { record: (_stream, event) => void events.push(event) },
      past,
      startConcurrency: 1,
      modernMeta: {},
    });
    groups.begin();
    groups.begin();
    expect(events).toEqual([{ type: 'GroupDeleted', data: { group_id: 'old' } }]);
  });
});

describe('With auto_start', () => {
  it('a server that is in no group is started, and no other', async () => {
    const alone = worldOf({ id: 'alone', autoStart: true }, { hello: {} });
    const other = worldOf({ id: 'other' }, { hello: {} });
    const world = newWorld([]);
    world.groups.follow([], [alone.server, other.server]);
    world.groups.begin();
    await vi.waitFor(() => expect(alone.server.isRunning).toBe(true));
    expect(other.server.phase).toBe('cold');
  });

  it('every member is started in the background', async () => {
    const world = newWorld([true, true], { autoStart: true });
    world.groups.begin();
    await vi.waitFor(() =>
      expect(world.servers.map(({ isRunning }) => isRunning)).toEqual([true, true]),
    );
  });
});
