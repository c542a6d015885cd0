import { describe, expect, test } from 'vitest';
import { isAboutOurHop, legacyError, legacyResult, modernError, modernResult } from './bridge.ts';

const PREFIX = 'io.modelcontextprotocol/';
const GATEWAY = { name: 'mcp-hangar', version: '0' };

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
