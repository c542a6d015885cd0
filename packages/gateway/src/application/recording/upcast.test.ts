import { expect, test } from 'vitest';
import { lifted, versionOf, type Upcasters } from './upcast.ts';

/** A type that had seconds first, then milliseconds, then a unit of its own. */
const UPCASTERS: Upcasters = {
  Waited: [
    ({ seconds, ...rest }) => ({ ...rest, ms: Number(seconds) * 1_000 }),
    ({ ms, ...rest }) => {
      if (typeof ms !== 'number') throw new TypeError('no number');
      return { ...rest, duration: { ms } };
    },
  ],
};

test('an event of any earlier version goes through all the steps behind it', () => {
  const of = (schemaVersion: number, data: Record<string, number>) =>
    lifted({ type: 'Waited', schemaVersion, data }, UPCASTERS);
  const today = { type: 'Waited', data: { id: 1, duration: { ms: 2_000 } } };
  expect(of(1, { id: 1, seconds: 2 })).toEqual(today);
  expect(of(2, { id: 1, ms: 2_000 })).toEqual(today);
  expect(lifted({ ...today, schemaVersion: 3 }, UPCASTERS)).toEqual(today);
  expect(versionOf('Waited', UPCASTERS)).toBe(3);
});

test('what this program cannot know stops nothing', () => {
  const event = { type: 'Waited', schemaVersion: 4, data: {} };
  expect(lifted(event, UPCASTERS)).toBeUndefined();
  expect(lifted({ ...event, schemaVersion: 0 }, UPCASTERS)).toBeUndefined();
  expect(lifted({ ...event, schemaVersion: 2 }, UPCASTERS)).toBeUndefined();
  const unknown = { type: 'toString', schemaVersion: 1, data: { a: 1 } };
  expect(lifted(unknown, UPCASTERS)).toEqual({ type: 'toString', data: { a: 1 } });
  expect(versionOf('constructor')).toBe(1);
});
