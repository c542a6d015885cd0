import { describe, expect, test } from 'vitest';
import {
  CALL,
  codeOf,
  expectNothingLeft,
  modernWorlds,
  questionsIn,
  retryOf,
  stateIn,
  until,
} from '../../../test-kit/modern-world.ts';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { LEG_MS_MAX, ROUNDS_MAX } from '../../domain/protocol/input-rounds.ts';

const newWorld = modernWorlds();

describe('pages that a server wants visited first (-32042)', () => {
  const PAGE = { message: 'Log in', url: 'https://example.com/login', elicitationId: 'e1' };
  const wanted = { code: -32_042, message: 'Pages first', data: { elicitations: [PAGE] } };

  test('are asked of the client, whose retry makes the call anew', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called();
    at.answer(id, { error: wanted });
    await until(() => leg.answers === 1);
    expect(leg.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        'page-1': { method: 'elicitation/create', params: { ...PAGE, mode: 'url' } },
      },
    });
    expectNothingLeft(world);
    const again = await world.called(
      retryOf(CALL, stateIn(leg), { 'page-1': { action: 'accept' } }),
    );
    const line = again.at.lines.find((sent) => sent['id'] === again.id);
    expect(line?.['params']).toEqual({ name: 'work', arguments: { of: 'alice' } });
    again.at.answer(again.id, { result: { content: [] } });
    await until(() => again.leg.answers === 1);
    expect(again.leg.result).toMatchObject({ resultType: 'complete' });
  });

  test('that the client did not visit end the call, and its state is used', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called();
    at.answer(id, { error: wanted });
    await until(() => leg.answers === 1);
    const state = stateIn(leg);
    const declined = world.send(retryOf(CALL, state, { 'page-1': { action: 'decline' } }));
    expect(declined.error).toMatchObject({ code: -32_603 });
    const replay = world.send(retryOf(CALL, state, { 'page-1': { action: 'accept' } }));
    expect(codeOf(replay)).toBe('REQUEST_STATE_REPLAYED');
    expect(world.calls).toHaveLength(1);
  });

  test('are bound to who was asked, and for as long', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called();
    at.answer(id, { error: wanted });
    await until(() => leg.answers === 1);
    const visited = retryOf(CALL, stateIn(leg), { 'page-1': { action: 'accept' } });
    expect(codeOf(world.send(visited, { principal: 'mallory' }))).toBe('REQUEST_STATE_FOREIGN');
    const other = { ...visited, arguments: {} };
    expect(codeOf(world.send(other))).toBe('REQUEST_STATE_MISMATCH');
    await world.wait(LEG_MS_MAX);
    expect(codeOf(world.send(visited))).toBe('REQUEST_STATE_EXPIRED');
  });

  test('that the client cannot be sent to are a capability that it misses', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called(CALL, { capabilities: { elicitation: {} } });
    at.answer(id, { error: wanted });
    await until(() => leg.answers === 1);
    expect(leg.error).toMatchObject({
      code: -32_021,
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    });
  });

  test('count as rounds: a server that never has enough is INPUT_ROUNDS_EXCEEDED', async () => {
    const world = newWorld();
    let params = CALL;
    const ends: unknown[] = [];
    for (let round = 0; round <= ROUNDS_MAX; round += 1) {
      const { leg, at, id } = await world.called(params);
      at.answer(id, { error: wanted });
      await until(() => leg.answers === 1);
      const state = String(leg.result?.['requestState']);
      params = retryOf(CALL, state, { 'page-1': { action: 'accept' } });
      ends.push(leg.result?.['resultType'] ?? codeOf(leg));
    }
    const asked = Array.from({ length: ROUNDS_MAX }, () => 'input_required');
    expect(ends).toEqual([...asked, 'INPUT_ROUNDS_EXCEEDED']);
    expectNothingLeft(world);
  });

  test('wait for the client where it was away', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    at.answer(id, { error: wanted });
    await settled();
    const retry = world.send(retryOf(CALL, state, {}));
    expect(Object.keys(questionsIn(retry))).toEqual(['page-1']);
    expectNothingLeft(world);
  });
});
