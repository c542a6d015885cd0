import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupEvent } from './events.ts';
import { evolveGroup, NO_HISTORY, type GroupHistory } from './history.ts';
import { Rotation } from './rotation.ts';

const RESET_MS = 60_000;

interface Scene {
  readonly members: number;
  readonly minHealthy: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly failureThreshold: number;
}
const SCENE: Scene = {
  members: 2,
  minHealthy: 1,
  unhealthyThreshold: 2,
  healthyThreshold: 1,
  failureThreshold: 10,
};

/** A rotation, and what the log knows of it. */
class World {
  readonly #scene: Partial<Scene>;
  readonly ids: readonly string[];
  readonly rotation: Rotation;
  readonly events: GroupEvent[] = [];
  history: GroupHistory;
  nowMs = 1_000_000;

  constructor(part: Partial<Scene> = {}, past: GroupHistory = NO_HISTORY) {
    const scene = { ...SCENE, ...part };
    this.#scene = part;
    this.ids = Array.from({ length: scene.members }, (_, index) => `m${index}`);
    this.history = past;
    this.rotation = new Rotation(
      {
        id: 'g' as never,
        members: this.ids.map((id) => ({ id })),
        minHealthy: scene.minHealthy,
        health: scene,
        breaker: { failureThreshold: scene.failureThreshold, resetTimeoutMs: RESET_MS },
      },
      past,
    );
    this.tell(this.rotation.begin());
  }

  /** As the next gateway has it, which knows only what the log does. */
  restarted(): World {
    const next = new World(this.#scene, this.history);
    next.nowMs = this.nowMs;
    return next;
  }

  tell(events: readonly GroupEvent[]): readonly string[] {
    this.events.push(...events);
    this.history = events.reduce(evolveGroup, this.history);
    return events.map(({ type }) => type);
  }

  fail(id = 'm0', times = 1): readonly string[] {
    return Array.from({ length: times }, () =>
      this.tell(this.rotation.failed(id, 'it broke', this.nowMs)),
    ).flat();
  }

  succeed(id = 'm0'): readonly string[] {
    return this.tell(this.rotation.succeeded(id, this.nowMs));
  }
}

describe('A member', () => {
  it('leaves after failures in a row, and returns with a success', () => {
    const world = new World();
    expect(world.fail('m0', 1)).toEqual([]);
    expect(world.succeed()).toEqual([]);
    expect(world.fail('m0', 1)).toEqual([]);
    expect(world.fail('m0', 1)).toEqual(['GroupMemberHealthChanged']);
    expect(world.rotation.has('m0')).toBe(false);
    expect(world.rotation.healthOf('m0').consecutiveFailures).toBe(2);
    expect(world.succeed()).toEqual(['GroupMemberHealthChanged']);
    expect(world.rotation.has('m0')).toBe(true);
  });

  it('needs as many successes as are wanted, and a failure between them begins anew', () => {
    const world = new World({ healthyThreshold: 2 });
    world.fail('m0', 2);
    expect(world.succeed()).toEqual([]);
    world.fail();
    expect(world.succeed()).toEqual([]);
    expect(world.succeed()).toEqual(['GroupMemberHealthChanged']);
  });

  it('returns by a check that goes well, too, which does not close the circuit', () => {
    const world = new World({ members: 1, failureThreshold: 2 });
    world.fail('m0', 2);
    expect(world.tell(world.rotation.recovered('m0'))).toEqual(['GroupMemberHealthChanged']);
    expect(world.rotation.isCircuitOpen).toBe(true);
    expect(world.succeed()).toEqual(['GroupCircuitClosed', 'GroupStateChanged']);
  });

  it('that is not of the group changes nothing', () => {
    const world = new World();
    expect(world.fail('other', 20)).toEqual([]);
    expect(world.succeed('other')).toEqual([]);
    expect(world.rotation.healthOf('other').inRotation).toBe(false);
  });
});

describe('A group', () => {
  it('goes through its states as members leave', () => {
    const world = new World({ members: 3, minHealthy: 2 });
    const states: string[] = [world.rotation.state];
    for (const id of world.ids) {
      world.fail(id, 2);
      states.push(world.rotation.state);
    }
    expect(states).toEqual(['healthy', 'healthy', 'partial', 'inactive']);
  });

  it('opens its circuit after failures in a row only', () => {
    const world = new World({ failureThreshold: 3, unhealthyThreshold: 100 });
    world.fail('m0', 2);
    world.succeed('m1');
    expect(world.fail('m0', 2)).toEqual([]);
    expect(world.fail('m1', 1)).toEqual(['GroupCircuitOpened', 'GroupStateChanged']);
    expect(world.rotation.state).toBe('degraded');
    expect(world.succeed('m1')).toEqual(['GroupCircuitClosed', 'GroupStateChanged']);
  });

  it('admits one trial when the time of its circuit is over, and the next one after that much again', () => {
    const world = new World({ members: 1, failureThreshold: 2 });
    world.fail('m0', 2);
    const admits = (afterMs: number): boolean => {
      world.nowMs += afterMs;
      return world.rotation.admitsTrial(world.nowMs);
    };
    expect(admits(RESET_MS - 1)).toBe(false);
    expect(admits(1)).toBe(true);
    expect(admits(0)).toBe(false);
    expect(world.fail()).toEqual([]);
    expect(admits(RESET_MS - 1)).toBe(false);
    expect(admits(1)).toBe(true);
    expect(world.succeed()).toContain('GroupCircuitClosed');
    expect(admits(0)).toBe(true);
  });

  it('takes in who is well when it is rebalanced, and forgets what failed', () => {
    const world = new World({ members: 3, failureThreshold: 4 });
    world.fail('m0', 2);
    world.fail('m1', 2);
    expect(world.rotation.isCircuitOpen).toBe(true);
    world.tell(world.rotation.rebalance((id) => id !== 'm2', world.nowMs));
    expect(world.ids.map((id) => world.rotation.has(id))).toEqual([true, true, false]);
    expect(world.rotation.isCircuitOpen).toBe(false);
    expect(world.rotation.healthOf('m0').consecutiveFailures).toBe(0);
  });

  it('goes on after a restart where the log left off', () => {
    const world = new World({ failureThreshold: 3 });
    world.fail('m0', 3);
    const again = world.restarted();
    expect(again.events).toEqual([]);
    expect(again.rotation.has('m0')).toBe(false);
    expect(again.rotation.state).toBe('degraded');
    expect(again.rotation.retryAtMs).toBe(world.nowMs + RESET_MS);
  });
});

type Step =
  | { readonly kind: 'failed' | 'succeeded' | 'recovered'; readonly member: number }
  | { readonly kind: 'rebalance'; readonly ready: number }
  | { readonly kind: 'trial' | 'restart' }
  | { readonly kind: 'time'; readonly ms: number };

const scene = fc.record({
  members: fc.integer({ min: 1, max: 4 }),
  minHealthy: fc.integer({ min: 0, max: 4 }),
  unhealthyThreshold: fc.integer({ min: 1, max: 3 }),
  healthyThreshold: fc.integer({ min: 1, max: 3 }),
  failureThreshold: fc.integer({ min: 1, max: 6 }),
});
const member = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('failed' as const), member }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('succeeded' as const), member }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recovered' as const), member }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rebalance' as const), ready: member }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom({ kind: 'trial' as const }, { kind: 'restart' as const }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(RESET_MS) }) },
);

