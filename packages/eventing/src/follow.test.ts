import type { EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { expect, it } from 'vitest';
import { event } from '../test-kit/events.ts';
import { followEvents, readEvents, type EventSelection } from './follow.ts';
import { MemoryEventStore } from './memory-event-store.ts';

const EVENTS = 1_203;
const POLL_MS = 10;

/** Number n is of type `Even` or `Odd`, in the stream `s0` to `s9`, and happened at n ms. */
async function append(store: EventStore, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    const type = n % 2 === 0 ? 'Even' : 'Odd';
    const one = event({ type, occurredAtMs: n, data: { n } });
    await store.append({ stream: `s${n % 10}`, expected: 'any', events: [one] });
  }
}

async function filled(): Promise<MemoryEventStore> {
  const store = new MemoryEventStore();
  await append(store, 1, EVENTS);
  return store;
}

const numberOf = ({ data }: StoredEvent): unknown => data['n'];

async function numbersOf(
  store: EventStore,
  selection: EventSelection,
): Promise<readonly unknown[]> {
  const numbers: unknown[] = [];
  for await (const one of readEvents(store, selection)) numbers.push(numberOf(one));
  return numbers;
}

it('reads everything in order, over many pages', async () => {
  await using store = await filled();
  const all = Array.from({ length: EVENTS }, (_, index) => index + 1);
  expect(await numbersOf(store, {})).toEqual(all);
});

it.each<readonly [string, EventSelection, readonly number[]]>([
  ['a time', { sinceMs: 1_200 }, [1_200, 1_201, 1_202, 1_203]],
  ['types', { types: ['Even'], sinceMs: 1_199 }, [1_200, 1_202]],
  ['no type', { types: [], sinceMs: 1_199 }, []],
  [
    'the beginning of streams',
    { streamPrefix: 's7', sinceMs: 1_150 },
    [1_157, 1_167, 1_177, 1_187, 1_197],
  ],
  ['a condition', { matches: ({ occurredAtMs }) => occurredAtMs % 400 === 0 }, [400, 800, 1_200]],
  ['the newest', { newest: 3 }, [1_201, 1_202, 1_203]],
  ['the newest of a type', { newest: 2, types: ['Even'] }, [1_200, 1_202]],
  ['the newest of few', { newest: 5, matches: ({ occurredAtMs }) => occurredAtMs < 3 }, [1, 2]],
  ['no newest', { newest: 0 }, []],
])('lets through what is asked for: %s', async (_what, selection, numbers) => {
  await using store = await filled();
  expect(await numbersOf(store, selection)).toEqual(numbers);
});

it('reads behind a position, the newest too', async () => {
  await using store = await filled();
  const { next } = await store.readAll(undefined, 1_200);
  expect(await numbersOf(store, { after: next })).toEqual([1_201, 1_202, 1_203]);
  expect(await numbersOf(store, { after: next, newest: 10 })).toEqual([1_201, 1_202, 1_203]);
  expect(await numbersOf(store, { after: next, newest: 1 })).toEqual([1_203]);
});

it.each([-1, 1.5, 1e9])('refuses %d as a number of newest events', async (newest) => {
  await using store = new MemoryEventStore();
  await expect(numbersOf(store, { newest })).rejects.toBeInstanceOf(RangeError);
});

it.each<readonly [string, EventSelection, readonly number[]]>([
  ['all', {}, [1, 2, 3, 4, 5, 6, 7, 8]],
  ['the newest', { newest: 2 }, [3, 4, 5, 6, 7, 8]],
  ['only new ones', { newest: 0 }, [5, 6, 7, 8]],
  ['some', { types: ['Even'], newest: 1 }, [4, 6, 8]],
])('follows what is appended later, none twice: %s', async (_what, selection, numbers) => {
  await using store = new MemoryEventStore();
  await append(store, 1, 4);
  const abort = new AbortController();
  const seen: unknown[] = [];
  let hasAppended = false;
  const polled: EventStore['readAll'] = async (...args) => {
    const page = await store.readAll(...args);
    // Behind the first look at the head, in two parts.
    if (page.isHead && !hasAppended) {
      hasAppended = true;
      await append(store, 5, 6);
      setImmediate(() => void append(store, 7, 8));
    }
    return page;
  };
  const log = { readAll: polled, readAllBackward: store.readAllBackward.bind(store) };
  const options = { signal: abort.signal, pollMs: POLL_MS };
  for await (const one of followEvents(log, selection, options)) {
    seen.push(numberOf(one));
    if (numberOf(one) === 8) abort.abort();
  }
  expect(seen).toEqual(numbers);
});

it('follows a log that is empty at first', async () => {
  await using store = new MemoryEventStore();
  const abort = new AbortController();
  setImmediate(() => void append(store, 1, 1));
  const events = followEvents(store, { newest: 10 }, { signal: abort.signal, pollMs: POLL_MS });
  expect((await events.next()).value).toMatchObject({ data: { n: 1 } });
  abort.abort();
  expect(await events.next()).toEqual({ done: true, value: undefined });
});

it('ends at once when the signal comes while it waits', async () => {
  await using store = new MemoryEventStore();
  const abort = new AbortController();
  const events = followEvents(store, {}, { signal: abort.signal, pollMs: 60_000 });
  const next = events.next();
  setImmediate(() => {
    abort.abort();
  });
  expect(await next).toEqual({ done: true, value: undefined });
});
