/** What a client writes on its pipe: lines of both eras, halves of lines, noise. */
import { PassThrough } from 'node:stream';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { makeJsonRpc, makeRequest } from '../engine/json-texts.ts';
import { quiet } from '../engine/quiet.ts';
import { Random, seedOf } from '../engine/random.ts';
import { expect, pieces, type Target } from '../engine/target.ts';
import { World } from '../engine/world.ts';

/** What takes its time, or says which of two requests came first, need not be the same twice. */
const VARIES = /ask|cancel|listen|subscri|level|hangar|registry|progress|task|cursor|initialize/i;
/** A client that asks for nothing but an answer. */
const PING = '{"jsonrpc":"2.0","id":"good","method":"ping"}\n';

class Subject {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async run(input: Buffer): Promise<void> {
    const bytes = Buffer.from(
      input.toString('latin1').replace('@LONG@', 'x'.repeat(70_000)),
      'latin1',
    );
    const random = new Random(seedOf(input));
    const cut = await this.#serve(pieces(bytes, random));
    const sent = bytes.toString('utf8');
    check(cut, sent);
    if (random.once(3) && !VARIES.test(sent)) {
      const whole = await this.#serve([bytes]);
      const [one, other] = [cut, whole].map((lines) => lines.toSorted().join('\n'));
      expect(one === other, 'pieces make no difference', { cut, whole });
    }
    this.#world.check();
  }

  close(): Promise<void> {
    return this.#world.close();
  }

  /** One client from its first byte to its last. Answers the lines that it got. */
  async #serve(chunks: readonly Buffer[]): Promise<readonly string[]> {
    const input = new PassThrough();
    const output = new PassThrough();
    const said: Buffer[] = [];
    output.on('data', (chunk: Buffer) => said.push(chunk));
    const front = this.#world.gateway.connect(input, output);
    for (const chunk of chunks) input.write(chunk);
    input.write(`\n${PING}`);
    await quiet(() => said.length);
    input.end();
    await front.close(0);
    const text = Buffer.concat(said).toString('utf8');
    expect(text === '' || text.endsWith('\n'), 'lines are whole', text);
    return text.split('\n').slice(0, -1);
  }
}

function check(lines: readonly string[], sent: string): void {
  const answered = new Map<string, number>();
  for (const line of lines) {
    const message: unknown = JSON.parse(line);
    expect(isObject(message) && message['jsonrpc'] === '2.0', 'a line is JSON-RPC', line);
    if (message['method'] !== undefined || message['id'] === null) continue;
    const id = JSON.stringify(message['id']);
    answered.set(id, (answered.get(id) ?? 0) + 1);
  }
  expect((answered.get('"good"') ?? 0) > 0, 'a good request is answered after bad ones', lines);
  const long = sent.split('\n').filter((line) => Buffer.byteLength(line) > 69_000).length;
  const asked = [...sent.split('\n'), PING].flatMap(messagesIn).flatMap(({ id }) => [id]);
  for (const [id, times] of answered) {
    const wanted = asked.filter((one) => JSON.stringify(one) === id).length;
    // A line that is too long to be read is answered under the id that its ends show.
    expect(times <= wanted + long, 'an answer is for a request', { id, times, wanted, lines });
  }
}

function messagesIn(line: string): readonly JsonObject[] {
  try {
    const value: unknown = JSON.parse(line);
    return (Array.isArray(value) ? value : [value]).filter(isObject);
  } catch {
    return [];
  }
}

const initialize = (revision: string): string =>
  `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${revision}","capabilities":{"elicitation":{},"sampling":{},"roots":{}},"clientInfo":{"name":"f","version":"1"}}}\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n`;
const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}';
const call = (id: string, name: string, meta = '"_meta":{"progressToken":1}'): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":{},${meta}}}\n`;
const OLD = initialize('2025-03-26');
const NEW = initialize('2025-11-25');

export const target: Target = {
  beginnings: [
    OLD + call('1', 's__work') + call('"2"', 'm__work'),
    `${OLD}[${call('1', 's__work').trim()},{"jsonrpc":"2.0","id":2,"method":"ping"}]\n`,
    NEW +
      call('1', 's__ask') +
      '{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}\n',
    NEW + call('1', 'm__ask') + '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}\n',
    NEW +
      call('1', 's__work') +
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n',
    call('1', 's__work', META) + call('1', 'm__work', META) + call('3', 'm__ask', META),
    `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},${META}}}\n`,
    `${NEW}{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"@LONG@"}}\n`,
    `${NEW}{"method":"tools/call","params":{"name":"@LONG@"},"jsonrpc":"2.0","id":8}\r\n`,
    `${NEW}{"jsonrpc":"2.0","id":3,"method":"tools/list"}\n{"jsonrpc":"2.0","id":4,"method":"resources/read","params":{"uri":"x://a"}}`,
    'hello\n\r\n \n{"jsonrpc":"1.0"}\n{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n',
  ],
  dictionary: [
    '\n',
    '\r\n',
    '{"jsonrpc":"2.0","id":9,"method":"ping"}\n',
    OLD,
    '"id":12345678901234567890',
    '"id":"1"',
    '"ID":1,',
    '"method":"tools/list"',
    '"method":"server/discover"',
    '"method":"resources/subscribe","params":{"uri":"x://a"}',
    '"requestId":1',
    '"progressToken":1,',
    String.raw`\u2028`,
    '\u2028',
    '@LONG@',
    META,
  ],
  make: (random) => {
    const first = random.pick([OLD, NEW, '']);
    const lines = Array.from({ length: 1 + random.below(5) }, () =>
      (random.once(3) ? makeJsonRpc(random) : makeRequest(random)).replaceAll(/[\r\n]/g, ' '),
    );
    return `${first}${lines.join('\n')}\n`;
  },
  open: async () => new Subject(await World.open()),
};
