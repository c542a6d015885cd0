import { describe, expect, test } from 'vitest';
import {
  answerForLegacy,
  answerForModern,
  requestForLegacy,
  requestForModern,
  type Introduction,
  type RetryParams,
} from './bridge-text.ts';
import { clientText, cutForServer } from './client-message.ts';
import { cutText, type TextEdit } from './json-edits.ts';

const PREFIX = 'io.modelcontextprotocol/';
const INFO = '{"name":"mcp-hangar"}';
const CLIENT = { capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } };
const SAID = `"${PREFIX}protocolVersion":"2026-07-28","${PREFIX}clientCapabilities":{"roots":{}},"${PREFIX}clientInfo":{"name":"c","version":"1"}`;

const request = (params: string): string =>
  `{"id":7,"jsonrpc":"2.0","method":"tools/call","params":${params},"own":1.0}`;

/** The params of the line for the server; the rest of it stands as it came. */
function paramsAfter(params: string, edits: (text: string) => readonly TextEdit[]): string {
  const raw = request(params);
  const text = clientText(raw, JSON.parse(raw));
  const line = cutForServer(text, undefined, edits(text.text)).join('7');
  const [, changed = ''] = line.split(',"params":');
  expect(line).toBe(request(changed.replace(/,"own":1\.0\}$/, '')));
  return changed.replace(/,"own":1\.0\}$/, '');
}

describe('a modern request for a legacy server', () => {
  const forLegacy = (params: string): string => paramsAfter(params, requestForLegacy);

  test('loses what only the modern era has, and no other byte changes', () => {
    const params = `{ "name":"t", "inputResponses":{"a":1}, "n":12345678901234567890, "_meta":{${SAID}, "progressToken": 7, "com.example/x":1.0,"${PREFIX}logLevel":"debug" } ,"requestState":"s"}`;
    expect(forLegacy(params)).toBe(
      '{ "name":"t", "n":12345678901234567890, "_meta":{"progressToken": 7, "com.example/x":1.0 }}',
    );
  });

  test.each([
    [`{"_meta":{${SAID}}}`, '{}'],
    [`{"_meta":{${SAID}},"a":1}`, '{"a":1}'],
    [`{"a":1,"_meta":{${SAID}}}`, '{"a":1}'],
    [`{"a":1,"inputResponses":{},"_meta":{},"b":2}`, '{"a":1,"b":2}'],
    ['{"a":1,"_meta":7}', '{"a":1}'],
    [String.raw`{"_met\u0061":{"io\u002emodelcontextprotocol/x":1},"a":1}`, '{"a":1}'],
  ])('has no _meta where nothing of it is left: %s', (params, expected) => {
    expect(forLegacy(params)).toBe(expected);
  });
});

describe('a legacy request for a modern server', () => {
  const forModern = (params: string, retry?: RetryParams): string =>
    paramsAfter(params, (text) => requestForModern(text, CLIENT, retry));

  test.each([
    ['{}', `{"_meta":{${SAID}}}`],
    ['{ "a":1.0 }', `{"_meta":{${SAID}}, "a":1.0 }`],
    ['{"_meta":{}}', `{"_meta":{${SAID}}}`],
    ['{"_meta":7,"a":1}', `{"_meta":{${SAID}},"a":1}`],
    ['{"a":1,"_meta":{ "progressToken":7 }}', `{"a":1,"_meta":{${SAID}, "progressToken":7 }}`],
  ])('says who asks: %s', (params, expected) => {
    expect(forModern(params)).toBe(expected);
  });

  test('has params where it had none', () => {
    const text = '{"jsonrpc":"2.0","id":7,"method":"m" }';
    expect(cutText(text, requestForModern(text, CLIENT)).join('')).toBe(
      `{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{${SAID}}} }`,
    );
  });

  test('claims nothing that a client forged', () => {
    const forged = `{"a":1,"_meta":{"${PREFIX}clientCapabilities":{"sampling":{}},"x":1},"requestState":"s"}`;
    expect(forModern(forged)).toBe(`{"a":1,"_meta":{${SAID},"x":1}}`);
    expect(forModern(`{"inputResponses":{},"_meta":{"${PREFIX}logLevel":"debug"}}`)).toBe(
      `{"_meta":{${SAID}}}`,
    );
  });

  test('is one line, whatever the client is called', () => {
    const clientInfo = { name: '\u2028\n' };
    const [edit] = requestForModern('{"params":{}}', { ...CLIENT, clientInfo });
    expect(edit?.text).toContain(String.raw`{"name":"\u2028\n"}`);
  });

  test('brings what the server wants to see again', () => {
    const retry = { inputResponses: { a: { action: 'accept' } }, requestState: 's' };
    const said = '"inputResponses":{"a":{"action":"accept"}},"requestState":"s"';
    expect(forModern('{"a":1}', retry)).toBe(`{${said},"_meta":{${SAID}},"a":1}`);
    expect(forModern('{"_meta":{"progressToken":7}}', retry)).toBe(
      `{${said},"_meta":{${SAID},"progressToken":7}}`,
    );
  });
});

