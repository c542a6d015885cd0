import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventParser } from './event-parser.ts';

interface Read {
  readonly events: { data: string; type: string }[];
  readonly overlong: { head: string; tail: string; bytes: number }[];
  readonly parser: EventParser;
}

function read(chunks: readonly (string | Buffer)[], bytesMax = 1_000_000): Read {
  const events: Read['events'] = [];
  const overlong: Read['overlong'] = [];
  const parser = new EventParser(
    {
      event: (data, type) => void events.push({ data: data.toString('utf8'), type }),
      overlong: (head, tail, bytes) => void overlong.push({ head, tail, bytes }),
    },
    bytesMax,
  );
  for (const chunk of chunks) parser.push(Buffer.from(chunk));
  return { events, overlong, parser };
}

const dataOf = (text: string): readonly string[] => read([text]).events.map(({ data }) => data);

describe('an event', () => {
  test.each([
    ['LF', 'data: a\n\n'],
    ['CR', 'data: a\r\r'],
    ['CRLF', 'data: a\r\n\r\n'],
    ['all of them', 'data: a\r\n\n'],
    ['no space after the colon', 'data:a\n\n'],
    ['comments around it', ': hi\ndata: a\n: there\n\n: bye\n\n'],
    ['fields that nobody knows', 'data: a\nwhat: ever\nnothing\n\n'],
    ['a byte order mark before it', '\u{feff}data: a\n\n'],
  ])('with %s is read', (_what, text) => {
    expect(dataOf(text)).toEqual(['a']);
  });

  test('joins its lines of data, keeps spaces but the first, and may be empty of them', () => {
    expect(dataOf('data: a\ndata:  b \ndata\ndata: c\n\n')).toEqual(['a\n b \n\nc']);
  });

  test('without data is none, and one that is not ended is not told', () => {
    expect(dataOf('event: x\nid: 1\n\ndata: half\n')).toEqual([]);
  });

  test('has the type that it names, and only that event has it', () => {
    const { events } = read(['event: endpoint\ndata: /x\n\ndata: y\n\n']);
    expect(events.map(({ type }) => type)).toEqual(['endpoint', 'message']);
  });

  test('leaves its id behind, also without data, as soon as it is complete', () => {
    const { parser } = read(['id: 7\ndata: \n\ndata: x\n\nid: 8\n']);
    expect(parser.lastEventId).toBe('7');
    expect(read(['id: a\u0000b\n\n']).parser.lastEventId).toBeUndefined();
    expect(read([`id: ${'x'.repeat(2_000)}\n\n`]).parser.lastEventId).toBeUndefined();
    expect(read(['id: 1\n\nid\n\n']).parser.lastEventId).toBe('');
  });

  test('may say when to come back, in whole milliseconds and within reason', () => {
    expect(read(['retry: 500\n']).parser.retryMs).toBe(500);
    expect(read(['retry: 0.5\nretry: x\nretry:\n']).parser.retryMs).toBeUndefined();
    expect(read(['retry: 99999999999\n']).parser.retryMs).toBe(3_600_000);
  });
});

describe('an event beyond the limit', () => {
  const long = (length: number): string => `{"jsonrpc":"2.0","id":7,"x":"${'x'.repeat(length)}"}`;

  test('is told with both ends, is not kept, and costs no other', () => {
    const text = `data: a\n\ndata: ${long(5_000)}\nid: 3\n\ndata: b\n\n`;
    for (const size of [1, 7, 1_000, 100_000]) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      const { events, overlong } = read(chunks, 1_000);
      expect(events.map(({ data }) => data)).toEqual(['a', 'b']);
      expect(overlong).toHaveLength(1);
      expect(overlong[0]?.head).toMatch(/^\{"jsonrpc":"2\.0","id":7/);
      expect(overlong[0]?.bytes).toBeGreaterThan(1_000);
    }
  });

  test('is one however the network cut it, and so is one that is not', () => {
    for (const length of [985, 990, 994, 995, 1_000]) {
      const text = `data: ${'x'.repeat(length)}\n\n:${'y'.repeat(length)}\n\n`;
      const inPieces = read(text.match(/[^]{1,3}/g) ?? [], 1_000);
      const whole = read([text], 1_000);
      expect(inPieces.events).toEqual(whole.events);
      expect(inPieces.overlong).toEqual(whole.overlong);
      expect(whole.events).toHaveLength(length < 995 ? 1 : 0);
    }
  });

  test('may consist of many lines, and its end is the first empty one', () => {
    const lines = 'data: 0123456789\n'.repeat(200);
    const { events, overlong } = read([lines, '\n', 'data: b\n\n'], 1_000);
    expect(overlong).toHaveLength(1);
    expect(events.map(({ data }) => data)).toEqual(['b']);
  });
});

const lineEnd = fc.constantFrom('\n', '\r', '\r\n');
const text = fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll(/[\r\n]/g, ' '));

test('what was written is read, however it is cut and whatever ends its lines', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ data: text, comment: fc.boolean() }), { maxLength: 8 }),
      lineEnd,
      fc.array(fc.nat(), { maxLength: 20 }),
      (events, end, cuts) => {
        const written = events
          .map(({ data, comment }) => `${comment ? `: c${end}` : ''}data: ${data}${end}${end}`)
          .join('');
        const bytes = Buffer.from(written);
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted(
          (a, b) => a - b,
        );
        const edges = [0, ...places, bytes.length];
        const chunks = edges.slice(1).map((to, at) => bytes.subarray(edges[at], to));
        expect(read(chunks).events.map(({ data }) => data)).toEqual(events.map(({ data }) => data));
      },
    ),
  );
});

test('no bytes make it fail or keep more than its limit', () => {
  const odd = fc.constantFrom('data: ', 'data', ':', '\n', '\r', '\n\n', 'id: 1', 'retry: 2', 'é');
  fc.assert(
    fc.property(fc.array(fc.oneof(odd, fc.string()), { maxLength: 60 }), (chunks) => {
      for (const { data } of read(chunks, 50).events)
        expect(Buffer.byteLength(data)).toBeLessThanOrEqual(50);
    }),
  );
});
