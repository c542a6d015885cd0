/** What every adapter of `LeaseStore` and `SnapshotStore` must do. */
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { LeaseLost, type Lease, type LeaseStore } from '@mcp-hangar/kernel/lease';
import type { SnapshotStore } from '@mcp-hangar/kernel/snapshot';
import { describe, expect, it } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { event, numberedUpTo } from './events.ts';

export type LeasingStore = EventStore & LeaseStore & SnapshotStore;
export type OpenLeasingStore = () => Promise<LeasingStore>;

const LONG_MS = 60_000;
const SHORT_MS = 30;
const ROUNDS = 40;

export function leaseContract(name: string, open: OpenLeasingStore): void {
  describe(`${name} as a store of leases`, () => {
    holding(open);
    askingForLeases(open);
    fencing(open);
  });
  describe(`${name} as a store of snapshots`, () => {
    snapshots(open);
  });
}

async function taken(store: LeaseStore, holder: string, ttlMs = LONG_MS): Promise<Lease> {
  const lease = await store.acquire('timers', holder, ttlMs);
  if (lease === undefined) throw new Error(`${holder} did not get the lease`);
  return lease;
}

function holding(open: OpenLeasingStore): void {
  it('gives a lease to one holder, and to the next when it is released', async () => {
    await using store = await open();
    const one = await taken(store, 'one');
    expect(one).toEqual({ name: 'timers', holder: 'one', generation: 1 });
    expect(await store.acquire('timers', 'two', LONG_MS)).toBeUndefined();
    expect(await store.acquire('other', 'two', LONG_MS)).toMatchObject({ generation: 1 });
    await store.release(one);
    expect(await taken(store, 'two')).toMatchObject({ holder: 'two', generation: 2 });
    expect(await store.renew(one, LONG_MS)).toBe(false);
    await store.release(one);
    expect(await store.acquire('timers', 'one', LONG_MS)).toBeUndefined();
  });

  it('gives a holder what it has already, with the next generation', async () => {
    await using store = await open();
    const before = await taken(store, 'one');
    const after = await taken(store, 'one');
    expect(after.generation).toBe(2);
    expect(await store.renew(before, LONG_MS)).toBe(false);
    expect(await store.renew(after, LONG_MS)).toBe(true);
  });

  it('lets the next one have a lease whose time is over, and not one that was renewed', async () => {
    await using store = await open();
    const one = await taken(store, 'one', SHORT_MS);
    expect(await store.renew(one, LONG_MS)).toBe(true);
    expect(await store.acquire('timers', 'two', LONG_MS)).toBeUndefined();
    expect(await store.renew(one, SHORT_MS)).toBe(true);
    await until('its time is over', async () => {
      return (await store.acquire('timers', 'two', LONG_MS)) !== undefined;
    });
    expect(await store.renew(one, LONG_MS)).toBe(false);
  });

  it('renews a lease whose time is over while nobody has taken it', async () => {
    await using store = await open();
    const one = await taken(store, 'one', SHORT_MS);
    await until('its time is over', async () => (await store.heldLeases('')).length === 0);
    expect(await store.renew(one, LONG_MS)).toBe(true);
    expect(await store.heldLeases('tim')).toEqual([one]);
  });
}

function askingForLeases(open: OpenLeasingStore): void {
  it('lists what is held, by the beginning of the name', async () => {
    await using store = await open();
    expect(await store.heldLeases('')).toEqual([]);
    const b = await store.acquire('gateway:b', 'b', LONG_MS);
    const a = await store.acquire('gateway:a', 'a', LONG_MS);
    await store.release(await taken(store, 'one'));
    expect(await store.heldLeases('gateway:')).toEqual([a, b]);
    expect(await store.heldLeases('timers')).toEqual([]);
  });

  it('refuses what is no name, and times that are none', async () => {
    await using store = await open();
    await expect(store.acquire('', 'one', LONG_MS)).rejects.toBeInstanceOf(TypeError);
    await expect(store.acquire('timers', 'x'.repeat(300), 1)).rejects.toBeInstanceOf(TypeError);
    for (const ttlMs of [0, -1, 1.5, Number.NaN, 1e12])
      await expect(store.acquire('timers', 'one', ttlMs)).rejects.toBeInstanceOf(TypeError);
  });

  it('never gives a generation twice, however many want it at one time', async () => {
    await using store = await open();
    const given: Lease[] = [];
    const compete = async (holder: string): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const lease = await store.acquire('timers', holder, round % 3 === 0 ? 1 : LONG_MS);
        if (lease === undefined) continue;
        given.push(lease);
        if (round % 3 !== 0) await store.release(lease);
      }
    };
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(compete));
    const generations = given.map(({ generation }) => generation).toSorted((x, y) => x - y);
    expect(generations.length).toBeGreaterThan(5);
    expect(generations).toEqual(generations.map((_, at) => at + 1));
  });
}

