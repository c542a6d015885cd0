import { describe, expect, test } from 'vitest';
import { classify, exceedsDepth, RPC, type Message } from './json-rpc.ts';

const invalid = (reason: string, id: string | number | null = null): Message => ({
  kind: 'invalid',
  reason,
  id,
});
const SHAPE = 'a message is a JSON object';
const VERSION = '"jsonrpc" must be "2.0"';
const ID = '"id" must be a string or a number';
const NEITHER = 'neither a request, a notification nor a response';

describe('what a parsed body is', () => {
  test.each<[string, unknown, Message]>([
    [
      'a request',
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { kind: 'request', id: 1, method: 'ping', params: undefined },
    ],
    [
      'a request with a text id',
      { jsonrpc: '2.0', id: '', method: 'x', params: { a: 1 } },
      { kind: 'request', id: '', method: 'x', params: { a: 1 } },
    ],
    [
      'a request with id 0',
      { jsonrpc: '2.0', id: 0, method: 'x', params: {} },
      { kind: 'request', id: 0, method: 'x', params: {} },
    ],
    [
      'a notification',
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { kind: 'notification', method: 'notifications/initialized', params: undefined },
    ],
    ['a result', { jsonrpc: '2.0', id: 'q', result: null }, { kind: 'response', id: 'q' }],
    ['an error', { jsonrpc: '2.0', id: 2.5, error: {} }, { kind: 'response', id: 2.5 }],
    ['null', null, invalid(SHAPE)],
    ['a number', 7, invalid(SHAPE)],
    ['a text', '{}', invalid(SHAPE)],
    ['an array', [{ jsonrpc: '2.0', id: 1, method: 'x' }], invalid(SHAPE)],
    ['an empty object', {}, invalid(VERSION)],
    ['another version', { jsonrpc: '1.0', id: 4, method: 'x' }, invalid(VERSION, 4)],
    ['a version as number', { jsonrpc: 2, method: 'x' }, invalid(VERSION)],
    ['a null id', { jsonrpc: '2.0', id: null, method: 'x' }, invalid(ID)],
    ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'x' }, invalid(ID)],
    ['an id that is true', { jsonrpc: '2.0', id: true, result: 1 }, invalid(ID)],
    [
      'an id beyond all numbers',
      { jsonrpc: '2.0', id: Number.POSITIVE_INFINITY, method: 'x' },
      invalid(ID),
    ],
    [
      'a method that is no text',
      { jsonrpc: '2.0', id: 3, method: 7 },
      invalid('"method" must be a string', 3),
    ],
    [
      'positional params',
      { jsonrpc: '2.0', id: 'p', method: 'x', params: [1] },
      invalid('"params" must be an object', 'p'),
    ],
    [
      'null params',
      { jsonrpc: '2.0', method: 'x', params: null },
      invalid('"params" must be an object'),
    ],
    ['nothing but an id', { jsonrpc: '2.0', id: 6 }, invalid(NEITHER, 6)],
    ['a result and an error', { jsonrpc: '2.0', id: 6, result: 1, error: {} }, invalid(NEITHER, 6)],
    ['a result without id', { jsonrpc: '2.0', result: 1 }, invalid(NEITHER)],
  ])('%s', (_what, value, message) => {
    expect(classify(value)).toEqual(message);
  });
});

describe('nesting', () => {
  const nested = (levels: number, inner: unknown = 1): unknown =>
    levels === 0
      ? inner
      : levels % 2 === 0
        ? [nested(levels - 1, inner)]
        : { a: 0, b: nested(levels - 1, inner) };

  test('counts objects and arrays, not values', () => {
    expect(exceedsDepth(1, 0)).toBe(false);
    expect(exceedsDepth('deep', 0)).toBe(false);
    expect(exceedsDepth(null, 0)).toBe(false);
    expect(exceedsDepth({}, 0)).toBe(true);
    expect(exceedsDepth({}, 1)).toBe(false);
    expect(exceedsDepth({ a: [] }, 1)).toBe(true);
  });

  test.each([1, 2, 7, 63, 64])('of exactly %i levels is at the limit', (levels) => {
    expect(exceedsDepth(nested(levels), levels)).toBe(false);
    expect(exceedsDepth(nested(levels + 1), levels)).toBe(true);
  });

  test('of a hundred thousand levels is refused without an overflow', () => {
    const text = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(exceedsDepth(JSON.parse(text), 64)).toBe(true);
  });
});

test('the codes on the wire are pinned', () => {
  expect(RPC).toEqual({
    parseError: -32700,
    invalidRequest: -32600,
    methodNotFound: -32601,
    invalidParams: -32602,
    internalError: -32603,
    gateway: -32000,
    sessionNotFound: -32001,
    resourceNotFound: -32002,
    headerMismatch: -32020,
    missingCapability: -32021,
    urlElicitationRequired: -32042,
    unsupportedVersion: -32022,
  });
});
