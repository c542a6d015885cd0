/** Lines of a server that cost its own call, and nothing else: the gateway goes on for everybody. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { upstream } from '../support/upstream.ts';

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway({ mcp_servers: { up: upstream() } });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const LONG = 'x'.repeat(70_000);
const question = (params: string): string =>
  `{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":${params}}`;

const ASKABLE = { capabilities: { elicitation: {} } };

it.each([
  ['a long question that is no JSON', question(`{"message":"${LONG}","x":foo}`)],
  ['a question that nests deep', question(`{"message":"Who?","x":${nested(20_000)}}`)],
  ['a long question that nests deep', question(`{"message":"Who?","x":${nested(70_000)}}`)],
  [
    'a long update of a resource whose URI is no string',
    String.raw`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"\q${LONG}"}}`,
  ],
])('%s', async (_what, line) => {
  for (const options of [ASKABLE, {}]) {
    const answer = await modernCall(gateway.url('up'), 'write', { line }, options).answer();
    expect(textOf(answer)).toBeDefined();
  }
  expect((await fetch(`${gateway.origin}/health/ready`)).status).toBe(200);
  expect(gateway.stderr()).not.toContain('defect');
});

it('a result that only a parser can tell across eras, and that nests deep', async () => {
  const result = `{"content":[],"x":1,"x":${nested(70_000)}}`;
  const answer = await modernCall(gateway.url('up'), 'raw', { result }).answer();
  expect(answer).toMatchObject({ error: { code: -32_603 } });
  expect((await fetch(`${gateway.origin}/health/ready`)).status).toBe(200);
  expect(gateway.stderr()).not.toContain('defect');
});
