/** What comes on the local socket: greetings, questions of commands, clients of other gateways; and their answers. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { answerQuestion } from '../../packages/gateway/src/application/operator/answer-question.ts';
import {
  helloLine,
  readFarewell,
  readHello,
  readWelcome,
  type Want,
} from '../../packages/gateway/src/domain/local-socket/greeting.ts';
import { readAnswer, readQuestion } from '../../packages/gateway/src/domain/local-socket/query.ts';
import { OwnerSocket } from '../../packages/gateway/src/server/local-socket/owner-socket.ts';
import { ResponseEnd } from '../../packages/gateway/src/server/local-socket/response-end.ts';
import { makeJsonRpc, makeValue } from '../engine/json-texts.ts';
import { quiet } from '../engine/quiet.ts';
import { Random, seedOf } from '../engine/random.ts';
import { shortLivedFolder } from '../engine/short-lived-folder.ts';
import { expect, pieces, type Target } from '../engine/target.ts';
import { World } from '../engine/world.ts';

const GOOD_EVERY = 64;
const DIGEST = 'd';
const FACTS = { pid: 1, graceMs: 0, bodyBytesMax: 70_000, lineBytesMax: 70_000 };
const QUESTION = '{"query":"list_parked_calls","input":{}}\n';

class Subject {
  readonly #world: World;
  readonly #owner: OwnerSocket;
  readonly #folder = shortLivedFolder();
  readonly #path = join(this.#folder, 's');
  #runs = 0;

  constructor(world: World) {
    const { gateway } = world;
    this.#world = world;
    this.#owner = new OwnerSocket({
      digest: DIGEST,
      facts: FACTS,
      serveStream: (input, output) => gateway.connect(input, output),
      acceptHttp: (socket) => gateway.accept(socket),
      answerQuery: (line, signal, tell) =>
        answerQuestion(gateway.hub.useCases, line, { signal, tell }),
    });
  }

  async listen(): Promise<this> {
    await this.#owner.listen(this.#path);
    return this;
  }

  async run(input: Buffer): Promise<void> {
    readers(input);
    if (this.#runs++ % GOOD_EVERY === 0) {
      const said = await this.#exchange([Buffer.from(helloLine('query', '') + QUESTION)]);
      expect(
        readAnswer(said.split('\n')[1] ?? '')?.isOk === true,
        'a good question is answered',
        said,
      );
    }
    const random = new Random(seedOf(input));
    const said = await this.#exchange(random.once(2) ? [input] : pieces(input, random));
    const [first = '', second = ''] = said.split('\n');
    if (said.includes('\n'))
      expect(readWelcome(first) !== undefined, 'a greeting is readable', said);
    const hello = readHello(input.toString('utf8').split('\n')[0] ?? '');
    if (hello === undefined) expect(said === '', 'nobody is told anything before a greeting', said);
    if (hello?.want === 'query' && second !== '')
      expect(readAnswer(second) !== undefined, 'an answer is readable', said);
    this.#world.check();
  }

  async close(): Promise<void> {
    await this.#owner.cut();
    await this.#world.close();
    await this.#owner.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** All that the owner says. */
  async #exchange(chunks: readonly Buffer[]): Promise<string> {
    const socket = connect({ path: this.#path, allowHalfOpen: true });
    const said: Buffer[] = [];
    let events = 0;
    for (const name of ['end', 'close', 'error', 'drain']) socket.on(name, () => (events += 1));
    socket.on('data', (chunk) => said.push(chunk));
    await once(socket, 'connect');
    for (const chunk of chunks) if (!socket.destroyed) socket.write(chunk);
    await quiet(() => events + said.length);
    socket.end();
    await quiet(() => events + said.length, 2);
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
    return Buffer.concat(said).toString('utf8');
  }
}

/** What both ends read of each other, as functions. */
function readers(input: Buffer): void {
  const line = input.toString('utf8');
  for (const each of [line, line.split('\n')[0] ?? '']) {
    readHello(each);
    readWelcome(each);
    readQuestion(each);
    readAnswer(each);
    const farewell = readFarewell(each);
    expect(farewell === undefined || Number.isSafeInteger(farewell), 'bytes are a number', each);
  }
  const random = new Random(seedOf(input));
  const [whole, cut] = [[input], pieces(input, random)].map((chunks) => {
    const end = new ResponseEnd();
    end.asked();
    for (const chunk of chunks) end.answered(chunk);
    return end.isIdle;
  });
  expect(whole === cut, 'pieces of a response make no difference', { whole, cut });
}

const hello = (want: Want): string => helloLine(want, DIGEST);
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';

export const target: Target = {
  beginnings: [
    hello('query') + QUESTION,
    `${hello('query')}{"query":"list_parked_calls","input":{"x":1}}\n`,
    `${hello('query')}{"query":"nothing","input":{}}\n`,
    hello('mcp') + PING,
    `${hello('mcp')}{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"f","version":"1"}}}`,
    `${hello('http')}GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    hello('watch'),
    helloLine('mcp', 'other'),
    '{"hangar":2,"want":"mcp","digest":"d"}\n',
    '{"hangar":1,"ok":true,"pid":1,"grace_ms":1,"body_bytes_max":1,"line_bytes_max":1}\n',
    '{"hangar":1,"ok":false,"reason":"stopping"}\n',
    '{"hangar":1,"ended":true,"read":12}',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  ],
  dictionary: [
    '"want":"query"',
    '"want":"http"',
    '"want":"mcp"',
    '"want":"later"',
    '"hangar":1',
    '"digest":"d"',
    '"query":"list_parked_calls"',
    '"input":{}',
    '\n',
    '\r\n\r\n',
    'HTTP/1.1 200 OK\r\n',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
    '5\r\n',
    PING,
    'x'.repeat(17_000),
  ],
  bytesMax: 40_000,
  make: (random) =>
    random.pick([
      () => `${hello('query')}{"query":"list_parked_calls","input":${makeValue(random)}}\n`,
      () => `${hello('mcp')}${makeJsonRpc(random).replaceAll(/[\r\n]/g, ' ')}\n`,
      () => `${makeValue(random).replaceAll(/[\r\n]/g, ' ')}\n`,
    ])(),
  open: async () => new Subject(await World.open()).listen(),
};
