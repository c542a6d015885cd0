import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  CALL,
  codeOf,
  modernWorlds,
  retryOf,
  until,
} from '../../../test-kit/modern-world.ts';
import { LEG_MS_MAX } from '../../domain/protocol/input-rounds.ts';
import { MemoryParkedCalls } from '../../infrastructure/state/memory-parked-calls.ts';
import { AesSealer } from '../../infrastructure/state/sealer.ts';
import { Parking, type ParkedFacts } from './parking.ts';

const ANSWERS = { 'question-1': ACCEPTED };
const FUZZED_TOKENS = 1_000;

const newWorld = modernWorlds();

describe('a request state', () => {
  test('opens the call that it was made for, once its client brings the answers', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    const retry = world.send(retryOf(CALL, state, ANSWERS));
    expect(world.answersTo(at, 'q')).toEqual([{ jsonrpc: '2.0', id: 'q', result: ACCEPTED }]);
    at.answer(id, { result: { content: [] } });
    await until(() => retry.answers === 1);
    expect(retry.result).toMatchObject({ resultType: 'complete', content: [] });
    expect(world.calls).toHaveLength(1);
    expect(world.hub.parking.list()).toEqual([]);
  });

  test('that was changed is REQUEST_STATE_INVALID', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    const changed = `${state.slice(0, -5)}${state.at(-5) === 'A' ? 'B' : 'A'}${state.slice(-4)}`;
    const retry = world.send(retryOf(CALL, changed, ANSWERS));
    expect(codeOf(retry)).toBe('REQUEST_STATE_INVALID');
    expect(world.answersTo(at, 'q')).toEqual([]);
  });

  test('that nobody handed out is REQUEST_STATE_INVALID at a server of the legacy era', async () => {
    const world = newWorld();
    const request = world.send(retryOf(CALL, 'made up', ANSWERS));
    await until(() => request.answers === 1);
    expect(codeOf(request)).toBe('REQUEST_STATE_INVALID');
    expect(world.calls).toEqual([]);
  });

  test('that was answered before is REQUEST_STATE_REPLAYED, while the call goes on and after it', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    const first = world.send(retryOf(CALL, state, ANSWERS));
    const second = world.send(retryOf(CALL, state, ANSWERS));
    expect(codeOf(second)).toBe('REQUEST_STATE_REPLAYED');
    at.answer(id, { result: {} });
    await until(() => first.answers === 1);
    const third = world.send(retryOf(CALL, state, ANSWERS));
    expect(codeOf(third)).toBe('REQUEST_STATE_REPLAYED');
    expect(world.answersTo(at, 'q')).toHaveLength(1);
    expect(first.error).toBeUndefined();
  });

  test('of an earlier round is REQUEST_STATE_REPLAYED while the next one waits', async () => {
    const world = newWorld();
    const { state } = await world.parked();
    const second = world.send(retryOf(CALL, state, {}));
    await until(() => second.answers === 1);
    const replay = world.send(retryOf(CALL, state, ANSWERS));
    expect(codeOf(replay)).toBe('REQUEST_STATE_REPLAYED');
    expect(world.hub.parking.list()).toMatchObject([{ round: 2 }]);
  });

  test('that comes too late is REQUEST_STATE_EXPIRED, and the server is told that the call is over', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked();
    await world.wait(LEG_MS_MAX - 1);
    expect(world.hub.parking.list()).toHaveLength(1);
    await world.wait(1);
    const retry = world.send(retryOf(CALL, state, ANSWERS));
    expect(codeOf(retry)).toBe('REQUEST_STATE_EXPIRED');
    expect(at.cancelled).toEqual([id]);
    expect(world.hub.parking.list()).toEqual([]);
    expect(world.hub.inFlight).toBe(0);
  });

  test('that another principal brings is REQUEST_STATE_FOREIGN, and stays good for its own', async () => {
    const world = newWorld();
    const { state, at, id } = await world.parked(CALL, { principal: 'alice' });
    const stolen = world.send(retryOf(CALL, state, ANSWERS), { principal: 'mallory' });
    expect(codeOf(stolen)).toBe('REQUEST_STATE_FOREIGN');
    expect(world.answersTo(at, 'q')).toEqual([]);
    const own = world.send(retryOf(CALL, state, ANSWERS), { principal: 'alice' });
    at.answer(id, { result: {} });
    await until(() => own.answers === 1);
    expect(own.result).toMatchObject({ resultType: 'complete' });
  });

  test.each([
    ['other arguments', { ...CALL, arguments: { of: 'bob' } }],
    ['another tool', { ...CALL, name: 'rest' }],
    ['one argument more', { ...CALL, arguments: { of: 'alice', and: 1 } }],
    ['a member more', { ...CALL, task: {} }],
  ])('with %s is REQUEST_STATE_MISMATCH', async (_what, params) => {
    const world = newWorld();
    const { state, at } = await world.parked();
    const retry = world.send(retryOf(params, state, ANSWERS));
    expect(codeOf(retry)).toBe('REQUEST_STATE_MISMATCH');
    expect(world.answersTo(at, 'q')).toEqual([]);
    expect(world.hub.parking.list()).toHaveLength(1);
  });

  test('with another method is REQUEST_STATE_MISMATCH', async () => {
    const world = newWorld();
    const { state } = await world.parked();
    const retry = world.send(retryOf(CALL, state, ANSWERS), { method: 'prompts/get' });
    expect(codeOf(retry)).toBe('REQUEST_STATE_MISMATCH');
  });

  test('may come with its arguments in another order, and with another _meta', async () => {
    const world = newWorld();
    const { state } = await world.parked({ name: 'work', arguments: { a: 1, b: 2 } });
    const again = { arguments: { b: 2, a: 1 }, name: 'work' };
    const retry = world.send(retryOf(again, state, ANSWERS), { token: 'new' });
    expect(retry.answers).toBe(0); // it waits for the server
  });

  test('of a call whose server has ended is PARKED_CALL_GONE', async () => {
    const world = newWorld();
    const { state, at } = await world.parked();
    at.crash();
    await until(() => world.hub.inFlight === 0);
    expect(world.hub.parking.list()).toEqual([]);
    const retry = world.send(retryOf(CALL, state, ANSWERS));
    expect(codeOf(retry)).toBe('PARKED_CALL_GONE');
  });

  test('of a gateway that was started before is PARKED_CALL_GONE at a server of the legacy era', async () => {
    const world = newWorld();
    const { state } = await world.parked();
    const restarted = newWorld();
    const retry = restarted.send(retryOf(CALL, state, ANSWERS));
    await until(() => retry.answers === 1);
    expect(codeOf(retry)).toBe('PARKED_CALL_GONE');
    expect(restarted.calls).toEqual([]);
  });

  test('that a server of the modern era handed out reaches it byte for byte', async () => {
    const world = newWorld({ hello: { era: 'modern' }, spec: { era: 'modern' } });
    const states = ['theirs ☃ "1"', new AesSealer().seal('of a gateway behind this one')];
    for (const state of states) {
      const { at, id } = await world.called(retryOf(CALL, state, ANSWERS));
      const line = at.lines.find((sent) => sent['id'] === id);
      expect(line).toMatchObject({ params: { requestState: state, inputResponses: ANSWERS } });
    }
  });

  test('is not taken, and costs nobody anything, whatever 1,000 fuzzed ones say', async () => {
    const world = newWorld({ spec: { callTimeoutMs: 10 * LEG_MS_MAX } });
    const { state, at, id } = await world.parked();
    const codes = new Map<unknown, number>();
    await fc.assert(
      fc.asyncProperty(fuzzedStates(state), async (fuzzed) => {
        const request = world.send(retryOf(CALL, fuzzed, ANSWERS));
        await until(() => request.answers > 0);
        const code = codeOf(request);
        codes.set(code, (codes.get(code) ?? 0) + 1);
        expect(['REQUEST_STATE_INVALID', 'PARKED_CALL_GONE']).toContain(code);
      }),
      { numRuns: FUZZED_TOKENS },
    );
    expect(codes.size).toBe(2); // both happened
    expect(world.answersTo(at, 'q')).toEqual([]);
    expect(world.calls).toHaveLength(1);
    const retry = world.send(retryOf(CALL, state, ANSWERS));
    at.answer(id, { result: {} });
    await until(() => retry.answers === 1);
    expect(retry.result).toMatchObject({ resultType: 'complete' });
  });
});

