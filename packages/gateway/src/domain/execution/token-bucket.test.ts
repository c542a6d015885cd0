import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

test('a full bucket gives its burst at once and then one token for each time it takes', () => {
  const bucket = new TokenBucket({ perSecond: 4, burst: 2 }, 0);
  for (let n = 0; n < 2; n += 1) {
    expect(bucket.waitMs(1, 0)).toBe(0);
    bucket.take(1, 0);
  }
  expect(bucket.waitMs(1, 0)).toBe(250);
  expect(bucket.waitMs(1, 125)).toBe(125);
  expect(bucket.waitMs(1, 250)).toBe(0);
});

test('many tokens are taken as one; more than the burst never come', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
  bucket.take(4, 0);
  expect(bucket.waitMs(4, 0)).toBe(300);
  expect(bucket.waitMs(6, 1_000_000)).toBe(Number.POSITIVE_INFINITY);
});

test('a clock that goes back gives nothing and takes nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 5_000);
  bucket.take(1, 5_000);
  expect(bucket.waitMs(1, 0)).toBe(1_000);
  expect(bucket.waitMs(1, 6_000)).toBe(0);
});

test('it is full again when all of it has flowed in', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  bucket.take(3, 0);
  expect([bucket.isFull(1_499), bucket.isFull(1_500)]).toEqual([false, true]);
});

const limits = fc.record({
  perSecond: fc.double({ min: 0.001, max: 10_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1_000 }),
});
const asks = fc.array(
  fc.record({ afterMs: fc.double({ min: 0, max: 5_000, noNaN: true }), count: fc.nat(50) }),
  { maxLength: 200 },
);

test('no stretch of time gives more than the burst and what flows in during it', () => {
  fc.assert(
    fc.property(limits, asks, (limit, all) => {
      const bucket = new TokenBucket(limit, 0);
      const taken: { atMs: number; count: number }[] = [];
      let nowMs = 0;
      for (const { afterMs, count } of all) {
        nowMs += afterMs;
        if (bucket.waitMs(count, nowMs) > 0) continue;
        bucket.take(count, nowMs);
        taken.push({ atMs: nowMs, count });
      }
      for (const [from, { atMs }] of taken.entries()) {
        let sum = 0;
        for (const later of taken.slice(from)) {
          sum += later.count;
          const most = limit.burst + ((later.atMs - atMs) * limit.perSecond) / 1_000;
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
      for (const { afterMs, count } of all) {
        nowMs += afterMs;
        const waitMs = bucket.waitMs(count, nowMs);
        if (waitMs === Number.POSITIVE_INFINITY) continue;
        nowMs += waitMs;
        expect(bucket.waitMs(count, nowMs)).toBe(0);
        bucket.take(count, nowMs);
      }
    }),
  );
});
