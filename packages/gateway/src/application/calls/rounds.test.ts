import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  asks,
  CALL_TIMEOUT_MS,
  codeOf,
  finishes,
  lastOf,
  legacyWorld,
  paramsOf,
  questionsIn,
  sent,
  tellProgress,
  wants,
  withdrawnIn,
  type LegacyWorld,
} from '../../../test-kit/legacy-world.ts';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

const META = 'io.modelcontextprotocol/';
const FORM = { method: 'elicitation/create', params: { mode: 'form', message: 'Who?' } };
const PAGE = { method: 'elicitation/create', params: { mode: 'url', url: 'https://x.test' } };
const SAMPLE = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
const ROOTS = { method: 'roots/list' };
const ACCEPTED = '{"action":"accept","content":{"name":"Ada"}}';
const LEG_MS = 600_000;

let worlds: LegacyWorld[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  nowMs = 1;
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await Promise.all(worlds.map(({ hub }) => hub.close()));
  worlds = [];
});

let nowMs = 1;
async function wait(ms: number): Promise<void> {
  await settled();
  nowMs += ms;
  vi.advanceTimersByTime(ms);
  await settled();
}

function openWorld(options: Parameters<typeof legacyWorld>[0] = {}): LegacyWorld {
  const world = legacyWorld({ ...options, nowMs: () => 1_000 + nowMs });
  worlds.push(world);
  return world;
}

