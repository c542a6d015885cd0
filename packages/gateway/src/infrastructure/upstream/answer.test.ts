import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawAnswer } from '../../application/ports.ts';
import { readServerLine } from '../../domain/protocol/server-message.ts';
import { answerAtEnds, answerOf, idAtEnds } from './answer.ts';

const bytesOf = ({ before, after }: RawAnswer, id: string): Buffer =>
  Buffer.concat(
    [...before, id, ...after].map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
    ),
  );

const jsonOf = (answer: RawAnswer): unknown => JSON.parse(bytesOf(answer, '"new"').toString());

function pieces(line: string, sizes: readonly number[]): readonly Buffer[] {
  const bytes = Buffer.from(line);
  const cut: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

/** Texts that look like the ends of an answer, for places where they are none. */
const FORGED = [
  '{"jsonrpc":"2.0","id":99,"result":{}}',
  ',"jsonrpc":"2.0","id":99}',
  '{"result":{},"jsonrpc":"2.0","id":99}',
];
const anyContent = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(...FORGED),
  fc.constantFrom(...FORGED.map((text) => `"${text}`)),
  fc.constant({ jsonrpc: '2.0', id: 99 }),
  fc.constant({ result: { id: 99 }, jsonrpc: '2.0', id: 98 }),
);
const anyId = fc.oneof(
  fc.nat(),
  fc.integer({ min: 10 ** 14, max: 10 ** 15 }),
  fc.constantFrom<unknown>('7', null, -1, 1.5, 1e21, {}, [7]),
);
/** Members in any order, of which one may be missing: what servers write, and what they should not. */
const anyMessage = fc
  .record(
    {
      jsonrpc: fc.constant('2.0'),
      id: anyId,
      result: anyContent,
      error: fc.record({ code: fc.integer(), message: fc.string(), data: anyContent }),
      extra: anyContent,
    },
    { requiredKeys: ['jsonrpc', 'id'] },
  )
  .chain((message) =>
    fc.oneof(
      fc.shuffledSubarray(Object.keys(message)).map((keys) =>
        Object.fromEntries(
          keys
            // Of a result and an error the other one is what the answer has.
            .filter((key) => key !== 'result' || !keys.includes('error'))
            .map((key) => [key, message[key as keyof typeof message]]),
        ),
      ),
      fc.constant({ jsonrpc: '2.0', id: message.id, result: message.result ?? null }),
      fc.constant({ result: message.result ?? null, jsonrpc: '2.0', id: message.id }),
      fc.constant({ error: message.error ?? {}, jsonrpc: '2.0', id: message.id }),
    ),
  );
const anyLine = fc
  .tuple(anyMessage, fc.constantFrom('', '\r'), fc.constantFrom(undefined, 2))
  .map(
    ([message, end, indent]) =>
      JSON.stringify(message, undefined, indent).replaceAll('\n', ' ') + end,
  );
const anySizes = fc.array(fc.integer({ min: 60, max: 400 }), { minLength: 1, maxLength: 4 });

describe('an answer that is found at its ends', () => {
  test('is the one that reading the whole line finds', () => {
    fc.assert(
      fc.property(anyLine, anySizes, (line, sizes) => {
        const cut = pieces(line, sizes);
        const found = answerAtEnds(cut, Buffer.byteLength(line));
        if (found === undefined) return;
        const message = JSON.parse(line) as Readonly<Record<string, unknown>>;
        expect(message['id']).toBe(found.id);
        const scanned = readServerLine(Buffer.from(line).toString('latin1').trimEnd());
        if (scanned?.kind !== 'answer') throw new Error('a scan finds no answer');
        expect(found.answer.isError).toBe(scanned.isError);
        expect(jsonOf(found.answer)).toEqual(jsonOf(answerOf(scanned)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('is found in both shapes that servers write, however they come', () => {
    fc.assert(
      fc.property(fc.nat(), anyContent, anySizes, fc.boolean(), (id, result, sizes, isLast) => {
        const filler = 'x'.repeat(200);
        const message = isLast
          ? { result: { result, filler }, jsonrpc: '2.0', id }
          : { jsonrpc: '2.0', id, result: { result, filler } };
        const line = JSON.stringify(message);
        const cut = pieces(line, sizes);
        const lastPiece = cut.at(-1)?.length ?? 0;
        fc.pre(!isLast || lastPiece >= 64);
        expect(answerAtEnds(cut, line.length)?.id).toBe(id);
      }),
    );
  });

  test.each([
    ['an id that is a text', '{"jsonrpc":"2.0","id":"7","result":{}}'],
    ['an id in scientific notation', '{"jsonrpc":"2.0","id":1e3,"result":{}}'],
    ['an id inside', '{"result":{"x":{"a":1,"jsonrpc":"2.0","id":7}}}'],
    ['an id inside something else', '{"result":{},"x":{"y":1,"jsonrpc":"2.0","id":7}}'],
    ['an id in a text', '{"result":{},"x":",\\"jsonrpc\\":\\"2.0\\",\\"id\\":7}"}'],
    ['a request', '{"jsonrpc":"2.0","id":7,"method":"x","params":{"result":1}}'],
    ['a request with its id last', '{"method":"x","params":{},"jsonrpc":"2.0","id":7}'],
    ['another order', '{"id":7,"jsonrpc":"2.0","result":{}}'],
    ['nothing', ''],
  ])('is never taken from %s', (_what, line) => {
    const filled = line.replace('{}', `{"filler":"${'x'.repeat(100)}"}`);
    expect(answerAtEnds([Buffer.from(filled)], filled.length)).toBeUndefined();
  });

  test('is under the id that it was given, whatever stands in it unread', () => {
    const forged = `{"jsonrpc":"2.0","id":7,"result":"${'x'.repeat(300)}","id":8}\r`;
    const { id, answer } = answerAtEnds(pieces(forged, [100]), forged.length) ?? {};
    expect(id).toBe(7);
    expect(answer && jsonOf(answer)).toMatchObject({ id: 'new' });
  });

  test('keeps its pieces as they came, with the id behind them', () => {
    const line = `{"jsonrpc":"2.0","id":7,"result":"${'x'.repeat(300)}"}`;
    const cut = pieces(line, [100]);
    const { answer } = answerAtEnds(cut, line.length) ?? {};
    expect(answer?.before.slice(2, -2)).toEqual(cut.slice(1, -1));
    expect(answer?.bytes).toBe(line.length);
  });
});

describe('the id that a broken line names', () => {
  const filler = '…'.repeat(50);
  test.each([
    ['at its head', '{"jsonrpc":"2.0","id":7,"result":', filler, 7],
    ['at its head, with spaces', '{ "jsonrpc" : "2.0", "id" : 7 , "resu', filler, 7],
    ['at its tail', '{"result":{', `${filler},"jsonrpc":"2.0","id":7}`, 7],
    ['at its tail, with a carriage return', '{"result":{', ',"id":7}\r', 7],
    ['nowhere', 'Listening on stdio', '…', undefined],
    ['inside only', '{"result":{"id":7},', '"jsonrpc":"2.0"}', undefined],
    ['as a text', '{"jsonrpc":"2.0","id":"7","re', filler, undefined],
    ['as its own: a request', '{"jsonrpc":"2.0","id":7,"method":"sampl', filler, undefined],
    ['as its own: a request of an SDK', '{"method":"sampling/createM', ',"id":7}', undefined],
    ['as its own: a request, id first', '{"id":7,"method":"x"', ',"id":7}', undefined],
  ])('is found %s', (_where, head, tail, id) => {
    expect(idAtEnds(head, tail)).toBe(id);
  });
});
