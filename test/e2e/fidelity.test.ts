/** What the gateway does not understand passes as it came: ids, numbers, unknown fields, unknown methods. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, MODERN, modernText } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

let gateway: GatewayProcess;
const journals = new Map<string, Journal>();

beforeAll(async () => {
  const servers: Record<string, unknown> = {};
  for (const [id, era] of [
    ['old', 'legacy'],
    ['new', 'modern'],
    ['both', 'dual'],
  ] as const) {
    const journal = await Journal.open();
    journals.set(id, journal);
    servers[id] = upstream([journal.option, `--era=${era}`]);
  }
  gateway = await startGateway({ mcp_servers: servers });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  for (const each of journals.values()) await each[Symbol.asyncDispose]();
});

const META = `"_meta":{"io.modelcontextprotocol/protocolVersion":"${MODERN}","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"t","x/own":{"n":1.0}}`;
const IDS = [
  '1',
  '"1"',
  '""',
  '0',
  '-7',
  '1.5',
  '1.0',
  '1e3',
  '12345678901234567890',
  '"ü\\u00fc😀\\n"',
];
/** What JSON.parse and JSON.stringify would change. */
const ARGUMENTS =
  '{"big":12345678901234567890,"float":1.0,"exp":1E+2,"zero":-0,"text":"\\u00e9é\\/😀","dup":1, "x" : [ 1.50 ]}';
const RESULT =
  '{"content":[{"type":"text","text":"ü😀","x-unknown":1.0}],"big":12345678901234567890,"float":1.0,"x-unknown":{"a":[1e5]},"_meta":{"x":2.50}}';

/** One call of one era, in words that the test wrote. Answers the words of the answer. */
async function callText(
  server: string,
  era: 'legacy' | 'modern',
  { id, name, args }: { readonly id: string; readonly name: string; readonly args: string },
): Promise<string> {
  const params = `"name":${JSON.stringify(name)},"arguments":${args}`;
  const body = (own: string): string =>
    `{"jsonrpc":"2.0","id":${id},"x-top":1.0,"method":"tools/call","params":{${params},"x-param":2.0${own}}}`;
  const exchange =
    era === 'legacy'
      ? (await LegacyClient.open(gateway.url(server))).post(body(''))
      : modernText(gateway.url(server), body(`,${META}`), {
          'mcp-method': 'tools/call',
          'mcp-name': name,
        });
  await exchange.answer();
  return exchange.text;
}

const PAIRS = [
  ['legacy', 'old'],
  ['legacy', 'both'],
  ['modern', 'new'],
  ['modern', 'both'],
  ['modern', 'old'],
  ['legacy', 'new'],
] as const;
const SAME_ERA = PAIRS.slice(0, 4);

