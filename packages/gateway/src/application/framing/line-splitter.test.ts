import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

const END = 128;
const MAX = 200;

type Seen =
  | { readonly line: string; readonly bytes: number }
  | { readonly head: string; readonly tail: string; readonly bytes: number };

function split(chunks: readonly Buffer[], bytesMax = MAX): readonly Seen[] {
  const seen: Seen[] = [];
  const splitter = new LineSplitter(
    {
      line: (pieces, bytes) => seen.push({ line: Buffer.concat(pieces).toString('latin1'), bytes }),
      overlong: (head, tail, bytes) => seen.push({ head, tail, bytes }),
    },
    bytesMax,
  );
  for (const chunk of chunks) splitter.push(chunk);
  return seen;
}

/** The same, done with the whole text at hand. */
const expected = (text: string): readonly Seen[] =>
  text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '')
    .map((line) =>
      line.length <= MAX
        ? { line, bytes: line.length }
        : { head: line.slice(0, END), tail: line.slice(-END), bytes: line.length },
    );

const anyLine = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'ä', '\r', '\0', '{', '"'), maxLength: 40 }),
  fc
    .tuple(fc.integer({ min: MAX - 4, max: 3 * MAX }), fc.constantFrom('x', 'yz', '0123456789'))
    .map(([length, unit]) => unit.repeat(length).slice(0, length)),
);
const anyText = fc.array(anyLine, { maxLength: 8 }).map((lines) => lines.join('\n'));

function chunked(bytes: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('lines', () => {
  test('are the same, however the bytes come', () => {
    const anySizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(anyText, anySizes, (text, sizes) => {
        const bytes = Buffer.from(text, 'latin1');
        expect(split(chunked(bytes, sizes))).toEqual(expected(text));
      }),
      { numRuns: 500 },
    );
  });

  test('are the same byte by byte', () => {
    const text = `one\n\n${'x'.repeat(MAX)}\n${'y'.repeat(MAX + 1)}\r\nlast\n`;
    const bytes = Buffer.from(text, 'latin1');
    expect(split(chunked(bytes, [1]))).toEqual(expected(text));
  });

  test('that lie within a chunk may be skipped by their ends, and no others are', () => {
    const asked: unknown[] = [];
    const seen: string[] = [];
    const splitter = new LineSplitter(
      {
        line: (pieces) => seen.push(Buffer.concat(pieces).toString('latin1')),
        overlong: () => undefined,
        skips: (first, last, bytes) => {
          asked.push([String.fromCharCode(first, last), bytes]);
          return first === 35; // #
        },
      },
      MAX,
    );
    splitter.push(Buffer.from('#one\n{two}\n\n#th'));
    splitter.push(Buffer.from('ree\n#\n'));
    expect(asked).toEqual([
      ['#e', 4],
      ['{}', 5],
      ['##', 1],
    ]);
    expect(seen).toEqual(['{two}', '#three']);
  });

  test('of exactly the limit pass, and one byte more costs that line only', () => {
    const [fits, over] = ['a'.repeat(MAX), 'b'.repeat(MAX + 1)];
    expect(split([Buffer.from(`${fits}\n${over}\n${fits}\n`)])).toEqual([
      { line: fits, bytes: MAX },
      { head: 'b'.repeat(END), tail: 'b'.repeat(END), bytes: MAX + 1 },
      { line: fits, bytes: MAX },
    ]);
  });

  test('are not copied: a line is made of the chunks that it came in', () => {
    const chunks = [Buffer.from('{"a":'), Buffer.from('1}\n')];
    const memories: ArrayBufferLike[] = [];
    const splitter = new LineSplitter(
      { line: (pieces) => memories.push(...pieces.map(({ buffer }) => buffer)), overlong: () => 0 },
      MAX,
    );
    for (const chunk of chunks) splitter.push(chunk);
    expect(memories).toEqual(chunks.map(({ buffer }) => buffer));
  });

  test('without an end are no lines yet', () => {
    expect(split([Buffer.from('half a line')])).toEqual([]);
    expect(split([Buffer.from('\n\n\n')])).toEqual([]);
  });

  test('of a hundred megabytes keep nothing but their ends', () => {
    const chunk = Buffer.alloc(1_000_000, 'z');
    const before = process.memoryUsage().arrayBuffers;
    const seen: Seen[] = [];
    const splitter = new LineSplitter(
      { line: () => undefined, overlong: (head, tail, bytes) => seen.push({ head, tail, bytes }) },
      2_000_000,
    );
    for (let turn = 0; turn < 100; turn += 1) splitter.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    splitter.push(Buffer.from('end\n'));
    expect(seen).toEqual([
      { head: 'z'.repeat(END), tail: `${'z'.repeat(END - 3)}end`, bytes: 100_000_003 },
    ]);
  });
});
