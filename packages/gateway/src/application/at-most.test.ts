import { expect, test } from 'vitest';
import { atMost } from './at-most.ts';

test('so many are under way at one time, in their order, and all are done', async () => {
  const begun: number[] = [];
  let underWay = 0;
  let most = 0;
  await atMost(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
    begun.push(item);
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
  });
  expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect([most, underWay]).toEqual([3, 0]);
});

test('what one throws is thrown', async () => {
  await expect(atMost(2, ['a', 'b'], (item) => Promise.reject(new Error(item)))).rejects.toThrow(
    'a',
  );
});
