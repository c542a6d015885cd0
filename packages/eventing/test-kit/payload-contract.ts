/** What every adapter of `EventStore` must keep, and what it must refuse. */
import type { JsonValue } from '@mcp-hangar/kernel/event-store';
import { expect, it } from 'vitest';
import { event, readWhole, type OpenStore } from './events.ts';

const DEEP = 1_000;
const TOO_DEEP = 1_000_000;
const MIB = 1_048_576;

function nest(depth: number): { readonly [key: string]: JsonValue } {
  let value: { readonly [key: string]: JsonValue } = {};
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

export function payloads(open: OpenStore): void {
  it.each<readonly [string, { readonly [key: string]: JsonValue }]>([
    ['nothing', {}],
    ['U+0000', { 'a\0b': 'c\0', d: '\0' }],
    ['half surrogate pairs', { '\ud800': '\udc00x\ud83d' }],
    ['2^53 + 1 as text', { amount: '9007199254740993' }],
    ['the largest integers', { max: Number.MAX_SAFE_INTEGER, min: Number.MIN_SAFE_INTEGER }],
    ['fractions', { tiny: 5e-324, large: 1.7976931348623157e308, third: 1 / 3 }],
    ['booleans and null', { yes: true, no: false, nothing: null, list: [true, null, false] }],
    ['emoji', { '👩‍👩‍👧‍👦': '🏳️‍🌈 é é \u2028\u2029' }],
    ['names that objects have', JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
    ['quotes', { '"': `'; drop table event; -- \\ "` }],
    ['empty names and texts', { '': '', a: [], b: {} }],
  ])('keep %s', async (_what, data) => {
    await using store = await open();
    await store.append({ stream: 'a', expected: 'any', events: [event({ data })] });
    const [stored] = await store.read('a');
    expect(stored?.data).toEqual(data);
    expect(JSON.stringify(stored?.data)).toBe(JSON.stringify(data));
  });

  it('keep every field of an event', async () => {
    await using store = await open();
    const given = event({ type: 'Ünïcode', schemaVersion: 7, occurredAtMs: -1, producedBy: '🏠' });
    await store.append({ stream: 'stream/ü:🏠', expected: 'any', events: [given] });
    const [stored] = await store.read('stream/ü:🏠');
    const { position, ...rest } = stored ?? {};
    expect(position).toBeTypeOf('string');
    expect(rest).toEqual({ ...given, stream: 'stream/ü:🏠', version: 1 });
  });
}

export function largePayloads(open: OpenStore): void {
  it('may be deep, and too deep ones are refused without harm', async () => {
    await using store = await open();
    const deep = event({ data: nest(DEEP) });
    await store.append({ stream: 'a', expected: 'any', events: [deep] });
    const refused = store.append({
      stream: 'a',
      expected: 'any',
      events: [event({ data: nest(TOO_DEEP) })],
    });
    await expect(refused).rejects.toBeInstanceOf(TypeError);
    const [stored] = await store.read('a');
    expect(JSON.stringify(stored?.data)).toBe(JSON.stringify(deep.data));
    expect(await store.version('a')).toBe(1);
  });

  it('may have a megabyte, in a page among others', async () => {
    await using store = await open();
    const text = 'ü'.repeat(MIB);
    const events = [event(), event({ data: { text } }), event()];
    await store.append({ stream: 'a', expected: 'any', events });
    const stored = await readWhole(store, 10);
    expect(stored).toHaveLength(3);
    expect(stored[1]?.data['text'] === text).toBe(true);
  });

  it('of large events come in pages that do not grow with them, and all of them come', async () => {
    await using store = await open();
    const text = 'x'.repeat(4 * MIB);
    for (let n = 0; n < 4; n += 1) {
      await store.append({ stream: 'a', expected: 'any', events: [event({ data: { text, n } })] });
    }
    expect((await readWhole(store, 10)).map(({ data }) => data['n'])).toEqual([0, 1, 2, 3]);
  });

  it('over 16 Mi characters in one append are refused', async () => {
    await using store = await open();
    const half = { text: 'x'.repeat(9 * MIB) };
    const events = [event({ data: half }), event({ data: half })];
    const refused = store.append({ stream: 'a', expected: 'any', events });
    await expect(refused).rejects.toBeInstanceOf(TypeError);
    await store.append({ stream: 'a', expected: 'none', events: events.slice(1) });
    expect(await store.version('a')).toBe(1);
  });
}

export function otherFields(open: OpenStore): void {
  it.each<readonly [string, object]>([
    ['a date as time', { occurredAtMs: new Date(0) }],
    ['a fraction as time', { occurredAtMs: 1.5 }],
    ['no number as time', { occurredAtMs: Number.NaN }],
    ['an integer beyond 2^53', { occurredAtMs: 2 ** 53 }],
    ['a truth as schema version', { schemaVersion: true }],
    ['no type', { type: undefined }],
    ['an empty type', { type: '' }],
    ['U+0000 in a type', { type: 'a\0b' }],
    ['half a surrogate pair in an id', { id: '\ud800' }],
    ['an endless producer', { producedBy: 'x'.repeat(300) }],
    ['data that is a list', { data: [] }],
    ['data that is nothing', { data: null }],
    ['data without end', { data: { n: 1n } }],
  ])('are refused where they cannot be kept: %s', async (_what, changes) => {
    await using store = await open();
    const events = [event(), { ...event(), ...changes }];
    const refused = store.append({ stream: 'a', expected: 'any', events });
    await expect(refused).rejects.toBeInstanceOf(TypeError);
    expect(await store.version('a')).toBe(0);
  });

  it('keep their order when the clock goes backwards', async () => {
    await using store = await open();
    const times = [5_000, 4_000, 0, -3, 9_000];
    for (const occurredAtMs of times) {
      const events = [event({ occurredAtMs })];
      await store.append({ stream: 'a', expected: 'any', events });
    }
    expect((await store.read('a')).map(({ occurredAtMs }) => occurredAtMs)).toEqual(times);
    const all = await readWhole(store, 2);
    expect(all.map(({ occurredAtMs }) => occurredAtMs)).toEqual(times);
  });
}
