import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  CALL,
  codeOf,
  expectNothingLeft,
  modernWorlds,
  questionsIn,
  retryOf,
  stateIn,
  until,
} from '../../../test-kit/modern-world.ts';
import { settled, type ScriptedConnection } from '../../../test-kit/scripted-launcher.ts';
import { LEG_MS_MAX, ROUNDS_MAX } from '../../domain/protocol/input-rounds.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

const newWorld = modernWorlds();

const asks = (at: ScriptedConnection, id: number | string, params: JsonObject = {}): void =>
  at.says({ id, method: 'elicitation/create', params: { message: `Question ${id}`, ...params } });

/** Longer than questions are gathered for one round. */
const A_MOMENT_MS = 100;

describe('the questions of a server', () => {
  test('of one turn come in one round, each with a key, without what ties it to a session', async () => {
    const world = newWorld();
    const { leg, at } = await world.called();
    asks(at, 1, { _meta: { progressToken: 1, kept: true }, task: { ttl: 1 } });
    at.says({ id: 'two', method: 'roots/list' });
    await until(() => leg.answers === 1);
    expect(leg.result).toEqual({
      resultType: 'input_required',
      inputRequests: {
        'question-1': {
          method: 'elicitation/create',
          params: { message: 'Question 1', _meta: { kept: true } },
        },
        'question-2': { method: 'roots/list', params: {} },
      },
      requestState: expect.any(String) as string,
      _meta: expect.any(Object) as JsonObject,
    });
    expect(world.hub.parking.list()).toMatchObject([
      { asks: ['elicitation/create', 'roots/list'], round: 1 },
    ]);
  });

  test('of one round may come some milliseconds apart, but no server puts a round off for long', async () => {
    const world = newWorld();
    const { leg, at } = await world.called();
    for (let id = 1; id <= 20; id += 1) {
      asks(at, id);
      await world.wait(5);
    }
    expect(leg.answers).toBe(1);
    expect(Object.keys(questionsIn(leg)).length).toBeGreaterThan(5);
    expect(Object.keys(questionsIn(leg)).length).toBeLessThan(15);
  });

  test('get the answer that has their key, under the id of the server', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called();
    asks(at, 7);
    at.says({ id: '7', method: 'roots/list' });
    await until(() => leg.answers === 1);
    const responses = { 'question-2': { roots: [] }, 'question-1': { action: 'decline' } };
    const retry = world.send(retryOf(CALL, stateIn(leg), responses));
    expect(world.answersTo(at, 7)).toMatchObject([{ result: { action: 'decline' } }]);
    expect(world.answersTo(at, '7')).toMatchObject([{ result: { roots: [] } }]);
    at.answer(id, { result: { content: [] } });
    await until(() => retry.answers === 1);
    expectNothingLeft(world);
  });

  test('are asked once more where the client left them out, and only those', async () => {
    const world = newWorld();
    const { leg, at } = await world.called();
    asks(at, 1);
    asks(at, 2);
    await until(() => leg.answers === 1);
    const wrong = { 'question-1': ACCEPTED, 'question-9': ACCEPTED, __proto__: ACCEPTED };
    const second = world.send(retryOf(CALL, stateIn(leg), wrong));
    await until(() => second.answers === 1);
    expect(Object.keys(questionsIn(second))).toEqual(['question-2']);
    expect(world.answersTo(at, 1)).toHaveLength(1);
    expect(world.answersTo(at, 2)).toEqual([]);
    expect(world.hub.parking.list()).toMatchObject([{ round: 2 }]);
  });

  test.each([
    ['no object', 'yes', 'must be an object'],
    ['an unknown action', { action: 'maybe' }, '"action" must be accept, decline or cancel'],
  ])('are not answered with %s: the client may bring a better answer', async (_what, bad, why) => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    const flawed = world.send(retryOf(CALL, state, { 'question-1': bad as JsonObject }));
    expect(flawed.error).toEqual({
      code: -32_602,
      message: `Invalid params: inputResponses["question-1"]: ${why}`,
    });
    expect(world.answersTo(at, 'q')).toEqual([]);
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    at.answer(id, { result: {} });
    await until(() => retry.answers === 1);
    expect(retry.error).toBeUndefined();
    expectNothingLeft(world);
  });

  test('that are no JSON are refused: a long line comes unchecked', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called();
    at.saysLine('{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":no}}');
    expect(world.answersTo(at, 'q')).toMatchObject([{ error: { code: -32_600 } }]);
    at.answer(id, { result: {} });
    await until(() => leg.answers === 1);
    expectNothingLeft(world);
  });

  test('that it takes back are asked no more, and the call goes on', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    at.says({ method: 'notifications/cancelled', params: { requestId: 'q' } });
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    await world.wait(A_MOMENT_MS);
    expect(retry.answers).toBe(0);
    expect(world.answersTo(at, 'q')).toEqual([]);
    at.answer(id, { result: {} });
    await until(() => retry.answers === 1);
    expectNothingLeft(world);
  });

  test('that came while the client was away are in the next round', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    asks(at, 2);
    await settled();
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    await until(() => retry.answers === 1);
    expect(Object.keys(questionsIn(retry))).toEqual(['question-2']);
  });

  test('that the client does not support are refused at once, and the call goes on', async () => {
    const world = newWorld();
    const { leg, at } = await world.called(CALL, { capabilities: { elicitation: {} } });
    asks(at, 1, { mode: 'url', url: 'https://example.com', elicitationId: 'e' });
    at.says({ id: 2, method: 'sampling/createMessage', params: {} });
    await world.wait(A_MOMENT_MS);
    expect(leg.answers).toBe(0);
    expect(world.answersTo(at, 1)).toMatchObject([{ error: { code: -32_601 } }]);
    expect(world.answersTo(at, 2)).toMatchObject([{ error: { code: -32_601 } }]);
  });

  test('end the call at the last round: INPUT_ROUNDS_EXCEEDED', async () => {
    const world = newWorld();
    const { leg, at, id } = await world.called();
    asks(at, 1);
    let last = leg;
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      const asked = last;
      await until(() => asked.answers === 1);
      expect(Object.keys(questionsIn(asked))).toEqual(['question-1']);
      last = world.send(retryOf(CALL, stateIn(asked), {}));
    }
    await until(() => last.answers === 1);
    expect(codeOf(last)).toBe('INPUT_ROUNDS_EXCEEDED');
    expect(at.cancelled).toEqual([id]);
    expectNothingLeft(world);
  });
});

