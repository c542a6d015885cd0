/** Limits of parked calls: how long their servers have, and clients that are gone for good. */
import { expect, test } from 'vitest';
import {
  ACCEPTED,
  CALL,
  codeOf,
  modernWorlds,
  retryOf,
  until,
} from '../../../test-kit/modern-world.ts';

const newWorld = modernWorlds();

test('a parked call is over when its client is gone for good, and those of others are not', async () => {
  const world = newWorld();
  const { state, at, id } = await world.parked(CALL, { principal: 'alice' });
  await world.parked(CALL, { principal: 'bob' });
  world.hub.parking.releasePrincipal('alice');
  expect(at.cancelled).toEqual([id]);
  expect(world.hub.parking.list()).toMatchObject([{ principal: 'bob' }]);
  expect(world.hub.inFlight).toBe(1);
  const late = world.send(retryOf(CALL, state, {}), { principal: 'alice' });
  expect(codeOf(late)).toBe('PARKED_CALL_GONE');
});

test('a call that the gateway carries out by another one has its whole time again, too', async () => {
  const world = newWorld({ spec: { callTimeoutMs: 5_000 } });
  const wanted = { mcp_server: 'up', tool: 'work', arguments: {}, timeout: 5 };
  const invoke = { name: 'registry_invoke', arguments: wanted };
  const { state, at, id } = await world.parked(invoke, { isForAll: true });
  await world.wait(4_000);
  const answers = { 'question-1': ACCEPTED };
  const retry = world.send(retryOf(invoke, state, answers), { isForAll: true });
  await world.wait(4_000);
  expect(retry.answers).toBe(0);
  at.answer(id, { result: { content: [] } });
  await until(() => retry.answers === 1);
  expect(retry.result).not.toHaveProperty('isError');
  expect(world.hub.inFlight).toBe(0);
  expect(world.hub.parking.list()).toEqual([]);
});