/** What may become of a state on its way, and what somebody may make up. Never the state itself. */
function fuzzedStates(state: string): fc.Arbitrary<string> {
  const [prefix = '', key = '', body = ''] = state.split('.');
  const at = fc.nat(state.length - 1);
  const character = fc.constantFrom(
    'A',
    'B',
    'g',
    'w',
    'z',
    '0',
    '9',
    '-',
    '_',
    '.',
    '=',
    '+',
    '/',
    ' ',
    '\n',
    'é',
  );
  const noise = fc.base64String({ maxLength: 400 });
  return fc
    .oneof(
      fc.tuple(at, character).map(([i, c]) => state.slice(0, i) + c + state.slice(i + 1)),
      at.map((i) => state.slice(0, i)),
      at.map((i) => state.slice(i)),
      fc.tuple(at, at).map(([i, j]) => state.slice(0, i) + state.slice(j)),
      fc.tuple(at, character).map(([i, c]) => state.slice(0, i) + c + state.slice(i)),
      noise.map((text) => `${state}${text}`),
      noise.map((text) => `${prefix}.${key}.${text}`),
      noise.map((text) => `${prefix}.${text.slice(0, 8).replaceAll(/\W/g, '_')}.${body}`),
      fc.nat().map(() => new AesSealer().seal('{"kind":"call"}')),
      fc.string({ maxLength: 9_000 }),
      fc.constant(`${prefix}.${key}.${'A'.repeat(20_000)}`),
      fc.constant(''),
    )
    .filter((text) => text !== state);
}

