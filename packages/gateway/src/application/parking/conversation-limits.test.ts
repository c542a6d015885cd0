/** Limits of parked calls: what a server may ask, how long it has, and clients that are gone for good. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  ACCEPTED,
  CALL,
  codeOf,
  ModernWorld,
  retryOf,
  stateIn,
  until,
} from '../../../test-kit/modern-world.ts';
import type { ScriptedConnection } from '../../../test-kit/scripted-launcher.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

let world: ModernWorld;
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await world.hub.close();
});

const asks = (at: ScriptedConnection, id: number, params: JsonObject): void =>
  at.says({ id, method: 'elicitation/create', params: { message: 'Who?', ...params } });

const nested = (levels: number): JsonObject => {
  let value: JsonObject = {};
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
};

test('questions that cannot be read, or are too much together, are refused at once, and the call goes on', async () => {
  world = new ModernWorld();
  const { leg, at } = await world.called();
  asks(at, 1, { deep: nested(2_000) });
  expect(world.answersTo(at, 1)).toMatchObject([{ error: { code: -32_600 } }]);
  asks(at, 2, { large: 'x'.repeat(5_000_000) });
  asks(at, 3, { large: 'x'.repeat(5_000_000) });
  expect(world.answersTo(at, 3)).toMatchObject([{ error: { code: -32_603 } }]);
  await until(() => leg.answers === 1);
  expect(Object.keys(leg.result?.['inputRequests'] ?? {})).toEqual(['question-1']);
  const retry = world.send(retryOf(CALL, stateIn(leg), { 'question-1': ACCEPTED }));
  asks(at, 4, { large: 'x'.repeat(5_000_000) });
  await until(() => retry.answers === 1);
  expect(world.answersTo(at, 4)).toEqual([]);
});

test('a parked call is over when its client is gone for good, and those of others are not', async () => {
  world = new ModernWorld();
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
  world = new ModernWorld({ spec: { callTimeoutMs: 5_000 } });
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