describe('a parked call', () => {
  test('keeps the answer that came while its client was away', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    at.answer(id, { result: { content: [{ type: 'text', text: 'done' }] } });
    await settled();
    expect(world.hub.inFlight).toBe(0);
    expect(world.answersTo(at, 'q')).toMatchObject([{ error: { message: 'the call is over' } }]);
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    expect(retry.result).toMatchObject({ content: [{ text: 'done' }] });
    expect(world.answersTo(at, 'q')).toHaveLength(1);
    expectNothingLeft(world);
  });

  test('keeps an error of its server just so, but no answer that is too large', async () => {
    const world = newWorld();
    const failed = await world.parked();
    failed.at.answer(failed.id, { error: { code: -32_050, message: 'no luck' } });
    const retry = world.send(retryOf(CALL, failed.state, {}));
    expect(retry.error).toMatchObject({ code: -32_050, message: 'no luck' });
    const large = await world.parked();
    large.at.answer(large.id, { result: { text: 'x'.repeat(1_100_000) } });
    await settled();
    const second = world.send(retryOf(CALL, large.state, {}));
    expect(codeOf(second)).toBe('UPSTREAM_ANSWER_TOO_LARGE');
    expectNothingLeft(world);
  });

  test('that nobody comes back for drops the answer that it kept', async () => {
    const world = newWorld();
    const { at, id } = await world.parked();
    at.answer(id, { result: {} });
    await settled();
    await world.wait(LEG_MS_MAX);
    expect(at.cancelled).toEqual([]);
    expectNothingLeft(world);
  });

  test('is not timed out while its client has the questions', async () => {
    const world = newWorld({ spec: { callTimeoutMs: 5_000 } });
    const { state, at, id } = await world.parked();
    await world.wait(LEG_MS_MAX / 2);
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    at.answer(id, { result: {} });
    await until(() => retry.answers === 1);
    expect(retry.error).toBeUndefined();
  });

  test('has its whole time again once its server has the answers', async () => {
    const world = newWorld({ spec: { callTimeoutMs: 5_000 } });
    const { state, at, id } = await world.parked();
    await world.wait(9_900); // just before the limit is looked at once more
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    await world.wait(4_000);
    expect(retry.answers).toBe(0);
    await world.wait(2_000);
    expect(codeOf(retry)).toBe('CALL_TIMED_OUT');
    expect(at.cancelled).toEqual([id]);
    expectNothingLeft(world);
  });

  test('is ended by the client that cancels the request which goes on with it', async () => {
    const world = newWorld();
    const { state, at, id, leg } = await world.parked();
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    leg.pending.cancel('late: this request is over');
    expect(at.cancelled).toEqual([]);
    retry.pending.cancel('changed');
    expect(at.cancelled).toEqual([id]);
    expect([leg.answers, retry.answers, retry.dropped]).toEqual([1, 0, true]);
    await settled();
    expectNothingLeft(world);
  });

  test('is not touched by a cancelled request whose state was refused', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    const stolen = world.send(retryOf(CALL, state, {}), { principal: 'mallory' });
    stolen.pending.cancel('changed');
    const flawed = world.send(
      retryOf(CALL, state, { 'question-1': 'no' as unknown as JsonObject }),
    );
    flawed.pending.cancel('changed');
    expect(at.cancelled).toEqual([]);
    expect(world.hub.parking.list()).toHaveLength(1);
  });

  test('ends with its child: who comes back makes the call again', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    asks(at, 2);
    at.crash();
    await until(() => retry.answers === 1);
    expect(codeOf(retry)).toBe('UPSTREAM_ENDED');
    expectNothingLeft(world);
  });
});

