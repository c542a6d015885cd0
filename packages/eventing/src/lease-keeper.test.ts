import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Lease } from '@mcp-hangar/kernel/lease';
import { LeaseKeeper } from './lease-keeper.ts';
import { MemoryEventStore } from './memory-event-store.ts';

/** A store that can be away for a while. */
class Away extends MemoryEventStore {
  isAway = false;
  override async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    if (this.isAway) throw new Fault('EVENT_STORE_UNAVAILABLE', 'it is away');
    return super.acquire(name, holder, ttlMs);
  }
  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    if (this.isAway) throw new Fault('EVENT_STORE_UNAVAILABLE', 'it is away');
    return super.renew(lease, ttlMs);
  }
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'],
  });
});
afterEach(() => vi.useRealTimers());

const keeperOf = (store: MemoryEventStore, holder: string) => {
  const told: (number | undefined)[] = [];
  const problems: unknown[] = [];
  const keeper = new LeaseKeeper({
    leases: store,
    name: 'timers',
    holder,
    onChange: (lease) => told.push(lease?.generation),
    onProblem: (error) => problems.push(error),
  });
  return { keeper, told, problems };
};

test('it is held as long as it is renewed, and the next one has it when it is given back', async () => {
  const store = new MemoryEventStore();
  const one = keeperOf(store, 'one');
  const two = keeperOf(store, 'two');
  await one.keeper.start();
  await two.keeper.start();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(one.keeper.current).toMatchObject({ holder: 'one', generation: 1 });
  expect(two.keeper.current).toBeUndefined();
  await one.keeper[Symbol.asyncDispose]();
  expect(one.keeper.current).toBeUndefined();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(two.keeper.current).toMatchObject({ holder: 'two', generation: 2 });
  expect([one.told, two.told]).toEqual([[1, undefined], [2]]);
  await two.keeper[Symbol.asyncDispose]();
});

test('a holder without its store lets go before another one can have it, and goes on with it later', async () => {
  const store = new Away();
  const { keeper, told, problems } = keeperOf(store, 'one');
  await keeper.start();
  store.isAway = true;
  await vi.advanceTimersByTimeAsync(9_000);
  expect(keeper.current).toBeDefined();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(keeper.current).toBeUndefined();
  expect(await store.heldLeases('')).toHaveLength(1);
  store.isAway = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(keeper.current).toMatchObject({ generation: 1 });
  expect(told).toEqual([1, undefined, 1]);
  expect(problems.at(-1)).toBeUndefined();
  expect(problems.filter((problem) => problem !== undefined).length).toBeGreaterThan(0);
  await keeper[Symbol.asyncDispose]();
});

test('one that was taken over knows at its next renewal', async () => {
  const store = new MemoryEventStore();
  const { keeper, told } = keeperOf(store, 'one');
  await keeper.start();
  await store.acquire('timers', 'one', 60_000); // the same name in another process: a mistake
  await vi.advanceTimersByTimeAsync(5_000);
  expect(told).toEqual([1, undefined, 3]);
  await keeper[Symbol.asyncDispose]();
});

test('a holder that was away while another one had it has a new generation, and knows its last one till then', async () => {
  const store = new Away();
  const { keeper, told } = keeperOf(store, 'one');
  await keeper.start();
  store.isAway = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(keeper.last).toMatchObject({ generation: 1 });
  store.isAway = false;
  await store.acquire('timers', 'other', 1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([keeper.current, keeper.last]).toMatchObject([{ generation: 3 }, { generation: 3 }]);
  expect(told).toEqual([1, undefined, 3]);
  await keeper[Symbol.asyncDispose]();
});

test('times that would let two hold it are refused', () => {
  const leases = new MemoryEventStore();
  const options = { leases, name: 'timers', holder: 'one' };
  expect(() => new LeaseKeeper({ ...options, deadlineMs: 15_000 })).toThrow(RangeError);
  expect(() => new LeaseKeeper({ ...options, renewMs: 10_000 })).toThrow(RangeError);
});
