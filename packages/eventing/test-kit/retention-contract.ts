/** How every adapter that keeps its events lets old ones go. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { expect, it } from 'vitest';
import type { VerifyReport } from '../src/findings.ts';
import type { PruneLimits } from '../src/writer-messages.ts';
import { event } from './events.ts';

export interface PrunableStore extends EventStore {
  prune(limits: PruneLimits): Promise<number>;
}

/** A store on a log of its own, and what is wrong with that log. */
export interface PrunableLog {
  readonly store: PrunableStore;
  verify(): Promise<VerifyReport>;
}

/** One event for each time, in the streams in turn. */
async function fill(
  store: EventStore,
  streams: readonly string[],
  times: readonly number[],
): Promise<void> {
  for (const [index, occurredAtMs] of times.entries()) {
    const stream = streams[index % streams.length] ?? 'a';
    await store.append({ stream, expected: 'any', events: [event({ occurredAtMs })] });
  }
}

async function kept(store: EventStore): Promise<readonly string[]> {
  const { events } = await store.readAll(undefined, 10_000);
  return events.map(({ stream, version }) => `${stream}${version}`);
}

export function retentionContract(open: () => Promise<PrunableLog>): void {
  limits(open);
  company(open);
}

function limits(open: () => Promise<PrunableLog>): void {
  it('lets the oldest events go by number, and never the newest of a stream', async () => {
    const log = await open();
    await using store = log.store;
    await fill(store, ['rare'], [1]);
    await fill(store, ['a', 'b'], [1, 1, 1, 1, 1, 1]);
    expect(await store.prune({ keepEventsMax: 3 })).toBe(3);
    expect(await kept(store)).toEqual(['rare1', 'b2', 'a3', 'b3']);
    expect(await store.prune({ keepEventsMax: 3 })).toBe(0);
    expect(await store.prune({ keepEventsMax: 0 })).toBe(1);
    expect(await kept(store)).toEqual(['rare1', 'a3', 'b3']);
    const appended = await store.append({ stream: 'a', expected: 3, events: [event()] });
    expect(appended.version).toBe(4);
    expect(await log.verify()).toMatchObject({ findings: [], prunedStreamsCount: 2 });
  });

  it('lets events go by age, in the order in which they were stored', async () => {
    const log = await open();
    await using store = log.store;
    await fill(store, ['a'], [10, 20, 30, 40, 50]);
    expect(await store.prune({ occurredBeforeMs: 10 })).toBe(0);
    expect(await store.prune({ occurredBeforeMs: 31 })).toBe(3);
    expect(await kept(store)).toEqual(['a4', 'a5']);
    expect(await store.prune({ occurredBeforeMs: 1_000 })).toBe(1);
    expect(await kept(store)).toEqual(['a5']);
    expect((await log.verify()).findings).toEqual([]);
  });

  it('keeps events longer rather than losing one when a clock was ahead, and by number lets them go', async () => {
    const log = await open();
    await using store = log.store;
    await fill(store, ['a'], [10, 9_999, 11, 12, 13]);
    expect(await store.prune({ occurredBeforeMs: 100 })).toBe(1);
    expect(await kept(store)).toEqual(['a2', 'a3', 'a4', 'a5']);
    expect(await store.prune({ occurredBeforeMs: 100, keepEventsMax: 2 })).toBe(2);
    expect(await kept(store)).toEqual(['a4', 'a5']);
  });

  it('lets go what either limit lets go', async () => {
    const log = await open();
    await using store = log.store;
    await fill(store, ['a'], [10, 20, 30, 40, 50]);
    expect(await store.prune({ occurredBeforeMs: 45, keepEventsMax: 4 })).toBe(4);
    await fill(store, ['a'], [60, 70, 80]);
    expect(await store.prune({ occurredBeforeMs: 5, keepEventsMax: 2 })).toBe(2);
    expect(await store.prune({})).toBe(0);
    expect(await kept(store)).toEqual(['a7', 'a8']);
  });
}

/** Beside appends, other prunes, and the end of the store. */
function company(open: () => Promise<PrunableLog>): void {
  it('works in steps over a large log while others append, and leaves it whole', async () => {
    const log = await open();
    await using store = log.store;
    for (let n = 0; n < 20; n += 1) {
      const events = Array.from({ length: 256 }, () => event({ occurredAtMs: n }));
      await store.append({ stream: `s${n % 3}`, expected: 'any', events });
    }
    const prunes = [store.prune({ keepEventsMax: 1_000 }), store.prune({ occurredBeforeMs: 18 })];
    const appends = Array.from({ length: 50 }, () =>
      store.append({ stream: 'late', expected: 'any', events: [event({ occurredAtMs: 99 })] }),
    );
    const deleted = await Promise.all(prunes);
    await Promise.all(appends);
    expect(deleted.reduce((sum, one) => sum + one, 0)).toBe(18 * 256 - 1);
    const { events } = await store.readAll(undefined, 10_000);
    expect(events).toHaveLength(2 * 256 + 1 + 50);
    expect((await log.verify()).findings).toEqual([]);
  });

  it('closes in the midst of pruning', async () => {
    const log = await open();
    const { store } = log;
    for (let n = 0; n < 20; n += 1) {
      const events = Array.from({ length: 256 }, () => event());
      await store.append({ stream: 'a', expected: 'any', events });
    }
    const pruning = store.prune({ keepEventsMax: 10 });
    pruning.catch(() => undefined); // it is looked at below
    await new Promise((resolve) => setImmediate(resolve)); // the first step is with the worker
    await store[Symbol.asyncDispose]();
    await expect(pruning).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
    expect((await log.verify()).findings).toEqual([]);
  });
}
