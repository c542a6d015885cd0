import { expect, test } from 'vitest';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { readServerLine } from '../../domain/protocol/server-message.ts';
import { madeNotification, mayBeUpdated, UPDATED, updateFor, type Telling } from './updates.ts';

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const LEGACY = { uri: undefined, subscriptionId: undefined };

function told(params: JsonObject, telling: Telling): JsonObject {
  const { line } = madeNotification(UPDATED, params);
  const text = Buffer.from(updateFor(line, telling), 'latin1').toString('utf8');
  return (JSON.parse(text) as { readonly params: JsonObject }).params;
}

test('between a legacy client and server every byte passes', () => {
  const { line } = madeNotification(UPDATED, { uri: 'x://größe', title: 'T', _meta: { own: 1 } });
  expect(updateFor(line, LEGACY)).toBe(line.text);
});

test.each<[string, JsonObject, Telling, JsonObject]>([
  [
    'LL, under the name of the client',
    { uri: 'x://a', title: 'T' },
    { uri: 'hangar://s/x://ä', subscriptionId: undefined },
    { uri: 'hangar://s/x://ä', title: 'T' },
  ],
  [
    'MM, as part of the client’s own subscription',
    { uri: 'x://a', title: 'T', _meta: { own: 1, [SUBSCRIPTION]: 7 } },
    { uri: 'hangar://s/x://a', subscriptionId: 'ü' },
    { uri: 'hangar://s/x://a', title: 'T', _meta: { own: 1, [SUBSCRIPTION]: 'ü' } },
  ],
  [
    'ML, as part of a subscription that the server knows nothing of',
    { uri: 'x://größe', title: 'T', _meta: { own: 1 } },
    { uri: undefined, subscriptionId: 0 },
    { uri: 'x://größe', title: 'T', _meta: { own: 1, [SUBSCRIPTION]: 0 } },
  ],
  [
    'LM, without what only the modern era knows',
    { uri: 'x://größe', title: 'T', _meta: { own: 1, [SUBSCRIPTION]: 7 } },
    LEGACY,
    { uri: 'x://größe', title: 'T', _meta: { own: 1 } },
  ],
  [
    'LM, where nothing is left of what it says of itself',
    { uri: 'x://a', _meta: { [SUBSCRIPTION]: 7 } },
    LEGACY,
    { uri: 'x://a' },
  ],
])('%s', (_cell, params, telling, expected) => {
  expect(told(params, telling)).toEqual(expected);
});

test('an update that no server sent can be told like any other', () => {
  const { line } = mayBeUpdated('x://größe');
  const text = updateFor(line, { uri: undefined, subscriptionId: 'a' });
  expect(JSON.parse(Buffer.from(text, 'latin1').toString('utf8'))).toEqual({
    jsonrpc: '2.0',
    method: UPDATED,
    params: { uri: 'x://größe', _meta: { [SUBSCRIPTION]: 'a' } },
  });
});

test('an update that is no JSON, as a long line may be, tells of its resource all the same', () => {
  const line = readServerLine(
    `{"jsonrpc":"2.0","method":"${UPDATED}","params":{"uri":"x://a","title":no}}`,
  )?.line;
  if (line === undefined) throw new Error('it reads like one');
  const text = updateFor(line, { uri: undefined, subscriptionId: 'a' });
  expect(JSON.parse(text)).toMatchObject({
    params: { uri: 'x://a', _meta: { [SUBSCRIPTION]: 'a' } },
  });
});
