/** What a child prints: lines, halves of lines and noise, while calls wait for their answers. */
import { Readable, Writable } from 'node:stream';
import { utf8Text } from '../../packages/gateway/src/application/byte-text.ts';
import { routingOf } from '../../packages/gateway/src/application/calls/ask.ts';
import type { RawAnswer } from '../../packages/gateway/src/application/ports.ts';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { StdioConnection } from '../../packages/gateway/src/infrastructure/upstream/stdio-connection.ts';
import { checkAnswer } from '../engine/answer-check.ts';
import { makeJsonRpc, makeValue } from '../engine/json-texts.ts';
import { Random, seedOf } from '../engine/random.ts';
import { expect, pieces, type Target } from '../engine/target.ts';

const CALLS = 6;
const QUEUE_BYTES_MAX = 100_000;
const MESSAGE_BYTES_MAX = 200_000;
/** Lines above this many bytes take another way: `@BIG@` makes one of them. */
const BIG = 'x'.repeat(66_000);
const TOO_BIG = 'x'.repeat(200_000);
/** And those above this one are only looked at from both ends. `@HUGE@` costs time: most often it is a big one. */
const HUGE = 'x'.repeat(8_400_000);
const HUGE_ONCE_IN = 16;

interface Told {
  readonly answers: RawAnswer[];
  readonly losses: string[];
  readonly notes: string[];
}

/** Everything that a connection makes of bytes, call by call. */
interface Outcome {
  readonly calls: readonly Told[];
  readonly heard: readonly string[];
  readonly written: string;
}

function listen(chunks: readonly Buffer[], messageBytesMax: number): Outcome {
  const stdout = new Readable({ read: () => undefined });
  let written = '';
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written += chunk.toString('utf8');
      done();
    },
  });
  const forever = new Promise<never>(() => undefined);
  const process = { pid: 1, stdin, stdout, exited: forever, stop: () => Promise.resolve() };
  const limits = { messageBytesMax, queueBytesMax: QUEUE_BYTES_MAX };
  const connection = new StdioConnection(process, limits);
  const heard: string[] = [];
  connection.observe({
    request: ({ line }) => heard.push(line.text),
    notification: ({ line }) => heard.push(line.text),
    ended: () => undefined,
  });
  const calls = Array.from({ length: CALLS }, (): Told => ({ answers: [], losses: [], notes: [] }));
  for (const { answers, losses, notes } of calls)
    connection.send({
      parts: ['{"jsonrpc":"2.0","id":', ',"method":"x"}'],
      routing: routingOf('x'),
      answered: (answer) => answers.push(answer),
      lost: ({ code }) => losses.push(code),
      notified: (message) => {
        if (message.kind === 'notification') notes.push(message.line.text);
      },
    });
  for (const chunk of chunks) stdout.emit('data', chunk);
  stdout.removeAllListeners('data');
  return { calls, heard, written };
}

const textOf = ({ before, after }: RawAnswer): string => utf8Text([...before, '0', ...after]);

const asText = ({ calls, heard, written }: Outcome): string =>
  JSON.stringify([
    calls.map(({ answers, losses, notes }) => [answers.map(textOf), losses, notes]),
    heard,
    written,
  ]);

function run(input: Buffer): void {
  const bytes = expanded(input);
  const limit = bytes.length > HUGE.length ? 2 * HUGE.length : MESSAGE_BYTES_MAX;
  const whole = listen([bytes], limit);
  const cut = listen(pieces(bytes, new Random(seedOf(input))), limit);
  expect(asText(whole) === asText(cut), 'pieces make no difference', {
    whole: asText(whole),
    cut: asText(cut),
  });
  const lines = bytes.toString('latin1').split('\n').slice(0, -1);
  const plain = lines.map(objectIn);
  for (const [index, { answers, losses, notes }] of whole.calls.entries()) {
    const id = index + 1;
    expect(answers.length + losses.length <= 1, 'a call is told once', id);
    for (const answer of answers) checkOne(id, answer, plain);
    for (const note of notes) JSON.parse(note);
    // The plainest answer reaches its call, whatever came before it.
    const first = lines.findIndex((line) =>
      line.startsWith(`{"jsonrpc":"2.0","id":${id},"result":`),
    );
    if (isPlain(plain[first], lines[first]))
      expect(answers.length + losses.length === 1, 'an answer reaches its call', lines[first]);
  }
  for (const line of whole.heard) JSON.parse(line);
}

