import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

test('a full bucket gives its burst at once and then one token for each time it takes', () => {
  const bucket = new TokenBucket({ perSecond: 4, burst: 2 }, 0);
  for (let n = 0; n < 2; n += 1) {
    expect(bucket.waitMs(0)).toBe(0);
    bucket.take();
  }
  expect(bucket.waitMs(0)).toBe(250);
  expect(bucket.waitMs(125)).toBe(125);
  expect(bucket.waitMs(250)).toBe(0);
});

test('a clock that goes back gives nothing and takes nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 5_000);
  expect(bucket.waitMs(5_000)).toBe(0);
  bucket.take();
  expect(bucket.waitMs(0)).toBe(1_000);
  expect(bucket.waitMs(6_000)).toBe(0);
});

test('it is full again when all of it has flowed in', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  for (let n = 0; n < 3; n += 1) bucket.take();
  expect([bucket.isFull(1_499), bucket.isFull(1_500)]).toEqual([false, true]);
});

const limits = fc.record({
  perSecond: fc.double({ min: 0.001, max: 10_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1_000 }),
});
/** How long after the one before, in milliseconds. */
const asks = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5_000, noNaN: true })), {
  maxLength: 200,
});

test('no stretch of time gives more than the burst and what flows in during it', () => {
  fc.assert(
    fc.property(limits, asks, (limit, all) => {
      const bucket = new TokenBucket(limit, 0);
      const taken: number[] = [];
      let nowMs = 0;
      for (const afterMs of all) {
        nowMs += afterMs;
        if (bucket.waitMs(nowMs) > 0) continue;
        bucket.take();
        taken.push(nowMs);
      }
      for (const [from, atMs] of taken.entries()) {
        let sum = 0;
        for (const laterMs of taken.slice(from)) {
          sum += 1;
          const most = limit.burst + ((laterMs - atMs) * limit.perSecond) / 1_000;
          expect(sum).toBeLessThanOrEqual(most + 1e-6 * Math.max(1, most));
        }
      }
    }),
  );
});

test('who waits as long as it was told gets its tokens', () => {
  fc.assert(
    fc.property(limits, asks, (limit, all) => {
      const bucket = new TokenBucket(limit, 0);
      let nowMs = 0;
      for (const afterMs of all) {
        nowMs += afterMs;
        nowMs += bucket.waitMs(nowMs);
        expect(bucket.waitMs(nowMs)).toBe(0);
        bucket.take();
      }
    }),
  );
});
