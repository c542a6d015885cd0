import fc from 'fast-check';
import { expect, test } from 'vitest';
import { glimpse, lineOf, textOf, type Glimpse } from './glimpse.ts';

const of = (text: string): Glimpse => {
  const bytes = Buffer.from(text);
  return glimpse({ pieces: [bytes], bytes: bytes.length });
};
const large = 'x'.repeat(40_000);

test.each([
  ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', 'request', '1'],
  ['{"method":"ping","jsonrpc":"2.0","id":"a"}\r', 'request', '"a"'],
  ['{"jsonrpc":"2.0","id":1.0,"result":{}}', 'answer', '1.0'],
  ['{"result":{},"jsonrpc":"2.0","id":"ü"}', 'answer', Buffer.from('"ü"').toString('latin1')],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}', 'answer', '7'],
  [`{"jsonrpc":"2.0","id":7,"result":{"text":"${large}"}}`, 'answer', '7'],
  [`{"result":{"text":"${large}"},"jsonrpc":"2.0","id":"z"}`, 'answer', '"z"'],
  [`{"result":{"text":"${large}"},"id":8,"jsonrpc":"2.0"}`, 'answer', '8'],
  [`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"text":"${large}"}}`, 'request', '9'],
  ['{"id":3,"id":4,"jsonrpc":"2.0","method":"ping"}', 'request', '4'],
])('%.60s is a(n) %s with its id as written', (text, kind, rawId) => {
  expect(of(text)).toMatchObject({ kind, rawId });
});

test('what stands inside an answer is not its id', () => {
  const inner = JSON.stringify(`,"jsonrpc":"2.0","id":5}${large}`);
  expect(of(`{"jsonrpc":"2.0","id":6,"result":{"text":${inner}}}`)).toMatchObject({ rawId: '6' });
  expect(of(`{"result":{"text":${inner},"jsonrpc":"2.0","id":5},"id":6}`)).toMatchObject({
    rawId: '6',
  });
});

test('a batch is what its messages are', () => {
  expect(
    of('[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"n"}, 3]'),
  ).toEqual({
    kind: 'batch',
    messages: [
      { kind: 'request', rawId: '1', method: 'ping' },
      { kind: 'notification', method: 'n' },
      { kind: 'unreadable' },
    ],
  });
});

test.each(['', 'hello', '{', '[1', '3', '{"jsonrpc":"2.0","id":1}'])('%j is unreadable', (text) => {
  expect(of(text)).toEqual({ kind: 'unreadable' });
});

test('it never throws, and pieces make no difference', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(50), (text, cut) => {
      const bytes = Buffer.from(text);
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(glimpse({ pieces, bytes: bytes.length })).toEqual(of(text));
    }),
    { numRuns: 50 },
  );
});

test('a line of text is its bytes', () => {
  expect(textOf(lineOf('{"a":"é"}').pieces)).toBe('{"a":"é"}');
});
