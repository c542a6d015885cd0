import { expect, it } from 'vitest';
import { eventIds } from './event-id.ts';

const eventId = (nowMs: number): string => eventIds({ nowMs: () => nowMs })();
const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

it('makes UUIDs of version 7 that begin with the time', () => {
  expect(eventId(0x0123_4567_89ab)).toMatch(/^01234567-89ab-7/);
  for (const nowMs of [0, 1_700_000_000_000.9, -5, 2 ** 60]) expect(eventId(nowMs)).toMatch(UUID_7);
});

it('makes no two alike, in the same millisecond too', () => {
  const ids = Array.from({ length: 10_000 }, eventIds({ nowMs: () => 1 }));
  expect(new Set(ids).size).toBe(10_000);
  for (const id of ids) expect(id).toMatch(UUID_7);
});

it('sorts by time', () => {
  const ids = [1, 255, 256, 65_536, 1_700_000_000_000, 1_700_000_000_001].map(eventId);
  expect(ids.toSorted()).toEqual(ids);
});