/** The world after a step: another one after a restart. */
function take(world: World, one: Step): World {
  const { rotation } = world;
  switch (one.kind) {
    case 'failed':
      world.fail(`m${one.member}`);
      return world;
    case 'succeeded':
      world.succeed(`m${one.member}`);
      return world;
    case 'recovered':
      world.tell(rotation.recovered(`m${one.member}`));
      return world;
    case 'rebalance':
      world.tell(rotation.rebalance((id) => id !== `m${one.ready}`, world.nowMs));
      return world;
    case 'time':
      world.nowMs += one.ms;
      return world;
    case 'trial':
      rotation.admitsTrial(world.nowMs);
      return world;
    case 'restart':
      return world.restarted();
  }
}

describe('Whatever happens', () => {
  it('the events give rotation, state and circuit again', () => {
    fc.assert(
      fc.property(scene, fc.array(step, { maxLength: 60 }), (given, steps) => {
        let world = new World(given);
        for (const one of steps) {
          world = take(world, one);
          const { history, rotation, ids } = world;
          expect(ids.filter((id) => !rotation.has(id))).toEqual(
            ids.filter((id) => history.out.has(id)),
          );
          expect(history.state).toBe(rotation.state);
          expect(history.retryAtMs !== undefined).toBe(rotation.isCircuitOpen);
        }
      }),
    );
  });

  it('the state is that of the table', () => {
    fc.assert(
      fc.property(scene, fc.array(step, { maxLength: 60 }), (given, steps) => {
        const { rotation, ids } = steps.reduce(take, new World(given));
        const healthy = ids.filter((id) => rotation.has(id)).length;
        expect(rotation.healthyCount).toBe(healthy);
        const expected = rotation.isCircuitOpen
          ? 'degraded'
          : healthy === 0
            ? 'inactive'
            : healthy < given.minHealthy
              ? 'partial'
              : 'healthy';
        expect(rotation.state).toBe(expected);
      }),
    );
  });

  it('nobody is locked out: a trial is admitted within the time, and successes bring every member back', () => {
    fc.assert(
      fc.property(scene, fc.array(step, { maxLength: 60 }), (given, steps) => {
        const world = steps.reduce(take, new World(given));
        expect(world.rotation.admitsTrial(world.nowMs + RESET_MS)).toBe(true);
        for (const id of world.ids)
          for (let call = 0; call < given.healthyThreshold; call += 1) world.succeed(id);
        expect(world.ids.every((id) => world.rotation.has(id))).toBe(true);
        expect(world.rotation.isCircuitOpen).toBe(false);
      }),
    );
  });

  it('a clock that was set back keeps no trial away for longer than the time of the circuit', () => {
    const world = new World({ members: 1, failureThreshold: 1 });
    world.fail();
    expect(world.rotation.admitsTrial(world.nowMs - 10 * RESET_MS)).toBe(true);
  });
});
