/** Requests and answers that are changed in their texts, beside the same changes made to their values. */
import { utf8Text } from '../../packages/gateway/src/application/byte-text.ts';
import { editedAnswer } from '../../packages/gateway/src/application/calls/edited-answer.ts';
import type { RawAnswer } from '../../packages/gateway/src/application/ports.ts';
import {
  answerForLegacy,
  answerForModern,
  requestForLegacy,
  requestForModern,
} from '../../packages/gateway/src/domain/protocol/bridge-text.ts';
import { legacyResult, modernResult } from '../../packages/gateway/src/domain/protocol/bridge.ts';
import {
  CLIENT_SLOT,
  clientText,
  cutForServer,
} from '../../packages/gateway/src/domain/protocol/client-message.ts';
import {
  classify,
  isObject,
  type JsonObject,
} from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { hasSpan } from '../../packages/gateway/src/domain/protocol/json-spans.ts';
import { META, MODERN_REVISION } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { legacyToolResult } from '../../packages/gateway/src/domain/protocol/structured-content.ts';
import { makeObject, makeRequest, makeResult } from '../engine/json-texts.ts';
import { Random, seedOf } from '../engine/random.ts';
import { expect, type Target } from '../engine/target.ts';

const INFO = { name: 'fuzz', version: '1' };
const INTRODUCTION = { capabilities: { roots: {} }, clientInfo: INFO };
const RETRY = { inputResponses: { q: { action: 'accept' } }, requestState: 's' };
const OUR_ID = 4_711;

function run(input: Buffer): void {
  const text = input.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return;
  }
  if (!isObject(value) || tooDeep(value, 60)) return;
  const random = new Random(seedOf(input));
  request(text, value, random);
  answer(text, value);
}

function request(raw: string, value: JsonObject, random: Random): void {
  const message = classify(value);
  if (message.kind !== 'request') return;
  const text = clientText(raw, value);
  const name = random.once(2) ? undefined : { slot: CLIENT_SLOT.name, text: '"other"' };
  const { params } = message;
  // What the gateway reads, with its own id and progress token, and the name as the server knows it.
  // An ambiguous text is replaced by one that is not: members that could be mistaken for others are gone.
  const asked = ours(
    JSON.parse(text.text) as JsonObject,
    name === undefined || !hasSpan(text.spans, name.slot),
  );
  same(cutForServer(text, name), asked, 'a request passes as it is');
  const legacy = { ...asked, ...(isObject(params) && { params: forLegacy(asked['params']) }) };
  same(cutForServer(text, name, requestForLegacy(text.text)), legacy, 'a request for legacy');
  const retry = random.once(2) ? {} : RETRY;
  const modern = { ...asked, params: forModern(asked['params'], retry) };
  const edits = requestForModern(text.text, INTRODUCTION, retry);
  same(cutForServer(text, name, edits), modern, 'a request for modern');
}

function ours(value: JsonObject, keepsName: boolean): JsonObject {
  const { params } = value;
  if (!isObject(params)) return { ...value, id: OUR_ID };
  const { _meta: meta } = params;
  return {
    ...value,
    id: OUR_ID,
    params: {
      ...params,
      ...(isObject(meta) &&
        'progressToken' in meta && { _meta: { ...meta, progressToken: OUR_ID } }),
      ...(!keepsName && { name: 'other' }),
    },
  };
}

const without = (value: JsonObject, isLeftOut: (key: string) => boolean): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !isLeftOut(key)));
const isReserved = (key: string): boolean => key.startsWith(META.prefix);
const isRound = (key: string): boolean => key === 'inputResponses' || key === 'requestState';

function forLegacy(params: unknown): unknown {
  if (!isObject(params)) return params;
  const { _meta: meta, ...rest } = without(params, isRound);
  const kept = isObject(meta) ? without(meta, isReserved) : {};
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept };
}