describe.each(PAIRS)('A client of the %s era with the server %s', (era, server) => {
  it.each(IDS)('gets its id back as it wrote it: %s', async (id) => {
    const text = await callText(server, era, { id, name: 'pid', args: '{}' });
    expect(text).toMatch(/^\{/);
    expect(text).toContain(`"id":${id}`);
    const read = journals.get(server)?.lines('"tools/call"').at(-1) ?? '{}';
    expect((JSON.parse(read) as { readonly id: unknown }).id).toEqual(expect.any(Number));
  });

  it('keeps numbers and unknown fields of its arguments', async () => {
    await callText(server, era, { id: '1', name: 'echo', args: ARGUMENTS });
    const read = await until('the server reads it', () =>
      journals.get(server)?.lines('12345678901234567890').at(-1),
    );
    for (const part of ['"big":12345678901234567890', '"float":1.0', '1.50', '"x-param":2.0'])
      expect(read.replaceAll(' ', '')).toContain(part);
  });

  it('keeps numbers and unknown fields of its results', async () => {
    const args = JSON.stringify({ result: RESULT });
    const text = await callText(server, era, { id: '1', name: 'raw', args });
    const parts = ['"big":12345678901234567890', '"float":1.0', '[1e5]', '"x":2.50', '"ü😀"'];
    for (const part of parts) expect(text).toContain(part);
  });
});

describe.each(SAME_ERA)('Between the same eras (%s, %s)', (era, server) => {
  it('every byte of the arguments passes', async () => {
    await callText(server, era, { id: '1', name: 'echo', args: ARGUMENTS });
    const lines = journals.get(server)?.lines(ARGUMENTS) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.at(-1)).toContain('"x-top":1.0');
  });

  it.each([100, 20_000, 3_000_000])('every byte of a result of %i passes', async (bytes) => {
    const result = RESULT.replace('"ü😀"', `"ü😀${'é'.repeat(bytes / 2)}"`);
    const args = JSON.stringify({ result });
    const text = await callText(server, era, { id: '"\\u0041"', name: 'raw', args });
    expect(text).toBe(`{"jsonrpc":"2.0","id":"\\u0041","result":${result}}`);
  });

  it('an error of the server passes with its code and data', async () => {
    const error = '{"code":-31999,"message":"own","data":{"n":1.0},"x":1}';
    const line = `{"jsonrpc":"2.0","id":ID,"error":${error}}`;
    const args = JSON.stringify({ line, own: true });
    const text = await callText(server, era, { id: '5', name: 'reply', args });
    expect(text).toBe(`{"jsonrpc":"2.0","id":5,"error":${error}}`);
  });

  it.each(['ID,"result":{}', '"ID","result":{"a":1.0}'])(
    'an answer is found wherever its id stands: {"x":1.0,"id":%s}',
    async (rest) => {
      const args = JSON.stringify({ line: `{"x":1.0, "id" : ${rest},"jsonrpc":"2.0"}` });
      const text = await callText(server, era, { id: '"a"', name: 'reply', args });
      expect(text).toMatch(/^\{"x":1\.0, "id" : "a","result":\{("a":1\.0)?\},"jsonrpc":"2\.0"\}$/);
    },
  );
});

describe.each([
  ['modern', 'old'],
  ['legacy', 'new'],
] as const)('Across eras (%s, %s)', (era, server) => {
  it.each(['1.0', '1e400', '12345678901234567890', '"-5"', 'null', '{}'])(
    'an error with the code %s is an error',
    async (code) => {
      const line = `{"jsonrpc":"2.0","id":ID,"error":{"code":${code},"message":1.0,"data":{"n":1.0}}}`;
      const args = JSON.stringify({ line });
      const text = await callText(server, era, { id: '5', name: 'reply', args });
      const message = JSON.parse(text) as Message;
      expect(message.error?.code).toEqual(expect.any(Number));
      expect(message.error?.message).toEqual(expect.any(String));
      expect(text).toContain('"data":{"n":1.0}');
      expect(gateway.stderr()).not.toContain('defect');
    },
  );
});

describe('Progress', () => {
  it.each(['7', '"7"', '"ü"', '12345678901234567890', '0', '1.0'])(
    'comes back under the client’s own token: %s',
    async (token) => {
      const client = await LegacyClient.open(gateway.url('old'));
      const exchange = client.post(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"progress","arguments":{"steps":2},"_meta":{"progressToken":${token}}}}`,
      );
      await exchange.answer();
      expect(exchange.text.split(`"progressToken":${token},`)).toHaveLength(3);
      const read = journals.get('old')?.lines('"progress"').at(-1) ?? '{}';
      expect(read).toMatch(/"progressToken":\d+\}/);
    },
  );

  it('does not come to a client that asked for none', async () => {
    const client = await LegacyClient.open(gateway.url('old'));
    const exchange = client.call('progress', { steps: 3 });
    await exchange.answer();
    expect(exchange.messages()).toHaveLength(1);
  });
});

describe('Equal ids and tokens of different clients', () => {
  it('never meet', async () => {
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => LegacyClient.open(gateway.url('old'))),
    );
    const exchanges = clients.flatMap((client, who) =>
      [3, 1, 2].map((steps) => ({
        steps,
        who,
        exchange: client.request(
          'tools/call',
          { name: 'progress', arguments: { steps, who }, _meta: { progressToken: 'same' } },
          steps,
        ),
      })),
    );
    for (const { steps, exchange } of exchanges) {
      const answer = await exchange.answer();
      expect(answer.id).toBe(steps);
      expect(exchange.messages()).toHaveLength(steps + 1);
      for (const { params } of exchange.messages().slice(0, -1))
        expect(params).toMatchObject({ progressToken: 'same', total: steps });
    }
  });
});
