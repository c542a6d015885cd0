/** Bytes on the port of a gateway: requests torn, pipelined, chunked, with bad headers, over real sockets. */
import { isObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { httpAnswers, messagesOf } from '../engine/http-answers.ts';
import { HttpSender } from '../engine/http-sender.ts';
import { makeJsonRpc } from '../engine/json-texts.ts';
import { Random, seedOf } from '../engine/random.ts';
import { expect, pieces, type Target } from '../engine/target.ts';
import { World } from '../engine/world.ts';

/** Bad ones between two good ones. */
const GOOD_EVERY = 64;
/** `@LEN@` is the length of what follows the next empty line, up to `@NEXT@` or the end. */
const NEXT = '@NEXT@';

class Subject {
  readonly #world: World;
  readonly #sender: HttpSender;
  readonly #random = new Random(1);
  #session = '';
  #runs = 0;

  constructor(world: World, port: number) {
    this.#world = world;
    this.#sender = new HttpSender(port);
  }

  async run(input: Buffer): Promise<void> {
    if (this.#runs++ % GOOD_EVERY === 0) await this.#renew();
    const bytes = filled(input, this.#session);
    const random = new Random(seedOf(input));
    const said = await this.#sender.exchange(random.once(2) ? [bytes] : pieces(bytes, random));
    const sent = bytes.toString('latin1');
    for (const answer of httpAnswers(said)) {
      expect(answer.status < 500 || answer.status === 503, 'no request is a defect', answer);
      for (const message of messagesOf(answer)) checkId(message, sent);
    }
    this.#world.check();
  }

  async close(): Promise<void> {
    await this.#world.close();
  }

  /** Sessions are few here: the one before may have had to make room. */
  async #renew(): Promise<void> {
    if (this.#session !== '') await this.#sender.end(this.#session);
    this.#session = await this.#sender.session(
      this.#random.pick(['2025-11-25', '2025-06-18', '2025-03-26']),
    );
    await this.#sender.checkGood(this.#session);
  }
}

/** An answer has an id that was sent on this connection. */
function checkId(message: unknown, sent: string): void {
  expect(isObject(message), 'a message is an object', message);
  const { id, method } = message;
  if (method !== undefined || id === null || sent.includes('\\')) return;
  const written = typeof id === 'string' ? Buffer.from(id).toString('latin1') : '';
  expect(typeof id === 'number' || sent.includes(written), 'an answer is for who asked', message);
}

function filled(input: Buffer, session: string): Buffer {
  if (!input.includes('@')) return input;
  const requests = input.toString('latin1').replaceAll('@SESSION@', session).split(NEXT);
  const whole = requests.map((request) => {
    const body = request.slice(request.indexOf('\r\n\r\n') + 4);
    return request.replaceAll('@LEN@', String(body.length));
  });
  return Buffer.from(whole.join(''), 'latin1');
}

const lines = (...all: readonly string[]): string => all.join('\r\n');
const HEAD = lines(
  'Host: localhost',
  'Content-Type: application/json',
  'Accept: application/json, text/event-stream',
);
const legacy = (body: string): string =>
  lines('POST /mcp HTTP/1.1', HEAD, 'Mcp-Session-Id: @SESSION@', 'Content-Length: @LEN@', '', body);
const modern = (method: string, name: string, body: string): string =>
  lines(
    'POST /mcp HTTP/1.1',
    HEAD,
    'MCP-Protocol-Version: 2026-07-28',
    `Mcp-Method: ${method}`,
    `Mcp-Name: ${name}`,
    'Content-Length: @LEN@',
    '',
    body,
  );
const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
const CALL =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__work","arguments":{}}}';
const MODERN_CALL = `{"jsonrpc":"2.0","id":"m","method":"tools/call","params":{"name":"m__work","arguments":{},${META}}}`;

export const target: Target = {
  beginnings: [
    legacy(CALL),
    legacy('{"jsonrpc":"2.0","id":2,"method":"tools/list"}') + NEXT + legacy(CALL),
    modern('tools/call', 'm__work', MODERN_CALL),
    modern(
      'server/discover',
      '',
      `{"jsonrpc":"2.0","id":3,"method":"server/discover","params":{${META}}}`,
    ),
    lines('GET /mcp HTTP/1.1', HEAD, 'Mcp-Session-Id: @SESSION@', 'Last-Event-ID: 0-1', '', ''),
    lines('DELETE /mcp HTTP/1.1', HEAD, 'Mcp-Session-Id: x', '', ''),
    lines('OPTIONS /mcp/s HTTP/1.1', 'Host: localhost:1', 'Origin: http://localhost', '', ''),
    lines('GET /health/ready?x HTTP/1.1', 'Host: a', '', ''),
    lines(
      'POST /mcp HTTP/1.1',
      HEAD,
      'Mcp-Session-Id: @SESSION@',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      '',
      '5',
      '{"jso',
      '4',
      'nrpc',
      '0',
      '',
      '',
    ),
    legacy(`[${CALL},{"jsonrpc":"2.0","method":"notifications/x"}]`),
    legacy(' '.repeat(70_001)),
  ],
  dictionary: [
    '\r\n',
    '\r\n\r\n',
    '\n',
    NEXT,
    '@LEN@',
    '@SESSION@',
    'Content-Length: 0',
    'Content-Length: 99999999999',
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Expect: 100-continue',
    'Host: evil.example',
    'Host: localhost',
    'Origin: http://localhost:1',
    'Origin: null',
    'GET ',
    'POST ',
    'DELETE ',
    'OPTIONS * ',
    'HEAD ',
    '/mcp/m',
    '/mcp/%00',
    'http://a/mcp',
    'HTTP/1.0',
    'HTTP/2.0',
    'MCP-Protocol-Version: 2026-07-28\r\n',
    'MCP-Protocol-Version: 2025-03-26\r\n',
    'Mcp-Param-R: =?base64?eA==?=\r\n',
    'Last-Event-ID: 1-0\r\n',
    '0\r\n\r\n',
    'ffffffff\r\n',
    '\u0000',
    CALL,
    MODERN_CALL,
  ],
  bytesMax: 100_000,
  make: (random) => {
    const body = makeJsonRpc(random);
    const method = /"method":"([\w/]+)"/.exec(body)?.[1] ?? 'ping';
    const name = /"name":"([\w/]+)"/.exec(body)?.[1] ?? '';
    const bytes = Buffer.from(random.once(2) ? legacy(body) : modern(method, name, body));
    return random.once(4) ? Buffer.concat([bytes, Buffer.from(NEXT), bytes]) : bytes;
  },
  open: async () => {
    const world = await World.open();
    return new Subject(world, await world.gateway.listen());
  },
};
