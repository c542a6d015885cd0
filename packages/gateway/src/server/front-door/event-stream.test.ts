import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventStream, eventOf, KEEP_ALIVE, parseEventId, ReplayLog } from './event-stream.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A real response whose connection is memory. */
function newResponse(reads = true): { response: ServerResponse; text: () => string } {
  let text = '';
  const connection = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('latin1');
      if (reads) done();
    },
  });
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.assignSocket(connection as Socket);
  response.on('error', () => undefined);
  return { response, text: () => text };
}

/** The events in the text of a response: id and data. */
const eventsIn = (text: string): readonly (readonly [string | undefined, string])[] =>
  [...text.matchAll(/(?:id: (\S+)\n)?(?:retry: \d+\n)?data: (.*)\n\n/g)].map(
    ([, id, data]) => [id, data ?? ''] as const,
  );

const newLog = (replayEventsMax = 100, replayBytesMax = 10_000): ReplayLog =>
  new ReplayLog({ replayEventsMax, replayBytesMax });
const newStream = (
  options: { log?: ReplayLog; primed?: boolean; bufferBytesMax?: number; number?: number } = {},
): EventStream =>
  new EventStream({ number: 1, log: newLog(), primed: false, bufferBytesMax: 1_000, ...options });

describe('an event', () => {
  test('is one line of data, made of all parts, with its id', () => {
    expect(eventOf(['{"a":', Buffer.from('"ä"'), '}'], '1-2')).toBe(
      `id: 1-2\ndata: {"a":${Buffer.from('"ä"').toString('latin1')}}\n\n`,
    );
    expect(eventOf(['{}'])).toBe('data: {}\n\n');
  });

  test('cannot be ended by a carriage return', () => {
    expect(eventOf(['{"a":1,\r"b":2}\r'])).toBe('data: {"a":1, "b":2} \n\n');
  });
});

describe('an event id', () => {
  test.each([
    ['0-0', { stream: 0, sequence: 0 }],
    ['12-345', { stream: 12, sequence: 345 }],
    ['999999999-999999999', { stream: 999_999_999, sequence: 999_999_999 }],
    ['1234567890-1', undefined],
    ['1-', undefined],
    ['-1', undefined],
    ['1-2-3', undefined],
    ['1-2 ', undefined],
    ['01x-2', undefined],
    ['', undefined],
    ['1-2\n', undefined],
  ])('%j names %j', (id, named) => {
    expect(parseEventId(id)).toEqual(named);
  });
});

