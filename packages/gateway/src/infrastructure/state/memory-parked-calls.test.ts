import { expect, test } from 'vitest';
import type { ParkedCall } from '../../application/ports.ts';
import { MemoryParkedCalls } from './memory-parked-calls.ts';

const parked = (id: string, round = 1): ParkedCall => ({
  id,
  principal: 'anonymous',
  mcpServerId: 'files',
  method: 'tools/call',
  name: 'read',
  requestDigest: 'digest',
  reason: 'input',
  asks: ['elicitation/create'],
  round,
  parkedAtMs: 1,
  expiresAtMs: 2,
});

test('calls are listed in the order in which they were parked, and found by their id', () => {
  const calls = new MemoryParkedCalls(3);
  for (const id of ['c', 'a', 'b']) expect(calls.put(parked(id))).toBe(true);
  expect(calls.list().map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  expect(calls.find('a')).toEqual(parked('a'));
  expect(calls.find('d')).toBeUndefined();
});

test('a call that is parked again keeps its place, also where there is no room for another', () => {
  const calls = new MemoryParkedCalls(2);
  calls.put(parked('a'));
  calls.put(parked('b'));
  expect(calls.put(parked('c'))).toBe(false);
  expect(calls.put(parked('a', 2))).toBe(true);
  expect(calls.list()).toEqual([parked('a', 2), parked('b')]);
});

test('a call that is removed makes room, and is removed once', () => {
  const calls = new MemoryParkedCalls(1);
  calls.put(parked('a'));
  calls.remove('a');
  calls.remove('a');
  expect(calls.put(parked('b'))).toBe(true);
  expect(calls.list()).toEqual([parked('b')]);
});

test('a list that was given stays as it was', () => {
  const calls = new MemoryParkedCalls(2);
  calls.put(parked('a'));
  const before = calls.list();
  calls.put(parked('b'));
  expect(before).toEqual([parked('a')]);
});