describe('A round', () => {
  test('asks the client on the stream of its call, and repeats the request with the answers', async () => {
    const world = openWorld();
    const params = { name: 'work', arguments: { n: 1 }, _meta: { progressToken: 'p' } };
    const heard = await world.call(params);
    const child = world.child();
    const first = lastOf(child);
    const state = 'ü\u2028"\\ \ud800';
    await wants(child, { inputRequests: { 'a b': FORM, 'c/d': ROOTS }, requestState: state });
    expect(heard.messages).toEqual([
      { jsonrpc: '2.0', id: 1, method: FORM.method, params: FORM.params },
      { jsonrpc: '2.0', id: 2, method: 'roots/list', params: {} },
    ]);
    await world.answer(2, '"result":{"roots":[{"uri":"file:///x"}]}');
    expect(sent(child)).toHaveLength(1);
    await world.answer(1, `"result":${ACCEPTED}`);
    const again = lastOf(child);
    expect(again['id']).not.toBe(first['id']);
    expect(paramsOf(again)).toEqual({
      ...paramsOf(first),
      inputResponses: {
        'a b': { action: 'accept', content: { name: 'Ada' } },
        'c/d': { roots: [{ uri: 'file:///x' }] },
      },
      requestState: state,
      _meta: { ...(paramsOf(first)['_meta'] as JsonObject), progressToken: again['id'] },
    });
    await finishes(child);
    expect(heard.ends).toEqual([{ content: [] }]);
  });

  test('gives the answers as they were written', async () => {
    const world = openWorld();
    await world.call();
    const child = world.child();
    await asks(child, { q: FORM });
    const raw: string[] = [];
    const send = child.send.bind(child);
    vi.spyOn(child, 'send').mockImplementation((call) => {
      raw.push(call.parts.join('0'));
      return send(call);
    });
    const result = '{"action":"accept","content":{"n":12345678901234567890,"f":1.0,"__proto__":1}}';
    await world.answer(1, `"result":${result}`);
    expect(raw[0]).toContain(`"inputResponses":{"q":${result}}`);
  });

  test('carries its own answers only, and no state where the server gave none', async () => {
    const world = openWorld();
    await world.call();
    const child = world.child();
    await asks(child, { one: FORM });
    await world.answer(1, `"result":${ACCEPTED}`);
    await wants(child, { inputRequests: { two: FORM } });
    await world.answer(2, '"result":{"action":"decline"}');
    expect(paramsOf(lastOf(child))).toMatchObject({
      inputResponses: { two: { action: 'decline' } },
    });
    expect(paramsOf(lastOf(child))).not.toHaveProperty('requestState');
  });

  test('of a state alone pauses before the request goes out again', async () => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    await wants(child, { requestState: 'later' });
    await wait(249);
    expect(sent(child)).toHaveLength(1);
    await wait(1);
    expect(paramsOf(lastOf(child))).toMatchObject({ requestState: 'later' });
    expect(paramsOf(lastOf(child))).not.toHaveProperty('inputResponses');
    await finishes(child);
    expect(heard.ends).toHaveLength(1);
  });

  test('lets progress go on under the token of the client', async () => {
    const world = openWorld();
    const heard = await world.call({ name: 'work', _meta: { progressToken: 'mine' } });
    const child = world.child();
    await asks(child, { q: FORM });
    tellProgress(child, 1); // too late: it is dropped
    await world.answer(1, `"result":${ACCEPTED}`);
    tellProgress(child, 2);
    const told = heard.messages.filter(({ method }) => method === 'notifications/progress');
    expect(told.map(paramsOf)).toEqual([{ progressToken: 'mine', progress: 2 }]);
  });

  test('names a page that it sends the client to', async () => {
    const world = openWorld();
    const heard = await world.call();
    await asks(world.child(), { q: PAGE });
    expect(paramsOf(heard.messages[0])).toEqual({
      ...PAGE.params,
      elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
  });

  test('is one call in the record, whatever it took', async () => {
    const world = openWorld();
    await world.call();
    const child = world.child();
    await asks(child, { q: FORM });
    await wait(2_000);
    await world.answer(1, `"result":${ACCEPTED}`);
    await finishes(child);
    expect(world.records.map(({ ending }) => ending)).toEqual([
      expect.objectContaining({ outcome: 'answered', durationMs: 2_000 }),
    ]);
  });
});

describe('A round is not begun', () => {
  test.each([
    ['sampling', {}, SAMPLE],
    ['elicitation', {}, FORM],
    ['a page', { elicitation: {} }, PAGE],
    ['a form', { elicitation: { url: {} } }, FORM],
    [
      'tools in sampling',
      { sampling: {} },
      { ...SAMPLE, params: { ...SAMPLE.params, tools: [{ name: 't' }] } },
    ],
  ])('where the client has not declared %s', async (_what, capabilities, question) => {
    const world = openWorld({ capabilities: { roots: {}, ...capabilities } });
    const heard = await world.call();
    await asks(world.child(), { fine: ROOTS, bad: question });
    expect(codeOf(heard)).toBe('INPUT_NOT_SUPPORTED');
    expect(heard.messages).toEqual([]);
  });

  test.each([
    ['a method that no client knows', { inputRequests: { q: { method: 'x/y', params: {} } } }],
    ['a question without params', { inputRequests: { q: { method: FORM.method } } }],
    ['a question that is none', { inputRequests: { q: 7 } }],
    ['questions that are a list', { inputRequests: [FORM] }],
    ['neither questions nor state', {}],
    ['no question and no state', { inputRequests: {} }],
    ['a state that is no text', { requestState: 7 }],
  ])('where the server wants %s', async (_what, result) => {
    const world = openWorld();
    const heard = await world.call();
    await wants(world.child(), result);
    expect(codeOf(heard)).toBe('UPSTREAM_PROTOCOL_ERROR');
    expect(heard.messages).toEqual([]);
  });

  test('for a request that has none', async () => {
    const world = openWorld();
    const ref = { type: 'ref/prompt', name: 'p' };
    const heard = await world.call({ ref }, 'completion/complete');
    await asks(world.child(), { q: FORM });
    expect(codeOf(heard)).toBe('UPSTREAM_PROTOCOL_ERROR');
  });

  test('for the eleventh time', async () => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    for (let round = 1; round <= 10; round += 1) {
      await asks(child, { q: FORM });
      expect(heard.ends).toEqual([]);
      await world.answer(round, `"result":${ACCEPTED}`);
    }
    await asks(child, { q: FORM });
    expect(codeOf(heard)).toBe('INPUT_ROUNDS_EXCEEDED');
    expect(questionsIn(heard)).toHaveLength(10);
  });

  test('where 64 questions wait for the client', async () => {
    const world = openWorld();
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, key) => [`k${key}`, ROOTS]));
    const [full, one] = [await world.call(), await world.call()];
    const [first, second] = sent(world.child());
    const answer = (line: JsonObject | undefined, inputRequests: JsonObject): void =>
      world.child().answer(Number(line?.['id']), {
        result: { resultType: 'input_required', inputRequests },
      });
    answer(first, many);
    answer(second, { q: ROOTS });
    await settled();
    expect(questionsIn(full)).toHaveLength(64);
    expect(codeOf(one)).toBe('GATEWAY_BUSY');
    expect(full.ends).toEqual([]);
  });
});

