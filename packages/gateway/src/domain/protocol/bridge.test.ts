import { describe, expect, test } from 'vitest';
import { legacyParams, legacyResult, modernError, modernParams, modernResult } from './bridge.ts';

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
  test('declare no capability, and keep what was there', () => {
    expect(modernParams({ name: 't', _meta: { progressToken: 'p' } }, GATEWAY)).toEqual({
      name: 't',
      _meta: {
        progressToken: 'p',
        [`${PREFIX}protocolVersion`]: '2026-07-28',
        [`${PREFIX}clientCapabilities`]: {},
        [`${PREFIX}clientInfo`]: GATEWAY,
      },
    });
  });

  test('are made where there are none, and claim nothing that a client forged', () => {
    const forged = { _meta: { [`${PREFIX}clientCapabilities`]: { sampling: {} } } };
    expect(modernParams(forged, GATEWAY)).toEqual(modernParams(undefined, GATEWAY));
    expect(modernParams({ _meta: 'x' }, GATEWAY)).toEqual(modernParams({}, GATEWAY));
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

  test.each([
    ['input_required', 'input_required'],
    ['task', 'task'],
    ['com.example/new', 'com.example/new'],
    [7, 'unknown'],
    [{}, 'unknown'],
  ])('is unfinished where its type is %j', (type, resultType) => {
    expect(legacyResult({ resultType: type })).toEqual({ kind: 'unfinished', resultType });
  });
});

test('a code that the modern era does not have is replaced, and no other', () => {
  const error = { code: -32002, message: 'gone', data: { uri: 'x' } };
  expect(modernError(error)).toEqual({ ...error, code: -32602 });
  expect(modernError({ code: -32042, message: 'x' })).toEqual({ code: -32042, message: 'x' });
});
