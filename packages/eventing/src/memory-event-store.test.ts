import { expect, it } from 'vitest';
import { eventStoreContract } from '../test-kit/event-store-contract.ts';
import { leaseContract } from '../test-kit/lease-contract.ts';
import { event, numbered, numberedUpTo } from '../test-kit/events.ts';
import { MemoryEventStore } from './memory-event-store.ts';

eventStoreContract('memory', async () => new MemoryEventStore());
leaseContract('memory', async () => new MemoryEventStore());

it('forgets the oldest events beyond its limit, and neither positions nor versions', async () => {
  await using store = new MemoryEventStore({ eventsMax: 4 });
  const { position } = await store.append({
    stream: 'a',
    expected: 'none',
    events: numberedUpTo(3),
  });
  const kept = event();
  await store.append({ stream: 'b', expected: 'none', events: [kept] });
  for (let n = 4; n <= 6; n += 1) {
    await store.append({ stream: 'b', expected: n - 3, events: [numbered(n)] });
  }
  const { events } = await store.readAll(undefined, 10);
  expect(events.map(({ stream, version }) => `${stream}${version}`)).toEqual([
    'b1',
    'b2',
    'b3',
    'b4',
  ]);
  expect(events.every((stored) => stored.position > position)).toBe(true);
  expect((await store.readAll(position, 2)).events[0]?.id).toBe(kept.id);
  expect(await store.read('a')).toEqual([]);
  expect(await store.version('a')).toBe(3);
  expect((await store.append({ stream: 'a', expected: 3, events: [event()] })).version).toBe(4);
  const backward = await store.readAllBackward(undefined, 10);
  expect(backward.events).toHaveLength(4);
  expect(backward.isHead).toBe(true);
});

it('remembers as many empty streams as events, and no more', async () => {
  await using store = new MemoryEventStore({ eventsMax: 10 });
  for (let n = 0; n < 1_000; n += 1) {
    await store.append({ stream: `s${n}`, expected: 'none', events: [event()] });
  }
  expect(await store.streams('')).toHaveLength(20);
  expect(await store.version('s980')).toBe(1);
  expect((await store.readAll(undefined, 100)).events).toHaveLength(10);
});

it('takes an append that is larger than the limit, and keeps its end', async () => {
  await using store = new MemoryEventStore({ eventsMax: 3 });
  await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(10) });
  expect((await store.read('a')).map(({ version }) => version)).toEqual([8, 9, 10]);
});
