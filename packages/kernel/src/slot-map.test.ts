import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlotMap } from './slot-map.ts';

test('is what a Map with a counter is, whatever comes and goes', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant('insert' as const) },
    { weight: 4, arbitrary: fc.nat({ max: 40 }) },
    { weight: 1, arbitrary: fc.constant('oldest' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const [slots, map] = [new SlotMap<string>(), new Map<number, string>()];
      const remove = (key: number): void => {
        expect(slots.remove(key)).toBe(map.get(key));
        map.delete(key);
      };
      let latest = 0;
      const given: number[] = [];
      for (const what of steps) {
        // Those that came lately go soon, and one stays for long now and then.
        if (what === 'oldest') remove([...map.keys()][0] ?? 0);
        else if (what !== 'insert') remove(latest - what);
        else {
          const before = latest;
          latest = slots.insert(`value behind ${before}`);
          map.set(latest, `value behind ${before}`);
          given.push(latest);
        }
        expect(slots.size).toBe(map.size);
        expect(slots.first).toBe([...map.values()][0]);
      }
      expect(given).toEqual([...new Set(given)].toSorted((one, other) => one - other));
      expect([...slots]).toEqual([...map.values()]);
      for (const [key, value] of map) expect(slots.get(key)).toBe(value);
    }),
    { numRuns: 1_000 },
  );
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2, 17, 2 ** 53])(
  'has nothing under %s, which it did not give',
  (key) => {
    const slots = new SlotMap<string>();
    expect(slots.insert('one')).toBe(1);
    expect(slots.get(key)).toBeUndefined();
    expect(slots.remove(key)).toBeUndefined();
    expect(slots.size).toBe(1);
  },
);

test('goes through those that were there when it began', () => {
  const slots = new SlotMap<number>();
  const keys = [10, 20, 30].map((value) => slots.insert(value));
  const seen: number[] = [];
  for (const value of slots) {
    seen.push(value);
    slots.remove(keys[2] ?? 0);
    slots.insert(99);
  }
  expect(seen).toEqual([10, 20, 30]);
});

test('gives no number twice, also around one that stays', () => {
  const slots = new SlotMap<number>();
  const stays = slots.insert(-1);
  const given = new Set([stays]);
  for (let n = 0; n < 100_000; n += 1) {
    const key = slots.insert(n);
    expect(given.has(key)).toBe(false);
    given.add(key);
    slots.remove(key);
  }
  expect(slots.get(stays)).toBe(-1);
  expect(slots.some((value) => value === -1)).toBe(true);
  slots.clear();
  expect([slots.size, [...slots], slots.get(stays)]).toEqual([0, [], undefined]);
  expect(slots.some(() => true)).toBe(false);
  expect(given.has(slots.insert(5))).toBe(false);
  expect([...slots, slots.first]).toEqual([5, 5]);
});
