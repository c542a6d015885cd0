/** What every adapter of `EventStore` must do. */
import {
  DuplicateEvent,
  VersionConflict,
  type Position,
  type StoredEvent,
} from '@mcp-hangar/kernel/event-store';
import { describe, expect, it } from 'vitest';
import { event, numbered, numberedUpTo, readWhole, type OpenStore } from './events.ts';
import { largePayloads, otherFields, payloads } from './payload-contract.ts';

const WRITERS = 8;
const APPENDS_EACH = 40;

export function eventStoreContract(name: string, open: OpenStore): void {
  describe.each<readonly [string, (open: OpenStore) => void]>([
    ['versions', versions],
    ['one append', oneAppend],
    ['an append with an id that is taken', takenIds],
    ['reading', reading],
    ['reading everything', readingEverything],
    ['payloads', payloads],
    ['large payloads', largePayloads],
    ['other fields', otherFields],
    ['streams', streams],
    ['lifetime', lifetime],
  ])(`${name} as an event store: %s`, (_what, suite) => {
    suite(open);
  });
}

function versions(open: OpenStore): void {
  it('count from 1 in each stream, and are what an append answers', async () => {
    await using store = await open();
    const one = await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(3) });
    const other = await store.append({ stream: 'b', expected: 'any', events: numberedUpTo(1) });
    const third = await store.append({ stream: 'a', expected: 3, events: numberedUpTo(2) });
    expect([one.version, other.version, third.version]).toEqual([3, 1, 5]);
    expect([await store.version('a'), await store.version('b')]).toEqual([5, 1]);
    expect(await store.version('c')).toBe(0);
    expect((await store.read('a')).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    ['none', 2],
    [0, 2],
    [1, 2],
    [3, 2],
  ] as const)('that are not as expected (%s) end in a conflict', async (expected, actual) => {
    await using store = await open();
    await store.append({ stream: 'a', expected: 'any', events: numberedUpTo(2) });
    const refused = store.append({ stream: 'a', expected, events: [event()] });
    await expect(refused).rejects.toBeInstanceOf(VersionConflict);
    await expect(refused).rejects.toMatchObject({ stream: 'a', expected, actual });
    expect(await store.version('a')).toBe(2);
  });

  it('that are expected of a stream that does not exist end in a conflict', async () => {
    await using store = await open();
    const refused = store.append({ stream: 'a', expected: 1, events: [event()] });
    await expect(refused).rejects.toMatchObject({ name: 'VersionConflict', actual: 0 });
    expect((await store.readAll(undefined, 10)).events).toEqual([]);
  });

  it('let exactly one of many writers win who expect the same', async () => {
    await using store = await open();
    const attempts = Array.from({ length: 20 }, (_, n) =>
      store.append({ stream: 'a', expected: 'none', events: [numbered(n), numbered(n)] }),
    );
    const settled = await Promise.allSettled(attempts);
    const lost = settled.filter((outcome) => outcome.status === 'rejected');
    expect(lost).toHaveLength(19);
    expect(lost.every(({ reason }) => reason instanceof VersionConflict)).toBe(true);
    expect(await store.version('a')).toBe(2);
  });

  it.each([-1, 1.5, Number.NaN])('cannot be %s', async (expected) => {
    await using store = await open();
    const refused = store.append({ stream: 'a', expected, events: [event()] });
    await expect(refused).rejects.toBeInstanceOf(TypeError);
  });
}

function oneAppend(open: OpenStore): void {
  it('stores its events in their order, one behind the other', async () => {
    await using store = await open();
    const events = numberedUpTo(256);
    const others = Array.from({ length: 50 }, (_, n) =>
      store.append({ stream: `other-${n % 3}`, expected: 'any', events: [event()] }),
    );
    const { position } = await store.append({ stream: 'a', expected: 'none', events });
    await Promise.all(others);
    const all = await readWhole(store, 100);
    const begin = all.findIndex(({ stream }) => stream === 'a');
    const own = all.slice(begin, begin + 256);
    expect(own).toMatchObject(events.map(({ id }, n) => ({ id, stream: 'a', version: n + 1 })));
    expect(own.at(-1)?.position).toBe(position);
  });

  it('needs at least one event', async () => {
    await using store = await open();
    const refused = store.append({ stream: 'a', expected: 'any', events: [] });
    await expect(refused).rejects.toBeInstanceOf(TypeError);
  });

  it('is stored as it was when it was made', async () => {
    await using store = await open();
    const data = { list: [1] };
    const appended = store.append({ stream: 'a', expected: 'any', events: [event({ data })] });
    data.list.push(2);
    await appended;
    const [stored] = await store.read('a');
    expect(stored?.data).toEqual({ list: [1] });
  });
}

