import { describe, expect, test } from 'vitest';
import {
  isAboutOurHop,
  legacyError,
  legacyParams,
  legacyResult,
  modernError,
  modernParams,
  modernResult,
} from './bridge.ts';

const PREFIX = 'io.modelcontextprotocol/';
const GATEWAY = { name: 'mcp-hangar', version: '0' };

describe('params of a modern request for a legacy server', () => {
  test('lose what only the modern era has, and nothing else', () => {
    const params = {
      name: 't',
      unknown: [1],
      inputResponses: {},
      requestState: 's',
      _meta: {
        [`${PREFIX}protocolVersion`]: '2026-07-28',
        [`${PREFIX}clientCapabilities`]: {},
        [`${PREFIX}logLevel`]: 'debug',
        progressToken: 5,
        traceparent: '00-x',
        'com.example/x': 1,
      },
    };
    expect(legacyParams(params)).toEqual({
      name: 't',
      unknown: [1],
      _meta: { progressToken: 5, traceparent: '00-x', 'com.example/x': 1 },
    });
  });

  test('have no _meta where nothing of it is left', () => {
    expect(legacyParams({ _meta: { [`${PREFIX}clientInfo`]: {} } })).toEqual({});
    expect(legacyParams({ _meta: 7 })).toEqual({});
    expect(legacyParams(undefined)).toEqual({});
  });
});

describe('params of a legacy request for a modern server', () => {
  const CLIENT = { capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } };

  test('say whose they are, and keep what was there', () => {
    expect(modernParams({ name: 't', x: [1], _meta: { progressToken: 'p' } }, CLIENT)).toEqual({
      name: 't',
      x: [1],
      _meta: {
        progressToken: 'p',
        [`${PREFIX}protocolVersion`]: '2026-07-28',
        [`${PREFIX}clientCapabilities`]: CLIENT.capabilities,
        [`${PREFIX}clientInfo`]: CLIENT.clientInfo,
      },
    });
    expect(modernParams({}, { ...CLIENT, logLevel: 'info' })['_meta']).toHaveProperty(
      [`${PREFIX}logLevel`],
      'info',
    );
  });

  test('are made where there are none, and claim nothing that a client forged', () => {
    const forged = {
      inputResponses: { q: {} },
      requestState: 'forged',
      _meta: {
        [`${PREFIX}clientCapabilities`]: { sampling: {} },
        [`${PREFIX}logLevel`]: 'debug',
        [`${PREFIX}unheard-of`]: 1,
      },
    };
    expect(modernParams(forged, CLIENT)).toEqual(modernParams(undefined, CLIENT));
    expect(modernParams({ _meta: 'x' }, CLIENT)).toEqual(modernParams({}, CLIENT));
  });

  test('bring the answers of a round, and the state that the server gave', () => {
    const retry = { inputResponses: { q: { action: 'accept' } }, requestState: 's' };
    expect(modernParams({ name: 't', requestState: 'forged' }, CLIENT, retry)).toMatchObject({
      name: 't',
      ...retry,
    });
  });
});

describe('a legacy result for a modern client', () => {
  test('is complete, and says whose it is', () => {
    expect(modernResult('tools/call', { content: [], x: 1, _meta: { a: 1 } }, GATEWAY)).toEqual({
      content: [],
      x: 1,
      resultType: 'complete',
      _meta: { a: 1, [`${PREFIX}serverInfo`]: GATEWAY },
    });
  });

  test('of a read may not be kept', () => {
    expect(modernResult('resources/read', { contents: [] }, GATEWAY)).toEqual({
      contents: [],
      ttlMs: 0,
      cacheScope: 'private',
      resultType: 'complete',
      _meta: { [`${PREFIX}serverInfo`]: GATEWAY },
    });
  });

  test('keeps what the server says of itself', () => {
    const result = { _meta: { [`${PREFIX}serverInfo`]: { name: 'own' } } };
    expect(modernResult('prompts/get', result, GATEWAY)['_meta']).toEqual(result._meta);
  });
});

describe('a modern result for a legacy client', () => {
  test('loses the envelope of its era', () => {
    const result = { resultType: 'complete', ttlMs: 5, cacheScope: 'public', content: [], x: null };
    expect(legacyResult(result)).toEqual({ kind: 'result', result: { content: [], x: null } });
    expect(legacyResult({ content: [] })).toEqual({ kind: 'result', result: { content: [] } });
  });

  test('loses the keys of its era in _meta, and no others', () => {
    const related = { 'io.modelcontextprotocol/related-task': { taskId: 't' }, 'com.example/x': 1 };
    const own = { [`${PREFIX}serverInfo`]: GATEWAY, [`${PREFIX}subscriptionId`]: 7 };
    const read = (meta: unknown): unknown => legacyResult({ content: [], _meta: meta });
    expect(read({ ...own, ...related })).toEqual({
      kind: 'result',
      result: { content: [], _meta: related },
    });
    expect(read(own)).toEqual({ kind: 'result', result: { content: [] } });
  });

  test('may want input first', () => {
    expect(legacyResult({ resultType: 'input_required' })).toEqual({ kind: 'input' });
  });

  test.each([
    ['task', 'task'],
    ['com.example/new', 'com.example/new'],
    [7, 'unknown'],
    [{}, 'unknown'],
  ])('is foreign where its type is %j', (type, resultType) => {
    expect(legacyResult({ resultType: type })).toEqual({ kind: 'foreign', resultType });
  });
});

test('a code that legacy clients do not know is replaced, and what is missing stays', () => {
  const data = { requiredCapabilities: { sampling: {} } };
  expect(legacyError({ code: -32_021, message: 'm', data })).toEqual({
    code: -32_603,
    message: 'm',
    data: { ...data, upstreamCode: -32_021 },
  });
  const other = { code: -32_602, message: 'm', data: 1 };
  expect(legacyError(other)).toBe(other);
});

test('what a server says of the request as the gateway put it is known by its code', () => {
  const codes = [-32_020, -32_021, -32_022, -32_602];
  expect(codes.filter((code) => isAboutOurHop({ code, message: '' }))).toEqual([-32_020, -32_022]);
});

test('a code that the modern era does not have is replaced, and no other', () => {
  const error = { code: -32002, message: 'gone', data: { uri: 'x' } };
  expect(modernError(error)).toEqual({ ...error, code: -32602 });
  expect(modernError({ code: -32042, message: 'x' })).toEqual({ code: -32042, message: 'x' });
});
