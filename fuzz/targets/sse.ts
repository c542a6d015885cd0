/** What a remote server sends: event streams and bodies, in pieces of any size. */
import { AnswerReader } from '../../packages/gateway/src/infrastructure/upstream/remote/answer-reader.ts';
import { EventParser } from '../../packages/gateway/src/infrastructure/upstream/remote/event-parser.ts';
import type { Incoming } from '../../packages/gateway/src/infrastructure/upstream/remote/incoming.ts';
import { makeJsonRpc } from '../engine/json-texts.ts';
import { Random, seedOf } from '../engine/random.ts';
import { expect, pieces, type Target } from '../engine/target.ts';
import { checkAnswer } from '../engine/answer-check.ts';

/** Short, so that what is too long is met. */
const BYTES_MAX = 600;
/** Answers above this many bytes take another way: `@BIG@` makes one of them, and then more may be sent. */
const BIG = 'x'.repeat(66_000);
const BIG_BYTES_MAX = 200_000;
const TYPES = ['text/event-stream', 'application/json', 'text/html', 'Text/Event-Stream; a=b'];

interface Events {
  readonly events: readonly string[];
  readonly lastEventId: string | undefined;
  readonly retryMs: number | undefined;
}

function parse(chunks: readonly Buffer[], bytesMax: number): Events {
  const events: string[] = [];
  const parser = new EventParser(
    {
      event: (data, type) => events.push(`${type} ${data.toString('latin1')}`),
      overlong: (head, tail, bytes) => events.push(`overlong ${bytes} ${head} ${tail}`),
    },
    bytesMax,
  );
  for (const chunk of chunks) parser.push(chunk);
  return { events, lastEventId: parser.lastEventId, retryMs: parser.retryMs };
}

/** The standard's algorithm, on a whole text, for events that are not too long. */
function plainly(text: string): readonly string[] {
  const events: string[] = [];
  let data: string[] = [];
  let type = 'message';
  const lines = text.replace(/^\u00ef\u00bb\u00bf/, '').split(/\r\n|\r|\n/);
  lines.pop(); // a line without an end
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push(`${type} ${data.join('\n')}`);
      data = [];
      type = 'message';
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') data.push(value);
    if (name === 'event') type = Buffer.from(value, 'latin1').toString('utf8', 0, 64);
  }
  return events;
}

interface Sent {
  readonly type: string;
  readonly status: number;
  readonly bytesMax: number;
}

function read({ type, status, bytesMax }: Sent, chunks: readonly Buffer[]): readonly string[] {
  const told: string[] = [];
  const reader = new AnswerReader(
    {
      opened: (isStream) => told.push(`opened ${isStream}`),
      message: (message, event) => {
        check(message);
        told.push(`${event} ${textOf(message)}`);
      },
      overlong: (id, fault) => told.push(`overlong ${id} ${fault.code}`),
      accepted: () => told.push('end accepted'),
      refused: ({ error, errorId, body }) =>
        told.push(`end refused ${JSON.stringify([error, errorId])} ${body.length}`),
      ended: () => told.push('end'),
      failed: (fault) => told.push(`end failed ${fault.code}`),
    },
    bytesMax,
  );
  reader.response(status, { 'content-type': type });
  for (const chunk of chunks) reader.data(chunk);
  reader.end();
  const ends = told.filter((line) => line.startsWith('end')).length;
  expect(ends === 1 && told.at(-1)?.startsWith('end') === true, 'an answer ends once', told);
  return told;
}

function check(message: Incoming): void {
  if (message.kind === 'answer') checkAnswer(message.answer);
  if (message.kind === 'request' || message.kind === 'notification') JSON.parse(message.line.text);
}

function textOf(message: Incoming): string {
  if (message.kind === 'answer')
    return [...message.answer.before, message.id, ...message.answer.after].join('');
  return message.kind === 'noise' ? `noise ${message.id}` : message.line.text;
}

function run(input: Buffer): void {
  const [first = 0] = input;
  const isBig = input.includes('@BIG@');
  const bytesMax = isBig ? BIG_BYTES_MAX : BYTES_MAX;
  const bytes = isBig
    ? Buffer.from(input.toString('latin1', 1).replace('@BIG@', BIG), 'latin1')
    : input.subarray(1);
  const random = new Random(seedOf(input));
  const whole = parse([bytes], bytesMax);
  const crumbs = isBig ? [] : [[...bytes].map((byte) => Buffer.from([byte]))];
  for (const chunks of [pieces(bytes, random), ...crumbs]) {
    const cut = parse(chunks, bytesMax);
    expect(JSON.stringify(cut) === JSON.stringify(whole), 'pieces make no difference', {
      whole,
      cut,
    });
  }
  if (bytes.length <= bytesMax) {
    const plain = plainly(bytes.toString('latin1'));
    expect(JSON.stringify(plain) === JSON.stringify(whole.events), 'events are as the standard', {
      plain,
      whole,
    });
  }
  const type = TYPES[first % TYPES.length] ?? '';
  const status = [200, 200, 200, 202, 404][(first >> 2) % 5] ?? 200;
  const sent = { type, status, bytesMax };
  const once = read(sent, [bytes]);
  const again = read(sent, pieces(bytes, random));
  expect(once.join('\n') === again.join('\n'), 'pieces of an answer make no difference', {
    once,
    again,
  });
}

const DATA = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\u00e9"}]}}';

export const target: Target = {
  beginnings: [
    `\0event: message\nid: 7\ndata: ${DATA}\n\n`,
    `\0:comment\r\nretry: 1500\r\ndata: ${DATA}\r\n\r\n`,
    `\0data: {"jsonrpc":"2.0",\ndata: "id":1,"result":{}}\n\n`,
    `\0\ufeffdata\rdata:\r\revent:x\rdata:y\r\r`,
    `\0data: ${'x'.repeat(BYTES_MAX)}\n\ndata: y\n\n`,
    `\u0001${DATA}`,
    `\u0001[${DATA},{"jsonrpc":"2.0","method":"notifications/message","params":{}}]`,
    `\u0011{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no"}}`,
    `\u0002<html>`,
    `\0data: {"jsonrpc":"2.0","id":1,"result":["@BIG@"]}\n\n`,
    `\u0001{"result":["@BIG@"],"jsonrpc":"2.0",\n"id":1}`,
  ],
  dictionary: [
    'data:',
    'data: ',
    'event: ',
    'id: ',
    'retry: ',
    ':',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    '\r\r',
    '\ufeff',
    '{"jsonrpc":"2.0","id":1,"result":',
    ',"jsonrpc":"2.0","id":1}',
    '"method":"ping"',
    '[',
    ']',
    'x'.repeat(100),
  ],
  make: (random) => {
    const ends = ['\n', '\r', '\r\n'];
    const lines = Array.from({ length: 1 + random.below(8) }, () =>
      random.pick([
        () => `data: ${makeJsonRpc(random)}`,
        () => `data:${'y'.repeat(random.below(BYTES_MAX))}`,
        () => '',
        () => '',
        () => `id: ${random.below(9)}`,
        () => random.pick(['event: message', 'event', 'data', ': c', 'retry: 20']),
      ])(),
    );
    const mode = String.fromCharCode(random.once(3) ? random.below(32) : 0);
    return mode === '\u0001'
      ? mode + makeJsonRpc(random)
      : mode + lines.map((line) => line + random.pick(ends)).join('');
  },
  open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
};
