import { expect, test } from 'vitest';
import { covers, samePlace } from './resource-places.ts';

test.each([
  ['up://one', 'up://one', true],
  ['up://one', 'up://one/part', true],
  ['up://one/', 'up://one/part', true],
  ['up://one', 'up://one?part', false],
  ['up://one', 'up://one-more', false],
  ['up://one/part', 'up://one', false],
  ['up://one/', 'up://one', false],
])('a subscription to %s is told of %s: %s', (wanted, uri, isTold) => {
  expect(covers(wanted, uri)).toBe(isTold);
});

test('what lies below a resource keeps its place under the public name', () => {
  const place = (uri: string): string => samePlace(uri, 'up://one', 'hangar://two/up://one');
  expect(place('up://one')).toBe('hangar://two/up://one');
  expect(place('up://one/a/b')).toBe('hangar://two/up://one/a/b');
});
