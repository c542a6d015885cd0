import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readBody, type Body, type BodyBudget } from './body.ts';

/** The bodies that `done` is told of when these chunks come. */
async function read(
  chunks: readonly (string | Buffer)[],
  options: {
    readonly bytesMax?: number;
    readonly contentLength?: string;
    readonly ends?: boolean;
    readonly budget?: BodyBudget;
  } = {},
): Promise<readonly Body[]> {
  const request = new IncomingMessage(new Socket());
  if (options.contentLength !== undefined)
    request.headers['content-length'] = options.contentLength;
  const bodies: Body[] = [];
  const limits = {
    bytesMax: options.bytesMax ?? 100,
    heldBytesMax: 1_000,
    budget: options.budget ?? { held: 0 },
  };
  readBody(request, limits, (body) => bodies.push(body));
  for (const chunk of chunks) request.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  if (options.ends !== false) request.push(null);
  for (let at = 0; at < 3; at += 1) await new Promise((resolve) => setImmediate(resolve));
  return bodies;
}

describe('a body', () => {
  test('is its text and its value, however it comes', async () => {
    const text = '{"größe":1}';
    const bytes = Buffer.from(text);
    for (const chunks of [[text], [bytes.subarray(0, 4), bytes.subarray(4)]])
      expect(await read(chunks)).toEqual([{ kind: 'text', text, value: { größe: 1 } }]);
  });

  test('may be exactly as large as it may be', async () => {
    const text = `"${'x'.repeat(98)}"`;
    expect(await read([text], { contentLength: '100' })).toMatchObject([{ kind: 'text' }]);
    expect(await read([text, ' '])).toEqual([{ kind: 'too-large' }]);
  });

  test('is refused unread where its length says enough, and once', async () => {
    expect(await read([], { contentLength: '101', ends: false })).toEqual([{ kind: 'too-large' }]);
    const half = 'x'.repeat(60);
    expect(await read([half, half, half])).toEqual([{ kind: 'too-large' }]);
  });

  test.each([
    ['no JSON', '{"a":'],
    ['empty', ''],
    ['marked with a byte order', '\ufeff{}'],
  ])('that is %s is refused', async (_what, text) => {
    expect(await read([text])).toMatchObject([{ kind: 'not-json' }]);
  });

  test('that is no UTF-8 is refused, not repaired', async () => {
    const bodies = await read([Buffer.from([0x22, 0xff, 0x22])]);
    expect(bodies).toEqual([{ kind: 'not-json', reason: 'the body is not UTF-8' }]);
  });

  test('that never ends is never told', async () => {
    expect(await read(['{'], { ends: false })).toEqual([]);
  });

  test('that comes in crumbs is the same', async () => {
    const text = `"${'ä'.repeat(900)}"`;
    const crumbs = Array.from(Buffer.from(text), (byte) => Buffer.from([byte]));
    expect(await read(crumbs, { bytesMax: 2_000, budget: { held: -5_000 } })).toEqual([
      { kind: 'text', text, value: 'ä'.repeat(900) },
    ]);
  });

  test('is refused where too much of others is being read, and gives back what it held', async () => {
    const budget = { held: 950 };
    expect(await read(['x'.repeat(60)], { budget })).toEqual([{ kind: 'no-room' }]);
    expect(budget.held).toBe(950);
    await read(['{}'], { budget });
    await read(['x'.repeat(40), 'x'.repeat(40), 'x'.repeat(40)], { budget });
    expect(budget.held).toBe(950);
    await read(['{'], { budget, ends: false });
    expect(budget.held).toBe(951);
  });
});