describe('progress', () => {
  const progress = (at: ScriptedConnection, id: number): void =>
    at.progress(id, { progressToken: id, progress: 1 });

  test('goes on under the token of the request that waits now', async () => {
    const world = newWorld();
    const { leg, state, at, id } = await world.parked(CALL, { token: 'first' });
    progress(at, id); // nobody waits: it is lost
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }), { token: 2 });
    progress(at, id);
    expect(leg.messages).toEqual([]);
    expect(retry.messages).toMatchObject([{ params: { progressToken: 2, progress: 1 } }]);
  });

  test('ends where the request that waits now wants none', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked(CALL, { token: 'first' });
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    progress(at, id);
    expect(retry.messages).toEqual([]);
  });
});

describe('what the request that goes on declares', () => {
  test('counts for the questions that follow', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }), {
      capabilities: { elicitation: {} },
    });
    at.says({ id: 2, method: 'roots/list' });
    await world.wait(A_MOMENT_MS);
    expect(retry.answers).toBe(0);
    expect(world.answersTo(at, 2)).toMatchObject([{ error: { code: -32_601 } }]);
  });

  test('counts for a question that it leaves unanswered', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    const retry = world.send(retryOf(CALL, state, {}), { capabilities: { roots: {} } });
    await world.wait(A_MOMENT_MS);
    expect(retry.answers).toBe(0);
    expect(world.answersTo(at, 'q')).toMatchObject([{ error: { code: -32_601 } }]);
  });

  test('counts for log messages', async () => {
    const world = newWorld();
    const { state, at } = await world.parked(CALL, { logLevel: 'info' });
    const retry = world.send(retryOf(CALL, state, { 'question-1': ACCEPTED }));
    at.says({ method: 'notifications/message', params: { level: 'info', data: 'x' } });
    expect(retry.messages).toEqual([]);
  });
});