function takenIds(open: OpenStore): void {
  it('is refused as a whole', async () => {
    await using store = await open();
    const [taken, fresh] = [event(), event()];
    await store.append({ stream: 'a', expected: 'any', events: [taken] });
    for (const events of [[fresh, taken], [taken], [fresh, fresh], [fresh, event(), taken]]) {
      const before = store.append({ stream: 'b', expected: 'any', events: [event()] });
      const refused = store.append({ stream: 'b', expected: 'any', events });
      const after = store.append({ stream: 'b', expected: 'any', events: [event()] });
      await expect(refused).rejects.toBeInstanceOf(DuplicateEvent);
      await Promise.all([before, after]);
    }
    expect(await store.version('b')).toBe(8);
    expect((await readWhole(store, 10)).map(({ id }) => id)).not.toContain(fresh.id);
    await store.append({ stream: 'c', expected: 'none', events: [fresh] });
  });

  it.each([20, 36])('leaves nothing of a large one whose event %s is taken', async (at) => {
    await using store = await open();
    const [taken, fresh] = [event(), event()];
    await store.append({ stream: 'a', expected: 'any', events: [taken] });
    const events = Array.from({ length: 40 }, (_, n) => (n === 0 ? fresh : event()));
    const before = store.append({ stream: 'b', expected: 'any', events: [event(), event()] });
    const refused = store.append({ stream: 'b', expected: 'any', events: events.with(at, taken) });
    const after = store.append({ stream: 'b', expected: 'any', events: events.slice(1) });
    await expect(refused).rejects.toMatchObject({ name: 'DuplicateEvent', id: taken.id });
    expect(await before).toMatchObject({ version: 2 });
    expect(await after).toMatchObject({ version: 41 });
    expect(await store.read('b')).toHaveLength(41);
    await store.append({ stream: 'c', expected: 'none', events: [fresh] });
  });

  it('that is made again is a duplicate, whatever version it expects', async () => {
    await using store = await open();
    const append = { stream: 'a', expected: 'none', events: [event(), event()] } as const;
    await store.append(append);
    await expect(store.append(append)).rejects.toMatchObject({
      name: 'DuplicateEvent',
      id: append.events[0].id,
    });
  });
}

function reading(open: OpenStore): void {
  it('gives a stream from a version on, at most so many', async () => {
    await using store = await open();
    await store.append({ stream: 'a', expected: 'any', events: numberedUpTo(10) });
    await store.append({ stream: 'b', expected: 'any', events: numberedUpTo(10) });
    const versionsOf = async (from?: number, max?: number): Promise<readonly number[]> =>
      (await store.read('a', from, max)).map(({ version }) => version);
    expect(await versionsOf(4, 3)).toEqual([4, 5, 6]);
    expect(await versionsOf(9)).toEqual([9, 10]);
    expect(await versionsOf(11)).toEqual([]);
    expect(await store.read('c')).toEqual([]);
  });

  it('gives everything in pages, forwards and backwards', async () => {
    await using store = await open();
    for (let n = 1; n <= 7; n += 1) {
      await store.append({ stream: `s${n % 2}`, expected: 'any', events: [numbered(n)] });
    }
    const first = await store.readAll(undefined, 3);
    const second = await store.readAll(first.next, 3);
    const third = await store.readAll(second.next, 3);
    const nothing = await store.readAll(third.next, 3);
    const pages = [first, second, third, nothing];
    const numbers = pages.map(({ events }) => events.map(({ data }) => data['n']));
    expect(numbers).toEqual([[1, 2, 3], [4, 5, 6], [7], []]);
    expect(pages.map(({ isHead }) => isHead)).toEqual([false, false, true, true]);
    expect(nothing.next).toBe(third.next);
    const newest = await store.readAllBackward(undefined, 4);
    const oldest = await store.readAllBackward(newest.next, 4);
    expect([...newest.events, ...oldest.events].map(({ data }) => data['n'])).toEqual([
      7, 6, 5, 4, 3, 2, 1,
    ]);
    expect([newest.isHead, oldest.isHead]).toEqual([false, true]);
    expect((await store.readAllBackward(oldest.next, 4)).events).toEqual([]);
  });

  it('knows that a page which is just full is the last one', async () => {
    await using store = await open();
    await store.append({ stream: 'a', expected: 'any', events: numberedUpTo(3) });
    expect(await store.readAll(undefined, 3)).toMatchObject({ isHead: true });
    expect(await store.readAllBackward(undefined, 3)).toMatchObject({ isHead: true });
  });

  it('finds nothing in an empty store', async () => {
    await using store = await open();
    const nothing = { events: [], next: undefined, isHead: true };
    expect(await store.readAll(undefined, 10)).toEqual(nothing);
    expect(await store.readAllBackward(undefined, 10)).toEqual(nothing);
    expect(await store.streams('')).toEqual([]);
  });
}