const answer = (result: string): string => `{"result":${result},"jsonrpc":"2.0","id":0}`;
const resultAfter = (result: string, edits: (text: string) => readonly TextEdit[] | undefined) => {
  const found = edits(answer(result));
  const text = found && cutText(answer(result), found).join('');
  return text?.replace(/^\{"result":/, '').replace(/,"jsonrpc":"2\.0","id":0\}$/, '');
};

/** The params as a value, from those of a request. */
function paramsFrom(
  params: unknown,
  edits: (text: string) => readonly TextEdit[],
): Record<string, unknown> {
  const text = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params });
  const line = cutText(text, edits(text)).join('');
  return (JSON.parse(line) as { params: Record<string, unknown> }).params ?? {}; // a request
}
const legacyParams = (params: unknown) => paramsFrom(params, requestForLegacy);
const modernParams = (params: unknown, client: Introduction, retry?: RetryParams) =>
  paramsFrom(params, (text) => requestForModern(text, client, retry));

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

describe("a legacy server's result for a modern client", () => {
  const forModern = (result: string, method = 'tools/call'): string | undefined =>
    resultAfter(result, (text) => answerForModern(text, method, INFO));
  const META = `"_meta":{"${PREFIX}serverInfo":${INFO}}`;

  test.each([
    ['{}', `{"resultType":"complete",${META}}`],
    ['{ "content":[], "n":1.0 }', `{"resultType":"complete",${META}, "content":[], "n":1.0 }`],
    [
      '{"_meta":{"a":1},"resultType":"odd"}',
      `{"resultType":"complete","_meta":{"${PREFIX}serverInfo":${INFO},"a":1}}`,
    ],
    ['{"_meta":{},"x":1}', `{"resultType":"complete",${META},"x":1}`],
    ['{"x":1,"_meta":null}', `{"resultType":"complete",${META},"x":1}`],
    [
      `{"_meta":{"${PREFIX}serverInfo":{"name":"own"}}}`,
      `{"resultType":"complete","_meta":{"${PREFIX}serverInfo":{"name":"own"}}}`,
    ],
  ])('is complete, and says whose it is: %s', (result, expected) => {
    expect(forModern(result)).toBe(expected);
  });

  test('of a read may not be kept, unless the server says so', () => {
    expect(forModern('{"contents":[]}', 'resources/read')).toBe(
      `{"resultType":"complete","ttlMs":0,"cacheScope":"private",${META},"contents":[]}`,
    );
    expect(forModern('{"ttlMs":5,"cacheScope":"public"}', 'resources/read')).toBe(
      `{"resultType":"complete",${META},"ttlMs":5,"cacheScope":"public"}`,
    );
  });
});

describe("a modern server's result for a legacy client", () => {
  const forLegacy = (result: string, wraps = false): string | undefined =>
    resultAfter(result, (text) => answerForLegacy(text, () => wraps));

  test.each([
    ['{"resultType":"complete","content":[ 1.0 ]}', '{"content":[ 1.0 ]}'],
    ['{"content":[],"ttlMs":5,"x":null,"cacheScope":"public"}', '{"content":[],"x":null}'],
    [`{"_meta":{"${PREFIX}serverInfo":${INFO}},"resultType":"complete"}`, '{}'],
    [`{"_meta":{"a":1,"${PREFIX}serverInfo":${INFO}}}`, '{"_meta":{"a":1}}'],
    ['{"structuredContent":{"a":1}}', '{"structuredContent":{"a":1}}'],
  ])('loses the envelope of its era, and no other byte changes: %s', (result, expected) => {
    expect(forLegacy(result)).toBe(expected);
  });

  test.each(['"input_required"', '"task"', '7', '{}'])(
    'is not changed as a text where its type is %s',
    (type) => {
      expect(forLegacy(`{"resultType":${type}}`)).toBeUndefined();
    },
  );

  test('is not changed as a text where its structured content has to be', () => {
    expect(forLegacy('{"structuredContent":[1]}')).toBeUndefined();
    expect(forLegacy('{"structuredContent":{}}', true)).toBeUndefined();
    expect(forLegacy('{"content":[]}', true)).toBe('{"content":[]}');
  });
});

test('an answer that two parsers may read in two ways is not changed as a text', () => {
  const twice = '{"resultType":"complete","resultType":"input_required"}';
  expect(answerForLegacy(answer(twice), () => false)).toBeUndefined();
  expect(answerForModern(answer('{"_meta":{},"_meta":{"a":1}}'), 'm', INFO)).toBeUndefined();
  for (const text of ['{"id":0}', '{"result":7,"id":0}', '{"result":{},"result":{}}', 'nonsense'])
    expect(answerForModern(text, 'm', INFO)).toBeUndefined();
});