describe('While its client thinks, a call', () => {
  test('holds no child and has no time limit, and has both again afterwards', async () => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    await asks(child, { q: FORM });
    expect(world.hub.fleet.servers[0]?.running.map(({ inFlight }) => inFlight)).toEqual([0]);
    expect(world.session.busy).toBe(true);
    await wait(CALL_TIMEOUT_MS * 10);
    expect(heard.ends).toEqual([]);
    await world.answer(1, `"result":${ACCEPTED}`);
    await wait(CALL_TIMEOUT_MS - 1);
    expect(heard.ends).toEqual([]);
    await wait(1_001);
    expect(codeOf(heard)).toBe('CALL_TIMED_OUT');
    expect(child.cancelled).toEqual([lastOf(child)['id']]);
  });

  test('outlives the child that wanted the answer', async () => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    await asks(child, { q: FORM });
    child.crash();
    await settled();
    expect(heard.ends).toEqual([]);
    await world.answer(1, `"result":${ACCEPTED}`);
    expect(world.child()).not.toBe(child);
    expect(paramsOf(lastOf(world.child()))).toMatchObject({ requestState: 'state' });
    await finishes(world.child());
    expect(heard.ends).toEqual([{ content: [] }]);
  });

  test('ends with the cause where its server does not start again', async () => {
    const world = openWorld();
    const heard = await world.call();
    await asks(world.child(), { q: FORM });
    world.child().crash();
    vi.spyOn(world.launcher, 'start').mockRejectedValue(new Error('it does not run'));
    await world.answer(1, `"result":${ACCEPTED}`);
    expect(heard.ends).toHaveLength(1);
    expect(world.records).toHaveLength(1);
  });

  test('lends its child to others where it has one to itself', async () => {
    const world = openWorld({ spec: { leasedChildrenMax: 1 } });
    await world.call({ level: 'info' }, 'logging/setLevel');
    const heard = await world.call();
    const child = world.child();
    expect(paramsOf(lastOf(child))['_meta']).toHaveProperty([`${META}logLevel`], 'info');
    await asks(child, { q: FORM });
    const other = await world.call();
    await finishes(child);
    expect(other.ends).toHaveLength(1);
    await world.answer(1, `"result":${ACCEPTED}`);
    await finishes(child);
    expect(heard.ends).toHaveLength(1);
    expect(world.launcher.connections).toHaveLength(1);
  });
});

describe('The questions of a call are taken back', () => {
  test('when the client cancels it', async () => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    await asks(child, { one: FORM, two: SAMPLE, three: ROOTS });
    await world.answer(2, '"result":{"role":"assistant","content":{}}');
    world.notify('notifications/cancelled', { requestId: 'c' });
    expect(withdrawnIn(heard)).toEqual([1, 3]);
    expect(heard.ends).toEqual(['dropped']);
    await world.answer(1, `"result":${ACCEPTED}`);
    await world.answer(3, '"result":{"roots":[]}');
    expect(sent(child)).toHaveLength(1);
    expect(world.records.map(({ ending }) => ending.error)).toEqual(['cancelled']);
  });

  test('when the client cancels it between two rounds', async () => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    await wants(child, { requestState: 'later' });
    world.notify('notifications/cancelled', { requestId: 'c' });
    await wait(1_000);
    expect(sent(child)).toHaveLength(1);
    expect(heard.ends).toEqual(['dropped']);
  });

  test('with its session', async () => {
    const world = openWorld();
    const heard = await world.call();
    await asks(world.child(), { one: FORM, two: ROOTS });
    world.session.close('the client ended the session');
    expect(withdrawnIn(heard)).toEqual([1, 2]);
    expect(heard.ends).toEqual(['dropped']);
  });

  test('when the client has gone silent, and it is asked nothing more', async () => {
    const world = openWorld();
    const [heard, later] = [await world.call(), await world.call()];
    const [first, second] = sent(world.child());
    const answer = (line: JsonObject | undefined): void =>
      world.child().answer(Number(line?.['id']), {
        result: { resultType: 'input_required', inputRequests: { q: FORM } },
      });
    answer(first);
    world.session.fellSilent();
    expect(codeOf(heard)).toBe('INPUT_REFUSED');
    answer(second);
    expect(codeOf(later)).toBe('INPUT_REFUSED');
    expect(later.messages).toEqual([]);
  });

  test('when one of them is not answered in ten minutes', async () => {
    const world = openWorld();
    const heard = await world.call();
    await asks(world.child(), { one: FORM, two: ROOTS });
    await wait(LEG_MS - 1);
    expect(heard.ends).toEqual([]);
    await wait(1);
    expect(codeOf(heard)).toBe('INPUT_TIMED_OUT');
    expect(withdrawnIn(heard)).toEqual([1, 2]);
  });

  test.each([
    ['an error', '"error":{"code":-1,"message":"no"}', 'with an error (-1): no'],
    ['no object', '"result":7', 'must be an object'],
    ['no action', '"result":{}', '"action" must be accept, decline or cancel'],
  ])('when one of them is answered with %s', async (_what, answer, says) => {
    const world = openWorld();
    const heard = await world.call();
    const child = world.child();
    await asks(child, { one: FORM, two: ROOTS });
    await world.answer(1, answer);
    expect(codeOf(heard)).toBe('INPUT_REFUSED');
    expect(JSON.stringify(heard.ends[0])).toContain(JSON.stringify(says).slice(1, -1));
    expect(withdrawnIn(heard)).toEqual([2]);
    expect(sent(child)).toHaveLength(1);
  });

  test('when the client does not read them', async () => {
    const world = openWorld();
    const heard = await world.call();
    const other = await world.call();
    heard.onOverflow = () => undefined;
    const [first] = sent(world.child());
    world.child().answer(Number(first?.['id']), {
      result: { resultType: 'input_required', inputRequests: { one: FORM, two: ROOTS } },
    });
    expect(codeOf(heard)).toBe('CLIENT_TOO_SLOW');
    expect(questionsIn(heard)).toHaveLength(1);
    expect(withdrawnIn(heard)).toEqual([1]);
    expect(other.ends).toEqual([]);
  });
});