describe('the replay log', () => {
  const anyEvents = fc.array(
    fc.record({ stream: fc.nat({ max: 3 }), text: fc.string({ maxLength: 30 }) }),
    { maxLength: 40 },
  );
  const numbered = (
    events: readonly { stream: number; text: string }[],
  ): readonly {
    stream: number;
    sequence: number;
    text: string;
  }[] => {
    const counts = new Map<number, number>();
    return events.map((event) => {
      const sequence = (counts.get(event.stream) ?? 0) + 1;
      counts.set(event.stream, sequence);
      return { ...event, sequence };
    });
  };

  test('keeps the latest events within both bounds, and knows what is missing', () => {
    const anyBounds = fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 100 }));
    fc.assert(
      fc.property(anyEvents, anyBounds, (unnumbered, [eventsMax, bytesMax]) => {
        const log = newLog(eventsMax, bytesMax);
        const events = numbered(unnumbered);
        for (const event of events) log.add(event);
        const kept = [0, 1, 2, 3].flatMap((stream) => log.after(stream, 0));
        expect(kept.length).toBeLessThanOrEqual(eventsMax);
        expect(kept.reduce((bytes, { text }) => bytes + text.length, 0)).toBeLessThanOrEqual(
          bytesMax,
        );
        const latest = events.slice(events.length - kept.length);
        expect(new Set(kept)).toEqual(new Set(latest));
        for (const { stream, sequence } of events) {
          const missing = events.some(
            (other) =>
              other.stream === stream && other.sequence > sequence && !kept.includes(other),
          );
          expect(log.isWhole(stream, sequence)).toBe(!missing);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('gives the events of one stream after a place, in order', () => {
    const log = newLog();
    for (const event of numbered([1, 2, 1, 1].map((stream) => ({ stream, text: 'x' }))))
      log.add(event);
    expect(log.after(1, 1).map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(log.after(1, 9)).toEqual([]);
    expect(log.after(7, 0)).toEqual([]);
  });

  test('keeps nothing of an event that is larger than all of it, and goes on', () => {
    const log = newLog(10, 5);
    log.add({ stream: 1, sequence: 1, text: 'xxxxxx' });
    log.add({ stream: 1, sequence: 2, text: 'xx' });
    expect(log.after(1, 0).map(({ sequence }) => sequence)).toEqual([2]);
    expect([log.isWhole(1, 0), log.isWhole(1, 1)]).toEqual([false, true]);
    log.forget(1);
    expect(log.isWhole(1, 0)).toBe(true);
  });
});

describe('a stream', () => {
  test('opens with an event without data where the revision wants it', async () => {
    const [primed, plain] = [newResponse(), newResponse()];
    newStream({ primed: true, number: 4 }).attach(primed.response);
    newStream({ primed: false }).attach(plain.response);
    await turn();
    expect(primed.text()).toMatch(/id: 4-0\nretry: 1000\ndata: \n\n/);
    expect(plain.text()).not.toContain('data:');
    for (const { text } of [primed, plain]) {
      expect(text()).toContain('content-type: text/event-stream\r\n');
      expect(text()).toContain('cache-control: no-cache, no-transform\r\n');
      expect(text()).toContain('x-accel-buffering: no\r\n');
    }
  });

  test('numbers its events, with a response and without', async () => {
    const stream = newStream();
    stream.write(['1']);
    const { response, text } = newResponse();
    stream.attach(response);
    stream.write(['2']);
    await turn();
    expect(eventsIn(text())).toEqual([
      ['1-1', '1'],
      ['1-2', '2'],
    ]);
    expect([stream.attached, stream.resumed]).toEqual([true, false]);
  });

  test('goes on where a client says that it stopped', async () => {
    const stream = newStream({ primed: true });
    const [first, second] = [newResponse(), newResponse()];
    stream.attach(first.response);
    for (const data of ['1', '2', '3']) stream.write([data]);
    first.response.destroy();
    await turn();
    expect(stream.attached).toBe(false);
    expect(stream.write(['4'])).toBe(true);
    stream.attach(second.response, 2);
    expect(stream.resumed).toBe(true);
    await turn();
    expect(eventsIn(second.text())).toEqual([
      ['1-2', ''],
      ['1-3', '3'],
      ['1-4', '4'],
    ]);
  });

  test('carries no event twice where the client does not say', async () => {
    const stream = newStream();
    const [first, second] = [newResponse(), newResponse()];
    stream.attach(first.response);
    stream.write(['1']);
    first.response.destroy();
    await turn();
    stream.write(['2']);
    stream.attach(second.response);
    await turn();
    expect(eventsIn(second.text())).toEqual([['1-2', '2']]);
  });

  test('moves to the response that was attached last, and ends the former', async () => {
    const stream = newStream();
    const [first, second] = [newResponse(), newResponse()];
    stream.attach(first.response);
    stream.attach(second.response);
    expect(first.response.writableEnded).toBe(true);
    await turn();
    expect(stream.attached).toBe(true);
    stream.write(['x']);
    await turn();
    expect(eventsIn(second.text())).toEqual([['1-1', 'x']]);
    expect(first.text()).not.toContain('data: x');
  });

  test('gives up a client that does not read, and keeps what it missed', async () => {
    const stream = newStream({ bufferBytesMax: 500 });
    const stuck = newResponse(false);
    stream.attach(stuck.response);
    const writes = Array.from({ length: 5 }, (_, at) => stream.write([`${at}${'x'.repeat(200)}`]));
    expect(writes.at(0)).toBe(true);
    expect(writes).toContain(false);
    expect(stuck.response.destroyed).toBe(true);
    expect(stream.attached).toBe(false);
    const again = newResponse();
    stream.attach(again.response, 0);
    await turn();
    expect(eventsIn(again.text())).toHaveLength(5);
  });

  test('ends every response once it has ended', async () => {
    const stream = newStream();
    const [first, late] = [newResponse(), newResponse()];
    stream.attach(first.response);
    stream.keepAlive();
    await turn();
    expect(first.text()).toContain(KEEP_ALIVE);
    stream.end();
    expect([first.response.writableEnded, stream.ended, stream.attached]).toEqual([
      true,
      true,
      false,
    ]);
    stream.attach(late.response, 0);
    expect(late.response.writableEnded).toBe(true);
    stream.keepAlive();
  });
});