function forModern(params: unknown, retry: JsonObject): JsonObject {
  const { _meta: meta, ...rest } = without(isObject(params) ? params : {}, isRound);
  const kept = isObject(meta) ? without(meta, isReserved) : {};
  return {
    ...retry,
    ...rest,
    _meta: {
      ...kept,
      [META.protocolVersion]: MODERN_REVISION,
      [META.clientCapabilities]: INTRODUCTION.capabilities,
      [META.clientInfo]: INFO,
    },
  };
}

function answer(text: string, value: JsonObject): void {
  const { result } = value;
  if (!isObject(result)) return;
  const line = Buffer.from(text.replaceAll(/[\r\n]/g, ' ').trim(), 'utf8').toString('latin1');
  const raw = {
    isError: false,
    before: [line.slice(0, -1), ',"jsonrpc":"2.0","id":'],
    after: ['}'],
    bytes: line.length,
  };
  for (const method of ['tools/call', 'resources/read']) {
    const edited = editedAnswer(raw, (each) => answerForModern(each, method, JSON.stringify(INFO)));
    if (edited === undefined) continue;
    const got = resultOf(edited);
    equal(got, modernResult(method, result, INFO), 'a result for modern');
  }
  for (const wraps of [false, true]) {
    const edited = editedAnswer(raw, (each) => answerForLegacy(each, () => wraps));
    if (edited === undefined) continue;
    const read = legacyResult(result);
    expect(read.kind === 'result', 'only a plain result is edited', read.kind);
    const got = resultOf(edited);
    equal(got, legacyToolResult(read.result, wraps), 'a result for legacy');
  }
}

const resultOf = ({ before, after }: RawAnswer): unknown =>
  (JSON.parse(utf8Text([...before, '0', ...after])) as JsonObject)['result'];

function same(parts: readonly string[], wanted: JsonObject, what: string): void {
  const line = parts.join(String(OUR_ID));
  expect(!/[\r\n\u2028\u2029]/.test(line), `${what}: one line`, line);
  let got: unknown;
  try {
    got = JSON.parse(line);
  } catch {
    expect(false, `${what}: JSON stays JSON`, line);
  }
  equal(got, wanted, what);
}

/** Members may stand in another order. */
function equal(got: unknown, wanted: unknown, what: string): void {
  const [one, other] = [ordered(got), ordered(wanted)];
  expect(one === other, what, { got: one, wanted: other });
}

const ordered = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    isObject(each) && Object.getPrototypeOf(each) !== null
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  ) ?? 'undefined';

const tooDeep = (value: unknown, left: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (left === 0 || Object.values(value).some((each) => tooDeep(each, left - 1)));

export const target: Target = {
  beginnings: [
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"b":1.0},"_meta":{"progressToken":"t","io.modelcontextprotocol/protocolVersion":"2026-07-28","x":1}}}',
    '{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"a","requestState":"s","inputResponses":{},"_meta":{}}}',
    '{"id":1,"method":"ping","jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[],"structuredContent":{"a":1},"ttlMs":1,"cacheScope":"x","_meta":{"a":1}}}',
    '{"jsonrpc":"2.0","id":1,"result":{ }}',
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"x","params":{"_meta":1,"_meta":{}}}',
  ],
  dictionary: [
    '"_meta":{',
    '"params":{',
    '"params":null',
    '"requestState":1,',
    '"inputResponses":{},',
    '"io.modelcontextprotocol/serverInfo":1',
    '"io.modelcontextprotocol/clientInfo":1',
    '"resultType":"complete",',
    '"resultType":"complete"',
    '"structuredContent":[],',
    '"__proto__":{},',
    String.raw`"\u005fmeta":{}`,
    '"a":1,',
    ',"a":1',
    '{}',
    '[]',
    '\u2028',
    String.raw`\ud800`,
  ],
  make: (random) =>
    random.once(2)
      ? makeRequest(random)
      : makeObject(random, ['"jsonrpc":"2.0"', `"result":${makeResult(random)}`], 4),
  open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
};
