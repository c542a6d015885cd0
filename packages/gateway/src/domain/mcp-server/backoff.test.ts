import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, dueInMs } from './backoff.ts';

test.each([
  [-1, 0],
  [0, 0],
  [1, 2_000],
  [2, 4_000],
  [3, 8_000],
  [4, 16_000],
  [5, 32_000],
  [6, 60_000],
  [7, 60_000],
  [1_000_000, 60_000],
])('after %i failures a start waits %i ms, in the middle', (failures, waitMs) => {
  expect(backoffMs(failures, 0.5)).toBe(waitMs);
});

test('chance moves it by at most a tenth, and it is a whole number', () => {
  const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), anyRandom, (failures, random) => {
      const middle = backoffMs(failures, 0.5);
      const waitMs = backoffMs(failures, random);
      expect(Number.isInteger(waitMs)).toBe(true);
      expect(Math.abs(waitMs - middle)).toBeLessThanOrEqual(middle / 10);
    }),
  );
  expect([backoffMs(1, 0), backoffMs(1, 0.999_999)]).toEqual([1_800, 2_200]);
});

test('what is further away than the longest back-off comes from a clock that was set back, and is due', () => {
  const nowMs = 1_000_000;
  expect([-1, 0, 1, 66_000, 66_001, 3_600_000].map((ms) => dueInMs(nowMs + ms, nowMs))).toEqual([
    0, 0, 1, 66_000, 0, 0,
  ]);
});
