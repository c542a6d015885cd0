/** Bodies of JSON-RPC, posted in both eras over one connection in memory: what is answered, and what servers are sent. */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { isObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { httpAnswers, messagesOf } from '../engine/http-answers.ts';
import { HttpSender, post } from '../engine/http-sender.ts';
import { makeJsonRpc } from '../engine/json-texts.ts';
import { quiet } from '../engine/quiet.ts';
import { expect, type Target } from '../engine/target.ts';
import { World } from '../engine/world.ts';

const RENEW_EVERY = 64;
const STATUSES: ReadonlySet<number> = new Set([200, 202, 400, 404, 413, 429, 503]);

class Subject {
  readonly #world: World;
  readonly #sender: HttpSender;
  #session = '';
  #state = '';
  #runs = 0;

  constructor(world: World, port: number) {
    this.#world = world;
    this.#sender = new HttpSender(port);
  }

  async run(input: Buffer): Promise<void> {
    if (this.#runs++ % RENEW_EVERY === 0) await this.#renew();
    const text = input.toString('latin1').replaceAll('@STATE@', this.#state);
    const body = Buffer.from(expanded(text), 'latin1');
    const value = valueOf(body);
    const path = input.length % 3 === 0 ? '/mcp/m' : '/mcp';
    const legacy = await this.#post(body, [`mcp-session-id: ${this.#session}`], '/mcp');
    checkAnswers(legacy, value, patience(body));
    const modern = await this.#post(body, modernHeaders(value), path);
    checkAnswers(modern, value, patience(body));
    this.#world.check();
  }

  close(): Promise<void> {
    return this.#world.close();
  }

  async #renew(): Promise<void> {
    if (this.#session !== '') await this.#sender.end(this.#session);
    // Nobody but this revision has batches.
    this.#session = await this.#sender.session('2025-03-26');
    await this.#sender.checkGood(this.#session);
    this.#state = await this.#newState();
  }

  /** The state of a call that waits for its client. */
  async #newState(): Promise<string> {
    const said = await this.#post(Buffer.from(ASK), modernHeaders(JSON.parse(ASK)), '/mcp');
    return /"requestState":"([^"]+)"/.exec(said.toString('latin1'))?.[1] ?? '';
  }

  /** On a connection as the local socket hands one over: bytes in memory, no system in between. */
  async #post(body: Buffer, headers: readonly string[], path: string): Promise<Buffer> {
    const socket = new MemorySocket();
    // As far as a server uses one.
    this.#world.gateway.accept(socket as unknown as Socket);
    socket.push(post(body, headers, path));
    await quiet(() => socket.writes);
    const said = Buffer.concat(socket.said);
    socket.destroy();
    return said;
  }
}

class MemorySocket extends Duplex {
  readonly said: Buffer[] = [];
  writes = 0;
  remoteAddress = '127.0.0.1';

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.said.push(chunk);
    this.writes += 1;
    done();
  }

  setTimeout(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
}

/** `@DEEP@`: nested further than anybody may. `@LONG@`: a body that is too large. */
const expanded = (text: string): string =>
  text
    .replace('@DEEP@', '['.repeat(1_100) + ']'.repeat(1_100))
    .replace('@DEEPER@', '['.repeat(600) + ']'.repeat(600))
    .replace('@LONG@', 'x'.repeat(70_000));

/** Undefined for what is no JSON in UTF-8. */
function valueOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}

function modernHeaders(value: unknown): readonly string[] {
  const { method, params } = isObject(value) ? value : {};
  const { name, uri } = isObject(params) ? params : {};
  const target = [name, uri].find((each) => typeof each === 'string');
  return [
    'mcp-protocol-version: 2026-07-28',
    ...(typeof method === 'string' ? [`mcp-method: ${encoded(method)}`] : []),
    ...(target === undefined ? [] : [`mcp-name: ${encoded(String(target))}`]),
  ];
}

const encoded = (text: string): string =>
  /^[\w/.:-]+$/.test(text) ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;

/** What goes to a server may wait: for a free child, for a client's answer. What the gateway answers does not. */
const patience = (body: Buffer): number => (ASKS_A_SERVER.test(body.toString('latin1')) ? 0 : 1);
const ASKS_A_SERVER = /call|get|read|complete|sub|task|level|\\u/i;

function checkAnswers(said: Buffer, value: unknown, least: number): void {
  const answers = httpAnswers(said);
  const count = answers.length;
  expect(count === 1 || count === least, 'a request has one response', said.toString('latin1'));
  const [answer] = answers;
  if (answer === undefined) return;
  expect(STATUSES.has(answer.status), 'a status is one of those that are documented', answer);
  const ids = messagesOf(answer).flatMap((message) =>
    isObject(message) && message['method'] === undefined ? [message['id']] : [],
  );
  if (value === undefined) {
    expect(answer.status === 400 || answer.status === 413, 'what is no JSON is refused', answer);
    return;
  }
  const asked = idsOf(value);
  for (const id of ids) {
    const isAsked = id === null || asked.some((one) => Object.is(one, id) || one === id);
    expect(isAsked, 'an answer has an id that was asked for', { id, asked });
  }
  const answered = ids.filter((id) => id !== null).length;
  expect(answered <= asked.length, 'a request is answered once', answer);
}

const idsOf = (value: unknown): readonly unknown[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one: unknown) =>
    isObject(one) ? [one['id']] : [],
  );

const META =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}';
const call = (name: string, more = '', meta = META): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{"a":1.0}${more},${meta}}}`;
const ASK = call('m__ask');

export const target: Target = {
  beginnings: [
    call('s__work', '', '"_meta":{"progressToken":1}'),
    call('m__work', '', '"_meta":{}'),
    call('m__again', '', '"_meta":{}'),
    call('s__work'),
    call('m__work'),
    ASK,
    call(
      'm__ask',
      ',"requestState":"@STATE@","inputResponses":{"q":{"action":"accept","content":{}}}',
    ),
    call('s__ask', ',"requestState":"@STATE@","inputResponses":{}'),
    call('hangar_list', '', '"_meta":{}'),
    '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":"2","method":"tools/list"}]',
    '[]',
    '[{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":@DEEPER@}},{"jsonrpc":"2.0","id":2,"method":"ping"}]',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":@DEEP@}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__work","name":"m__work","arguments":@DEEPER@}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s__work","arguments":{"a":"@LONG@"}}}',
    `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["x://a"]},${META}}}`,
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
    '{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"s__p"},"argument":{}}}',
    '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x://t/1"}}',
    '{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"x://a"}}',
    '{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}',
    String.raw`{"jsonrpc":"2.0","id":"\ud800","method":"tools/call","params":{"name":"s__work","arguments":{"\udc00":"\ud83d"}}}`,
  ],
  dictionary: [
    '"id":12345678901234567890',
    '"id":1e400',
    '"id":null',
    '"ID":2,',
    String.raw`"\u0069d":2,`,
    '"params":{',
    '"arguments":{}',
    '"jsonrpc":"2.0",',
    '@DEEP@',
    '@DEEPER@',
    '@STATE@',
    String.raw`\ud800`,
    '"__proto__":{},',
    '"constructor":1,',
    '"cursor":"x"',
    '"progressToken":1',
    '"task":{"ttl":1}',
    '"io.modelcontextprotocol/logLevel":"debug",',
    'registry_invoke',
    'hangar_call',
    's__p',
    META,
  ],
  make: makeJsonRpc,
  open: async () => {
    const world = await World.open();
    return new Subject(world, await world.gateway.listen());
  },
};