/** Somewhere a line was an answer under this id, and this is it. */
function checkOne(id: number, answer: RawAnswer, lines: readonly (JsonObject | undefined)[]): void {
  checkAnswer(answer);
  const { id: _ours, ...got } =
    objectIn(Buffer.from(textOf(answer), 'utf8').toString('latin1')) ?? {};
  if (answer.bytes > 65_536) return;
  const said = lines.some((line) => {
    if (line === undefined || Number(line['id']) !== id) return false;
    const { id: _theirs, ...rest } = line;
    return JSON.stringify(rest) === JSON.stringify(got);
  });
  expect(said, 'an answer is what the server said under that id', { id, got });
}

function isPlain(message: JsonObject | undefined, line = ''): boolean {
  if (message === undefined || line.length > MESSAGE_BYTES_MAX) return false;
  return Object.keys(message).length === 3 && Buffer.from(line, 'latin1').length === line.length;
}

function objectIn(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function expanded(input: Buffer): Buffer {
  if (!input.includes('@')) return input;
  const text = input.toString('latin1');
  const huge = seedOf(input) % HUGE_ONCE_IN === 0 ? HUGE : BIG;
  const put = text.replace('@BIG@', BIG).replace('@TOOBIG@', TOO_BIG).replace('@HUGE@', huge);
  return Buffer.from(put, 'latin1');
}

export const target: Target = {
  beginnings: [
    '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n{"result":{},"jsonrpc":"2.0","id":2}\r\n',
    '{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no"}}\n',
    '{"jsonrpc":"2.0","id":1,"result":{"content":["@BIG@"]}}\n{"result":["@BIG@"],"jsonrpc":"2.0","id":2}\n',
    '{"jsonrpc":"2.0","id":1,"result":{"content":["@TOOBIG@"]}}\n{"id":2,"result":["@TOOBIG@"],"jsonrpc":"2.0"}\n',
    '{"jsonrpc":"2.0","id":1,"result":{"content":["@HUGE@"]}}\n{"result":["@HUGE@"],"jsonrpc":"2.0","id":2}\n',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n',
    '{"jsonrpc":"2.0","method":"notifications/x","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":2}}}\n',
    '{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"_meta":{"progressToken":"t"}}}\n',
    'listening on stdout\n{"jsonrpc":"2.0","id":1,"result":{\n\n\r\n[]\nnull\n',
  ],
  dictionary: [
    '{"jsonrpc":"2.0","id":1,"result":',
    ',"jsonrpc":"2.0","id":2}',
    '"id":3',
    '"ID":3',
    String.raw`"\u0069d":3`,
    '"id":"4"',
    '"id":1.0',
    '"result":{}',
    '"error":{}',
    '"method":"x"',
    '"progressToken":1',
    '\n',
    '\r\n',
    '\u00e9',
    String.raw`\"`,
  ],
  make: (random) =>
    Array.from({ length: 1 + random.below(5) }, () => {
      const id = 1 + random.below(CALLS);
      return random.pick([
        () => `{"jsonrpc":"2.0","id":${id},"result":${makeValue(random)}}`,
        () => `{"result":${makeValue(random)},"jsonrpc":"2.0","id":${id}}`,
        () =>
          `{"result":[${random.once(12) ? '"@BIG@"' : '1'},${makeValue(random)}],"jsonrpc":"2.0","id":${id}}`,
        () => makeJsonRpc(random),
        () => makeJsonRpc(random).replaceAll(/[\r\n]/g, ' '),
      ])();
    }).join(random.pick(['\n', '\n', '\r\n'])) + '\n',
  open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
};
