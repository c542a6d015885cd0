import { expect, test } from 'vitest';
import {
  farewellLine,
  helloLine,
  readFarewell,
  readHello,
  readWelcome,
  refusalLine,
  REFUSALS,
  welcomeLine,
} from './greeting.ts';

const FACTS = { pid: 7, graceMs: 10_000, bodyBytesMax: 512, lineBytesMax: 1_024 };

test('each side reads what the other writes', () => {
  expect(readHello(helloLine('mcp', 'abc'))).toEqual({ version: 1, want: 'mcp', digest: 'abc' });
  expect(readWelcome(welcomeLine(FACTS))).toEqual({ isWelcome: true, ...FACTS });
  for (const reason of REFUSALS) {
    expect(readWelcome(refusalLine(reason))).toEqual({ isWelcome: false, reason });
  }
  expect(readFarewell(farewellLine(123).trimEnd())).toBe(123);
});

test('the first line of a connector has the form that the decision record shows', () => {
  expect(helloLine('mcp', 'd')).toBe('{"hangar":1,"want":"mcp","digest":"d"}\n');
});

test.each([
  '',
  'GET / HTTP/1.1',
  '[]',
  '{}',
  '{"hangar":1}',
  '{"hangar":"1","want":"mcp"}',
  'null',
])('%j is no hello', (line) => {
  expect(readHello(line)).toBeUndefined();
});

test.each(['', 'HTTP/1.1 400 Bad Request', '[]', '{}', '{"hangar":1,"ok":true}'])(
  '%j is no welcome',
  (line) => {
    expect(readWelcome(line)).toBeUndefined();
  },
);

test('a reason that this version does not know is a refusal all the same', () => {
  expect(readWelcome('{"hangar":2,"ok":false,"reason":"moon-phase"}')).toEqual({
    isWelcome: false,
    reason: 'other-version',
  });
});

test('a message of MCP is no farewell, whatever members it has', () => {
  expect(
    readFarewell('{"hangar":1,"ended":true,"read":0,"jsonrpc":"2.0","method":"notifications/x"}'),
  ).toBeUndefined();
  expect(readFarewell(' {"hangar":1,"ended":true,"read":0}')).toBeUndefined();
});
