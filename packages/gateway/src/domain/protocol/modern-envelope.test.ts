import { describe, expect, test } from 'vitest';
import type { JsonObject, Request } from './json-rpc.ts';
import {
  checkModern,
  claimedRevision,
  isModern,
  isRefusal,
  type Refusal,
  type RoutingHeaders,
} from './modern-envelope.ts';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
const REVISION = '2026-07-28';
const META: JsonObject = { [VERSION]: REVISION, [CAPABILITIES]: {} };

interface Sent {
  readonly method?: string;
  readonly params?: JsonObject | undefined;
  readonly headers?: Partial<RoutingHeaders>;
}

function check({ method = 'tools/call', params, headers }: Sent): ReturnType<typeof checkModern> {
  const request: Request = { kind: 'request', id: 1, method, params };
  return checkModern(request, {
    protocolVersion: REVISION,
    method,
    name: undefined,
    ...headers,
  });
}

const call = (meta: unknown, more: JsonObject = { name: 't' }): JsonObject => ({
  ...more,
  _meta: meta,
});
const bad = (code: number, message: string, data?: unknown): Refusal => ({
  error: data === undefined ? { code, message } : { code, message, data },
});

const SUPPORTED = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

describe('a modern request is refused', () => {
  test.each<[string, Sent, Refusal]>([
    [
      'without the version header',
      { params: call(META), headers: { protocolVersion: undefined, name: 't' } },
      bad(-32020, 'Header mismatch: the MCP-Protocol-Version header is missing'),
    ],
    [
      'where header and body name two revisions',
      { params: call(META), headers: { protocolVersion: '2025-11-25', name: 't' } },
      bad(
        -32020,
        'Header mismatch: MCP-Protocol-Version is "2025-11-25" but _meta says "2026-07-28"',
      ),
    ],
    [
      'where the body claims a number',
      { params: call({ ...META, [VERSION]: 20260728 }) },
      bad(-32020, 'Header mismatch: MCP-Protocol-Version is "2026-07-28" but _meta says 20260728'),
    ],
    ['without params', { params: undefined }, bad(-32602, 'Invalid params: _meta is required')],
    ['without _meta', { params: { name: 't' } }, bad(-32602, 'Invalid params: _meta is required')],
    [
      'where _meta is no object',
      { params: call([META]) },
      bad(-32602, 'Invalid params: _meta is required'),
    ],
    [
      'without a claim',
      { params: call({ [CAPABILITIES]: {} }) },
      bad(-32602, 'Invalid params: _meta["io.modelcontextprotocol/protocolVersion"] is required'),
    ],
    [
      'without capabilities',
      { params: call({ [VERSION]: REVISION }) },
      bad(
        -32602,
        'Invalid params: _meta["io.modelcontextprotocol/clientCapabilities"] is required',
      ),
    ],
    [
      'with capabilities that are no object',
      { params: call({ ...META, [CAPABILITIES]: ['sampling'] }) },
      bad(
        -32602,
        'Invalid params: _meta["io.modelcontextprotocol/clientCapabilities"] is required',
      ),
    ],
    [
      'in a revision that does not exist',
      {
        params: call({ ...META, [VERSION]: '2027-01-01' }),
        headers: { protocolVersion: '2027-01-01' },
      },
      bad(-32022, 'Unsupported protocol version: 2027-01-01', {
        supported: SUPPORTED,
        requested: '2027-01-01',
      }),
    ],
    [
      'in a legacy revision',
      {
        params: call({ ...META, [VERSION]: '2025-11-25' }),
        headers: { protocolVersion: '2025-11-25' },
      },
      bad(-32022, 'Unsupported protocol version: 2025-11-25', {
        supported: SUPPORTED,
        requested: '2025-11-25',
      }),
    ],
    [
      'without the method header',
      { params: call(META), headers: { method: undefined, name: 't' } },
      bad(-32020, 'Header mismatch: the Mcp-Method header is missing'),
    ],
    [
      'where the method header is written otherwise: values are case-sensitive',
      { params: call(META), headers: { method: 'Tools/Call', name: 't' } },
      bad(-32020, 'Header mismatch: Mcp-Method is "Tools/Call" but the body says "tools/call"'),
    ],
    [
      'without the name header',
      { params: call(META) },
      bad(-32020, 'Header mismatch: the Mcp-Name header is missing or not valid'),
    ],
    [
      'where the name header names another tool',
      { params: call(META), headers: { name: 'other' } },
      bad(-32020, 'Header mismatch: Mcp-Name is "other" but the body says "t"'),
    ],
  ])('%s', (_why, sent, refusal) => {
    expect(check(sent)).toEqual(refusal);
  });

  test('in the order of the specification: every rung hides those below it', () => {
    const rungs: readonly [number, Sent][] = [
      [-32020, { params: call({ [VERSION]: 'x' }), headers: { protocolVersion: 'y' } }],
      [-32602, { params: call({ [VERSION]: 'x' }), headers: { protocolVersion: 'x' } }],
      [
        -32022,
        {
          params: call({ [VERSION]: 'x', [CAPABILITIES]: {} }),
          headers: { protocolVersion: 'x', method: undefined },
        },
      ],
      [-32020, { params: call(META), headers: { method: undefined } }],
    ];
    for (const [code, sent] of rungs) {
      const answer = check(sent);
      expect(isRefusal(answer) && answer.error.code).toBe(code);
    }
  });
});