function readingEverything(open: OpenStore): void {
  it('gives positions that grow as text', async () => {
    await using store = await open();
    await store.append({ stream: 'a', expected: 'any', events: numberedUpTo(120) });
    const positions = (await readWhole(store, 50)).map(({ position }) => position);
    expect(positions).toHaveLength(120);
    expect(positions.toSorted()).toEqual(positions);
    expect(new Set(positions).size).toBe(120);
  });

  it('skips nothing and gives nothing twice while many write', async () => {
    await using store = await open();
    const seen: StoredEvent[] = [];
    let isWriting = true;
    const reader = (async (): Promise<void> => {
      let after: Position | undefined;
      for (;;) {
        const wasWriting = isWriting;
        const page = await store.readAll(after, 7);
        seen.push(...page.events);
        after = page.next;
        if (page.isHead && !wasWriting) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let n = 0; n < APPENDS_EACH; n += 1) {
        const events = numberedUpTo(1 + (n % 3));
        await store.append({ stream: `s${(writer + n) % 5}`, expected: 'any', events });
      }
    });
    const written = Promise.all(writers).finally(() => {
      isWriting = false;
    });
    await Promise.all([written, reader]);
    const stored = await readWhole(store, 1_000);
    expect(seen.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
    const next = new Map<string, number>();
    for (const { stream, version } of seen) {
      expect(version).toBe((next.get(stream) ?? 0) + 1);
      next.set(stream, version);
    }
  });

  it('refuses a page without room and a position of something else', async () => {
    await using store = await open();
    await expect(store.readAll(undefined, 0)).rejects.toBeInstanceOf(RangeError);
    const { position } = await store.append({ stream: 'a', expected: 'any', events: [event()] });
    const foreign = `${position}x` as Position; // what a caller in JavaScript could pass
    await expect(store.readAll(foreign, 1)).rejects.toBeInstanceOf(TypeError);
  });
}

function streams(open: OpenStore): void {
  it('are found by the beginning of their names, whatever is in it', async () => {
    await using store = await open();
    const names = ['a', 'a%', 'a%b', 'a_', 'ab', 'a_b', "a'b", 'A%', 'b', 'a\u{10FFFF}', '*?[a]'];
    for (const stream of names) {
      await store.append({ stream, expected: 'none', events: numberedUpTo(2) });
    }
    const found = async (prefix: string): Promise<readonly string[]> =>
      (await store.streams(prefix)).map(({ stream }) => stream).toSorted();
    expect(await found('')).toEqual(names.toSorted());
    expect(await found('a%')).toEqual(['a%', 'a%b']);
    expect(await found('a_')).toEqual(['a_', 'a_b']);
    expect(await found("a'")).toEqual(["a'b"]);
    expect(await found('*')).toEqual(['*?[a]']);
    expect(await found('c')).toEqual([]);
    expect(await store.streams('b')).toEqual([{ stream: 'b', version: 2 }]);
  });

  it('are listed however many there are', async () => {
    await using store = await open();
    const names = Array.from({ length: 1_201 }, (_, n) => `s-${n}`);
    const appends = names.map((stream) =>
      store.append({ stream, expected: 'none', events: [event()] }),
    );
    await Promise.all(appends);
    expect(await store.streams('s-')).toHaveLength(1_201);
  });

  it.each(['', 'a\0', '\udc00', 'x'.repeat(513)])('cannot be called %j', async (stream) => {
    await using store = await open();
    const refused = store.append({ stream, expected: 'any', events: [event()] });
    await expect(refused).rejects.toBeInstanceOf(TypeError);
    await expect(store.read(stream)).rejects.toBeInstanceOf(TypeError);
  });
}

function lifetime(open: OpenStore): void {
  it('closes behind the appends that it had accepted, and then refuses', async () => {
    const store = await open();
    const appends = Array.from({ length: 3_000 }, (_, n) =>
      store.append({ stream: `s${n % 7}`, expected: 'any', events: [numbered(n)] }),
    );
    const closed = store[Symbol.asyncDispose]();
    const late = store.append({ stream: 'late', expected: 'any', events: [event()] });
    await expect(late).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
    const outcomes = await Promise.all(appends);
    expect(new Set(outcomes.map(({ position }) => position)).size).toBe(3_000);
    await closed;
    await store[Symbol.asyncDispose]();
    await expect(store.readAll(undefined, 1)).rejects.toMatchObject({
      code: 'EVENT_STORE_UNAVAILABLE',
    });
  });

  it('closes without having been used', async () => {
    const store = await open();
    await expect(store[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });
}
