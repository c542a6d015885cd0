import { expect, it } from 'vitest';
import { countOf, parsePosition, positionOf } from './position.ts';

it('sorts as text as it counts', () => {
  const counts = [1, 2, 9, 10, 99, 100, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const positions = counts.map(positionOf);
  expect(positions.toSorted()).toEqual(positions);
  expect(positions.map(countOf)).toEqual(counts);
});

it('is read from outside only where it is one', () => {
  expect(parsePosition('0000000000000012')).toBe(positionOf(12));
  for (const text of ['', '12', ' 000000000000012', '9'.repeat(16), '0'.repeat(17)]) {
    expect(parsePosition(text)).toBeUndefined();
  }
});

it.each([-1, 1.5, Number.NaN, 2 ** 53])('is never made of %d', (count) => {
  expect(() => positionOf(count)).toThrow(RangeError);
});