describe('a modern request passes', () => {
  test.each([
    ['tools/call', 'name'],
    ['prompts/get', 'name'],
    ['resources/read', 'uri'],
    ['tasks/get', 'taskId'],
    ['tasks/update', 'taskId'],
    ['tasks/cancel', 'taskId'],
  ])('%s, whose name header repeats "%s"', (method, member) => {
    const params = call(META, { [member]: 'größe' });
    expect(check({ method, params, headers: { name: 'größe' } })).toEqual({
      capabilities: {},
      logLevel: undefined,
    });
    expect(isRefusal(check({ method, params, headers: { name: undefined } }))).toBe(true);
  });

  test.each(['tools/list', 'server/discover', 'x/unknown', 'constructor', '__proto__'])(
    '%s, which needs no name header',
    (method) => {
      const answer = check({ method, params: call(META), headers: { name: 'whatever' } });
      expect(isRefusal(answer)).toBe(false);
    },
  );

  test('without its name: that is a fault of the params, not of the headers', () => {
    expect(isRefusal(check({ params: call(META, {}) }))).toBe(false);
  });

  test('with the capabilities and the log level that it declares', () => {
    const capabilities = { elicitation: { form: {} } };
    const meta = { ...META, [CAPABILITIES]: capabilities, [LOG_LEVEL]: 'debug' };
    expect(check({ params: call(meta), headers: { name: 't' } })).toEqual({
      capabilities,
      logLevel: 'debug',
    });
  });
});

test.each(['loud', 7, null])('a log level %j is refused, with those that there are', (level) => {
  const checked = check({ params: call({ ...META, [LOG_LEVEL]: level }), headers: { name: 't' } });
  expect(checked).toMatchObject({ error: { code: -32_602 } });
  expect(JSON.stringify(checked)).toContain('debug, info');
});

describe('the era of a message', () => {
  test.each<[string, JsonObject | undefined, string | undefined, boolean]>([
    ['a claim alone', { _meta: { [VERSION]: REVISION } }, undefined, true],
    ['a claim that is no revision', { _meta: { [VERSION]: 5 } }, undefined, true],
    ['a claim of a legacy revision', { _meta: { [VERSION]: '2025-11-25' } }, undefined, true],
    ['the header alone', {}, '2026-07-28', true],
    ['a header of the future', undefined, '2027-01-01', true],
    ['a legacy header', {}, '2025-11-25', false],
    ['nothing', undefined, undefined, false],
    ['a _meta without claim', { _meta: { progressToken: 1 } }, '2025-06-18', false],
  ])('is decided by %s', (_what, params, header, modern) => {
    expect(isModern(params, header)).toBe(modern);
  });

  test('reads a claim from an object only', () => {
    expect(claimedRevision({ _meta: 'x' })).toBeUndefined();
    expect(claimedRevision({ _meta: null })).toBeUndefined();
    expect(claimedRevision(undefined)).toBeUndefined();
  });
});
