import { expect, test } from 'vitest';
import { readIncoming, type Incoming } from './incoming.ts';

const read = (text: string): readonly Incoming[] => readIncoming(Buffer.from(text));
const textOf = (message: Incoming | undefined): string =>
  message?.kind === 'answer'
    ? [...message.answer.before, message.id, ...message.answer.after].map(String).join('')
    : '';

test('an answer is cut at its id and otherwise left as it is', () => {
  const text = '{"jsonrpc":"2.0","result":{"n":12345678901234567890,"f":1.0},"id":7}';
  const [message] = read(text);
  expect(message).toMatchObject({ kind: 'answer', id: 7, answer: { isError: false } });
  expect(textOf(message)).toBe(text);
  expect(read('{"jsonrpc":"2.0","id":"7","error":{"code":1,"message":"x"}}')[0]).toMatchObject({
    id: 7,
    answer: { isError: true },
  });
});

test('a message over several lines becomes one line, because it is passed on as one', () => {
  const [message] = read('\u{feff}{\r\n  "jsonrpc": "2.0",\n  "id": 7,\r  "result": {}\n}\n');
  expect(textOf(message)).not.toMatch(/[\r\n]/);
  expect(JSON.parse(textOf(message))).toEqual({ jsonrpc: '2.0', id: 7, result: {} });
});

test.each([100_000, 9_000_000])('an answer of %i bytes is found without being parsed', (bytes) => {
  const filler = 'x'.repeat(bytes);
  const [message] = read(`{"jsonrpc":"2.0","id":7,"result":{"text":"${filler}"}}`);
  expect(message).toMatchObject({ kind: 'answer', id: 7 });
});

test.each([10, 100_000])('an answer of %i bytes that names two ids is noise', (bytes) => {
  const text = 'x'.repeat(bytes);
  const line = JSON.stringify({ jsonrpc: '2.0', ID: 8, result: { text }, id: 7 });
  expect(read(line)).toEqual([{ kind: 'noise', id: 7 }]);
});

test.each([
  ['ID', '"ID":7,"result"'],
  ['result', '"id":7,"Result"'],
  ['error', '"id":7,"ERROR"'],
])('a large answer whose %s is in another case is noise', (_what, members) => {
  const line = `{"jsonrpc":"2.0",${members}:{"text":"${'x'.repeat(100_000)}"}}`;
  expect(read(line)[0]?.kind).toBe('noise');
});

test('an answer has a result as a member, not as a word somewhere', () => {
  expect(read('{"jsonrpc":"2.0","id":7,"inner":{"result":1}}')).toEqual([{ kind: 'noise', id: 7 }]);
  expect(read('{"jsonrpc":"2.0","id":7,"text":"a \\"result\\""}')).toEqual([
    { kind: 'noise', id: 7 },
  ]);
});

test('a batch is read message by message', () => {
  const batch =
    '[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":1,"result":{}}]';
  expect(read(batch).map(({ kind }) => kind)).toEqual(['notification', 'answer']);
});

test.each(['', 'hello', '{', '[', '[1]', '{"jsonrpc":"2.0"}', '{"id":1,"result":{} oops}', '"x"'])(
  'what is no message (%s) is noise',
  (text) => {
    expect(read(text).every(({ kind }) => kind === 'noise')).toBe(true);
  },
);

test.each([10, 100_000])('a request of %i bytes is one only where it is JSON', (bytes) => {
  const line = (value: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"roots/list","params":{"f":"${'x'.repeat(bytes)}","v":${value}}}`;
  expect([line('nul'), line('null')].map((text) => read(text)[0]?.kind)).toEqual([
    'noise',
    'request',
  ]);
});

test('noise that seems to answer a call names it', () => {
  expect(read('{"jsonrpc":"2.0","id":7,"result":{')).toEqual([{ kind: 'noise', id: 7 }]);
});
