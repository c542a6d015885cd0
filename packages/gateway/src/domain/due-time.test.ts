import { expect, test } from 'vitest';
import { leftMs } from './due-time.ts';

test('what is further away than the longest delay comes from a clock that was set back, and is due', () => {
  const nowMs = 1_000_000;
  const left = [-1, 0, 1, 30_000, 30_001, 3_600_000].map((ms) => leftMs(nowMs + ms, nowMs, 30_000));
  expect(left).toEqual([0, 0, 1, 30_000, 0, 0]);
});