function fencing(open: OpenLeasingStore): void {
  it('stores what is appended under the last generation, and refuses all before it', async () => {
    await using store = await open();
    const one = await taken(store, 'one');
    const first = { stream: 'a', expected: 'any', events: numberedUpTo(2), guard: one } as const;
    expect(await store.append(first)).toMatchObject({ version: 2 });
    await store.release(one);
    const two = await taken(store, 'two');
    const late = store.append({ stream: 'a', expected: 2, events: [event()], guard: one });
    await expect(late).rejects.toBeInstanceOf(LeaseLost);
    await expect(late).rejects.toMatchObject({ lease: 'timers', generation: 1, actual: 2 });
    await store.append({ stream: 'a', expected: 2, events: [event()], guard: two });
    expect(await store.version('a')).toBe(3);
  });

  it('refuses what is appended under a lease that nobody ever had', async () => {
    await using store = await open();
    const guard = { name: 'nobody', generation: 1 };
    const refused = store.append({ stream: 'a', expected: 'any', events: [event()], guard });
    await expect(refused).rejects.toMatchObject({ name: 'LeaseLost', actual: 0 });
    expect(await store.version('a')).toBe(0);
  });

  it('does not hurt the appends beside one that it refuses', async () => {
    await using store = await open();
    const one = await taken(store, 'one');
    const two = await taken(store, 'one');
    const settled = await Promise.allSettled(
      [undefined, one, two, undefined, one, two].map((guard, at) =>
        store.append({
          stream: `s${at}`,
          expected: 'none',
          events: [event()],
          ...(guard && { guard }),
        }),
      ),
    );
    const stored = settled.map(({ status }) => status === 'fulfilled');
    expect(stored).toEqual([true, false, true, true, false, true]);
    expect((await store.readAll(undefined, 10)).events.map(({ stream }) => stream)).toEqual([
      's0',
      's2',
      's3',
      's5',
    ]);
  });

  it('leaves no event of an earlier generation behind one of a later, whoever competes', async () => {
    await using store = await open();
    const compete = async (holder: string): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const guard = await store.acquire('timers', holder, 1);
        if (guard === undefined) continue;
        const events = [event({ data: { generation: guard.generation, holder } })];
        await store.append({ stream: 'a', expected: 'any', events, guard }).catch(ifLost);
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(compete));
    const stored = (await store.read('a')).map(({ data }) => Number(data['generation']));
    expect(stored.length).toBeGreaterThan(0);
    expect(stored).toEqual([...new Set(stored)].toSorted((x, y) => x - y));
  });
}

function ifLost(error: unknown): void {
  if (!(error instanceof LeaseLost)) throw error;
}

function snapshots(open: OpenLeasingStore): void {
  it('keeps the latest of each stream', async () => {
    await using store = await open();
    expect(await store.snapshots('')).toEqual([]);
    const of = (stream: string, version: number) => ({
      stream,
      version,
      schemaVersion: 1,
      state: { phase: 'ready', at: version, text: '\0 "\uD800' },
    });
    await store.saveSnapshots([of('s:a', 3), of('s:b', 1)]);
    await store.saveSnapshots([of('s:a', 2), of('t', 9)]);
    await store.saveSnapshots([of('s:b', 2)]);
    await store.saveSnapshots([]);
    expect(await store.snapshots('s:')).toEqual([of('s:a', 3), of('s:b', 2)]);
  });

  it('refuses one that is none, and keeps nothing of what came with it', async () => {
    await using store = await open();
    const good = { stream: 'a', version: 1, schemaVersion: 1, state: {} };
    for (const bad of [
      { ...good, stream: '' },
      { ...good, version: 0 },
      { ...good, state: { text: 'x'.repeat(2_000_000) } },
    ])
      await expect(store.saveSnapshots([good, bad])).rejects.toBeInstanceOf(TypeError);
    expect(await store.snapshots('')).toEqual([]);
  });
}