describe('what is parked', () => {
  test('is bounded: one call more is GATEWAY_BUSY, and its server is told', async () => {
    const world = newWorld({ parkedCallsMax: 1, spec: { leasedChildrenMax: 4 } });
    await world.parked();
    const { leg, at, id } = await world.called();
    at.says({ id: 9, method: 'roots/list' });
    await until(() => leg.answers === 1);
    expect(codeOf(leg)).toBe('GATEWAY_BUSY');
    expect(leg.error?.message).toContain('limits.parked_calls_max');
    expect(at.cancelled).toEqual([id]);
    expect(world.answersTo(at, 9)).toMatchObject([{ error: { code: -32_603 } }]);
    expect(world.hub.parking.list()).toHaveLength(1);
  });

  test('is shown with who made it, what for, and until when it waits', async () => {
    const world = newWorld();
    await world.parked(CALL, { principal: 'alice' });
    expect(world.hub.parking.list()).toEqual([
      {
        id: expect.any(String) as string,
        principal: 'alice',
        mcpServerId: 'up',
        method: 'tools/call',
        name: 'work',
        requestDigest: expect.any(String) as string,
        reason: 'input',
        asks: ['elicitation/create'],
        round: 1,
        parkedAtMs: world.nowMs,
        expiresAtMs: world.nowMs + LEG_MS_MAX,
      },
    ]);
  });

  test('takes no place among the children that work: another call gets one beside it', async () => {
    const world = newWorld({ spec: { leasedChildrenMax: 1 } });
    const first = await world.parked();
    const second = await world.called();
    expect(second.at).not.toBe(first.at);
  });

  test('is given up at once when its only client is gone, and no other one is', async () => {
    const world = newWorld();
    const gone = await world.parked(CALL, { principal: 'pipe', isOneClient: true });
    const other = await world.parked(CALL, { principal: 'alice' });
    world.hub.parking.releasePrincipal('pipe');
    expect(gone.at.cancelled).toEqual([gone.id]);
    expect(other.at.cancelled).toEqual([]);
    expect(world.hub.parking.list()).toMatchObject([{ principal: 'alice' }]);
    await until(() => !gone.at.isAlive); // it was given up: nobody gets its child
    const late = world.send(retryOf(CALL, gone.state, ANSWERS), { principal: 'pipe' });
    expect(codeOf(late)).toBe('PARKED_CALL_GONE');
  });

  test('is gone when the gateway ends, and its timers with it', async () => {
    const world = newWorld();
    await world.parked();
    await world.hub.close();
    expect(world.hub.parking.list()).toEqual([]);
    expect(world.hub.inFlight).toBe(0);
  });
});

describe('Parking by itself', () => {
  const FACTS: Omit<ParkedFacts, 'round'> = {
    principal: 'alice',
    mcpServerId: 'up',
    method: 'tools/call',
    name: 'work',
    requestDigest: 'd',
    asks: [],
  };
  const BEARER = { principal: 'alice', requestDigest: 'd' };
  const waiting = { goOn: () => ({ cancel: () => undefined }), abandon: () => undefined, bytes: 1 };

  const newParking = (): Parking =>
    new Parking({
      clock: { nowMs: () => 1 },
      store: new MemoryParkedCalls(10),
      sealer: new AesSealer(),
      info: {},
    });

  test('keeps so many bytes of requests and no more, and room is free again with the call', () => {
    const parking = newParking();
    const large = { ...waiting, bytes: 100_000_000 };
    parking.park('first', { ...FACTS, round: 1 }, large);
    const second = (): string => parking.park('second', { ...FACTS, round: 1 }, large);
    expect(second).toThrow(expect.objectContaining({ code: 'GATEWAY_BUSY' }) as Error);
    expect(parking.list()).toHaveLength(1);
    parking.leave('first');
    expect(second).not.toThrow();
    parking.close();
  });

  test('forgets used states in the end, and even then an old one does not open a later round', () => {
    const parking = newParking();
    const old = parking.park('call', { ...FACTS, round: 1 }, waiting);
    parking.went('call', 1);
    const current = parking.park('call', { ...FACTS, round: 2 }, waiting);
    for (let used = 0; used < 5_000; used += 1) parking.went(`other ${used}`, 1);
    expect(() => parking.find(old, BEARER)).toThrow(/every state is answered once/);
    expect(parking.find(current, BEARER)).toEqual({ kind: 'call', waiting });
    parking.close();
  });
});
