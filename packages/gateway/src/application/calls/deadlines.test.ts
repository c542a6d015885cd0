import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Deadlines, type Limited } from './deadlines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function limited(deadlineMs: number, onDeadline: () => void): Limited {
  return { deadlineMs, deadlineKey: 0, onDeadline };
}

test('tells whose time is up, again at every look until it is taken out', () => {
  const deadlines = new Deadlines(1_000);
  const told: string[] = [];
  const soon = limited(performance.now() + 500, () => told.push('soon'));
  const late = limited(performance.now() + 60_000, () => told.push('late'));
  for (const one of [soon, late, soon]) deadlines.add(one);
  vi.advanceTimersByTime(400);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(told).toEqual(['soon', 'soon']);
  deadlines.remove(soon);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual(['soon', 'soon']);
  deadlines.close();
});

test('says nothing to one that the end of another has freed in the same look', () => {
  const deadlines = new Deadlines(1_000);
  const told: string[] = [];
  const second = limited(performance.now() + 500, () => told.push('second'));
  const first = limited(performance.now() + 500, () => {
    told.push('first');
    deadlines.remove(first);
    deadlines.remove(second);
  });
  deadlines.add(first);
  deadlines.add(second);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual(['first']);
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount()).toBe(0);
});
