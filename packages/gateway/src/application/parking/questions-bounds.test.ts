import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CALL, ModernWorld, retryOf, stateIn, until } from '../../../test-kit/modern-world.ts';
import { settled, type ScriptedConnection } from '../../../test-kit/scripted-launcher.ts';

const MIB = 1_048_576;

let world: ModernWorld;
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
  world = new ModernWorld({ spec: { leasedChildrenMax: 64 } });
});
afterEach(async () => {
  vi.useRealTimers();
  await world.hub.close();
});

const asks = (at: ScriptedConnection, id: number, bytes: number): void =>
  at.says({ id, method: 'elicitation/create', params: { message: 'x'.repeat(bytes) } });

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

test.each([
  ['is no JSON', 'foo'],
  ['nests deep', nested(1_000)],
  ['nests deeper than the stack of whoever reads it', nested(50_000)],
])('a question that %s is refused, and the call goes on', async (_what, value) => {
  const { leg, at, id } = await world.called();
  at.saysLine(
    `{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":${value}}}`,
  );
  expect(world.answersTo(at, 7)).toMatchObject([{ error: { code: -32_600 } }]);
  at.answer(id, { result: { content: [] } });
  await until(() => leg.answers === 1);
  expect(leg.result).toMatchObject({ content: [] });
});

test('questions of one call are kept up to 4 MiB, answered ones make room', async () => {
  const { leg, at } = await world.called();
  asks(at, 1, 3 * MIB);
  asks(at, 2, 3 * MIB);
  expect(world.answersTo(at, 2)).toMatchObject([{ error: { code: -32_603 } }]);
  await until(() => leg.answers === 1);
  world.send(retryOf(CALL, stateIn(leg), { 'question-1': { action: 'decline' } }));
  asks(at, 3, 3 * MIB);
  expect(world.answersTo(at, 3)).toEqual([]);
});

test('questions of all calls are kept up to 32 MiB, and none is counted when its call is over', async () => {
  const { parking } = world.hub;
  const calls = [];
  for (let each = 0; each < 9; each += 1) {
    const call = await world.called();
    asks(call.at, 1, 3.9 * MIB);
    calls.push(call);
  }
  const refused = calls.filter(({ at }) => world.answersTo(at, 1).length > 0);
  expect(refused).toHaveLength(1);
  expect(parking.questionBytes).toBeLessThanOrEqual(32 * MIB);
  for (const { at } of calls) at.crash();
  await settled();
  expect(parking.questionBytes).toBe(0);
});

test('an answer is one line for whoever reads it, also where it holds line ends of Unicode', async () => {
  const { at, state } = await world.parked();
  const lines: string[] = [];
  const write = at.write.bind(at);
  at.write = (line) => {
    lines.push(line);
    write(line);
  };
  const content = { name: 'a\u2028b\u2029c' };
  world.send(retryOf(CALL, state, { 'question-1': { action: 'accept', content } }));
  expect(lines.some((line) => /[\u2028\u2029]/.test(line))).toBe(false);
  expect(world.answersTo(at, 'q')).toMatchObject([{ result: { content } }]);
});
