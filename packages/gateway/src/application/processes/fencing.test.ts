/** Two gateways on one store, and what only one of them may do. */
import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import { ok } from '@mcp-hangar/kernel/result';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SILENT } from '../../../test-kit/scripted-launcher.ts';
import type { DomainEvent, Fence } from '../ports.ts';
import { EventRecorder } from '../recording/event-recorder.ts';
import type { Left } from './past-processes.ts';
import { ProcessRunner, type ProcessDefinition } from './process-runner.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const STREAM = 'process:clock:alarm';
const DUE_MS = 10_000;
const TTL_MS = 15_000;

/** Waits for one time, then rings. */
interface Alarm {
  readonly dueAtMs: number;
}
type Said = 'set' | 'due' | 'resumed';
const OFF: Alarm = { dueAtMs: 0 };

const newClock = (rung: string[], who: string): ProcessDefinition<Alarm, Said, DomainEvent> => ({
  name: 'clock',
  deciderOf: () => ({
    initial: OFF,
    decide: (said, { dueAtMs }) => {
      if (said === 'set')
        return ok([{ type: 'Set', data: { due_at_ms: performance.now() + DUE_MS } }]);
      const isDue = said === 'due' && dueAtMs > 0 && dueAtMs <= performance.now();
      return ok(isDue ? [{ type: 'Rung', data: {} }] : []);
    },
    evolve: (_, { type, data }) => (type === 'Set' ? { dueAtMs: Number(data['due_at_ms']) } : OFF),
  }),
  hears: ({ type }) => (type === 'Wanted' ? { id: 'alarm', command: 'set' } : undefined),
  dueAtMs: ({ dueAtMs }) => (dueAtMs > 0 ? dueAtMs : undefined),
  due: () => 'due',
  resumed: () => 'resumed',
  followed: () => undefined,
  isHere: () => true,
  others: () => [],
  perform: (_, { type }) => {
    if (type === 'Rung') rung.push(who);
    return undefined;
  },
  pending: (id, { dueAtMs }) =>
    dueAtMs === 0
      ? undefined
      : {
          process: 'clock',
          subject: id,
          status: 'waiting',
          attempt: undefined,
          attemptsMax: undefined,
          dueAtMs,
          reason: '',
        },
});

/** A gateway as far as it waits for something. */
async function gateway(store: MemoryEventStore, who: string, rung: string[]) {
  const clock = { nowMs: () => performance.now() };
  let ids = 0;
  const recorder = new EventRecorder({
    store,
    clock,
    logger: SILENT,
    producedBy: who,
    newId: () => `${who}-${(ids += 1)}`,
    callsMax: 10,
  });
  const lease = await store.acquire(`gateway:${who}`, who, TTL_MS);
  let own: Fence = lease ?? { name: '', generation: 0 };
  const refused = vi.fn<() => void>();
  let left: ReadonlyMap<string, Left<Alarm>> = new Map();
  const runner = new ProcessRunner(newClock(rung, who), {
    clock,
    logger: SILENT,
    events: recorder,
    fencing: { own: () => own, record: recorder.recordFenced, refused },
    of: () => left,
  });
  return {
    runner,
    refused,
    /** Finds that in the log. */
    adopt: (...alarms: readonly Left<Alarm>[]) => {
      left = new Map(alarms.map((alarm) => ['alarm', alarm]));
      runner.adopt({ recoveries: new Map(), failovers: new Map() });
    },
    set: () => runner.heard({ type: 'Wanted', data: {}, id: 'wanted', stream: 'any' }),
    become: (next: Fence | undefined) => {
      own = next ?? own;
    },
  };
}

const set = (fence: Fence | undefined): Left<Alarm> => ({ state: { dueAtMs: DUE_MS }, fence });

const typesIn = async (store: MemoryEventStore): Promise<readonly string[]> =>
  (await store.read(STREAM)).map(({ type, producedBy }) => `${type} by ${producedBy}`);

test('what a time brings about is done after the store has taken the event', async () => {
  const [store, rung] = [new MemoryEventStore(), [] as string[]];
  const one = await gateway(store, 'one', rung);
  one.set();
  await vi.advanceTimersByTimeAsync(DUE_MS);
  expect([rung, await typesIn(store)]).toEqual([[], ['Set by one']]);
  await vi.advanceTimersByTimeAsync(100);
  expect([rung, await typesIn(store)]).toEqual([['one'], ['Set by one', 'Rung by one']]);
});

test('a gateway that another one has taken for gone does nothing any more with what that goes on with', async () => {
  const [store, rung] = [new MemoryEventStore(), [] as string[]];
  const one = await gateway(store, 'one', rung);
  const two = await gateway(store, 'two', rung);
  one.set();
  await vi.advanceTimersByTimeAsync(TTL_MS / 2);
  await store.release({ name: 'gateway:one', holder: 'one', generation: 1 });
  const claimed = await store.acquire('gateway:one', 'two', 1);
  two.adopt(set(claimed));
  await vi.advanceTimersByTimeAsync(DUE_MS);
  expect(rung).toEqual(['two']);
  expect(await typesIn(store)).toEqual(['Set by one', 'Rung by two']);
  expect([one.runner.pending(), one.refused.mock.calls.length]).toEqual([[], 1]);
});

test('a gateway that has its lease again does not believe what it waited for before', async () => {
  const [store, rung] = [new MemoryEventStore(), [] as string[]];
  const one = await gateway(store, 'one', rung);
  one.set();
  await vi.advanceTimersByTimeAsync(1_000);
  one.become(await store.acquire('gateway:one', 'one', TTL_MS));
  one.adopt();
  expect(one.runner.pending()).toEqual([]);
  one.set();
  await vi.advanceTimersByTimeAsync(DUE_MS + 100);
  expect(rung).toEqual(['one']);
});

test('who wakes up before its successor has written gets its own back, and the successor is refused', async () => {
  const [store, rung] = [new MemoryEventStore(), [] as string[]];
  const one = await gateway(store, 'one', rung);
  const two = await gateway(store, 'two', rung);
  one.set();
  await vi.advanceTimersByTimeAsync(1_000);
  const claimed = await store.acquire('gateway:one', 'one', 1);
  two.adopt(set(claimed));
  const again = await store.acquire('gateway:one', 'one', TTL_MS);
  one.become(again);
  one.adopt(set(again));
  await vi.advanceTimersByTimeAsync(DUE_MS + 100);
  expect(rung).toEqual(['one']);
  expect(await typesIn(store)).toEqual(['Set by one', 'Rung by one']);
  expect([two.runner.pending(), two.refused.mock.calls.length]).toEqual([[], 0]);
});
