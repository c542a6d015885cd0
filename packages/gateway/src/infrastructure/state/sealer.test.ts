import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AesSealer } from './sealer.ts';

const RUNS = 1_000;
const TEXT = '{"id":"7","principal":"anonymous"}';
const sealer = new AesSealer();
const sealed = sealer.seal(TEXT);
const body = sealed.slice('hgr1.12345678.'.length);

test('a text is opened by the one who sealed it, whatever it says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 2_000 }), (text) => {
      expect(sealer.open(sealer.seal(text))).toEqual({ kind: 'ours', text });
    }),
  );
});

test('what was sealed has the shape that the documents name, and never the same twice', () => {
  expect(sealed).toMatch(/^hgr1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]+$/);
  expect(sealed).not.toContain('anonymous');
  expect(new Set(Array.from({ length: 100 }, () => sealer.seal(TEXT))).size).toBe(100);
});

test('what another gateway sealed is foreign', () => {
  const other = new AesSealer();
  expect(other.open(sealed)).toEqual({ kind: 'foreign' });
  expect(sealer.open(other.seal(TEXT))).toEqual({ kind: 'foreign' });
});

test('the name of our key in the head of a foreign text does not open it', () => {
  const foreign = new AesSealer().seal(TEXT);
  const head = sealed.slice(0, -body.length);
  expect(sealer.open(head + foreign.slice(head.length))).toEqual({ kind: 'broken' });
});

test.each([
  '',
  'hgr1',
  'hgr1.',
  'hgr1.abcdefgh',
  'hgr1.abcdefgh.',
  'hgr1.abcdefg.AAAA',
  'hgr1.abcdefghi.AAAA',
  'hgr2.abcdefgh.AAAA',
  'HGR1.abcdefgh.AAAA',
  'hgr1.abcdefgh.AAAA.AAAA',
  'hgr1.abcdefgh.AA+A',
  'hgr1.abcdefgh.AA/A',
  'hgr1.abcdefgh.AAA=',
  'hgr1.abcdefgh.AAAA\n',
  ' hgr1.abcdefgh.AAAA',
  'hgr1.abcdefgh.ÄÄÄÄ',
  'hgr1.abcdefgh.AA\u0000A',
  '{"requestState":1}',
])('%j is no sealed text', (text) => {
  expect(sealer.open(text)).toEqual({ kind: 'unknown' });
});

test('a text of more than 8,192 characters is none, and one of that length is looked at', () => {
  const head = sealed.slice(0, -body.length);
  const fill = (length: number): string => head.padEnd(length, 'A');
  expect(sealer.open(fill(8_193))).toEqual({ kind: 'unknown' });
  expect(sealer.open(fill(8_192))).toEqual({ kind: 'broken' });
  expect(sealer.open(sealed + 'A'.repeat(5_000_000))).toEqual({ kind: 'unknown' });
});

test('every cut of a sealed text is refused', () => {
  for (let end = 0; end < sealed.length; end += 1)
    expect(sealer.open(sealed.slice(0, end)).kind).not.toBe('ours');
  for (let length = 1; length < body.length; length += 1)
    expect(sealer.open(sealed.slice(0, sealed.length - length)).kind).toBe('broken');
});

test('every other spelling of the last character is refused', () => {
  // 12 + 16 bytes and one more leave four bits of the last character without a meaning.
  for (const text of ['a', 'ab', 'abc']) {
    const one = sealer.seal(text);
    const opened = ALPHABET.split('').filter(
      (last) => sealer.open(one.slice(0, -1) + last).kind === 'ours',
    );
    expect(opened).toEqual([one.slice(-1)]);
  }
});

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('Of 1,000 changed texts none is ours, unless it is the one that was sealed', () => {
  const others = [sealer.seal(TEXT), sealer.seal('{}'), new AesSealer().seal(TEXT)];
  const known = new Set([sealed, ...others.slice(0, 2)]);
  const place = fc.nat(sealed.length - 1);
  const at = (index: number, put: string, length = 1): string =>
    sealed.slice(0, index) + put + sealed.slice(index + length);

  test.each<[what: string, texts: fc.Arbitrary<string>]>([
    [
      'bits turned',
      fc
        .array(fc.tuple(place, fc.nat(7)), { minLength: 1, maxLength: 4 })
        .map((flips) =>
          flips.reduce<Buffer>(
            (text, [index, bit]) => turned(text, index, bit),
            Buffer.from(sealed),
          ),
        )
        .map((bytes) => bytes.toString('latin1')),
    ],
    [
      'bits turned below the base64url',
      fc
        .tuple(fc.nat(Buffer.from(body, 'base64url').length - 1), fc.nat(7))
        .map(([index, bit]) => turned(Buffer.from(body, 'base64url'), index, bit))
        .map((bytes) => sealed.slice(0, -body.length) + bytes.toString('base64url')),
    ],
    [
      'characters replaced, put in and taken out',
      fc
        .tuple(place, fc.string({ maxLength: 5, unit: 'binary' }), fc.nat(5))
        .map(([index, put, length]) => at(index, put, length)),
    ],
    ['cut', fc.tuple(place, place).map(([start, end]) => sealed.slice(start, end))],
    [
      'spliced of two texts',
      fc
        .tuple(place, place, fc.constantFrom(...others))
        .map(([end, start, other]) => sealed.slice(0, end) + other.slice(start)),
    ],
    [
      'spliced at the same place',
      fc
        .tuple(place, fc.constantFrom(...others))
        .map(([index, other]) => sealed.slice(0, index) + other.slice(index)),
    ],
    [
      'in other base64',
      fc
        .constantFrom<(text: string) => string>(
          (text) => text.replaceAll('-', '+').replaceAll('_', '/'),
          (text) => `${text}=`,
          (text) => `${text}==`,
          (text) => `${text}\n`,
          (text) => text.replaceAll('.', '.\n'),
          (text) => encodeURIComponent(`${text} `),
          (text) => Buffer.from(text).toString('base64url'),
          (text) => text.toUpperCase(),
        )
        .chain((change) => fc.constantFrom(sealed, ...others).map(change)),
    ],
    [
      'of other alphabets',
      place.chain((index) =>
        fc
          .constantFrom('А', 'а', 'Ａ', '１', '🜁', '\u0000', '\ud800', ' ', '=')
          .map((put) => at(index, put)),
      ),
    ],
    [
      'huge',
      fc
        .tuple(fc.integer({ min: 1, max: 200_000 }), fc.constantFrom('A', '_', '.', 'é', '\n'))
        .map(([length, fill]) => sealed + fill.repeat(length)),
    ],
    ['made up', fc.string({ unit: 'binary', maxLength: 300 })],
    [
      'made up below our head',
      fc
        .uint8Array({ maxLength: 300 })
        .map((bytes) => sealed.slice(0, -body.length) + Buffer.from(bytes).toString('base64url')),
    ],
  ])('%s', (_what, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const { kind } = sealer.open(text);
        expect(kind === 'ours').toBe(known.has(text));
      }),
      { numRuns: RUNS },
    );
  });

  function turned(bytes: Buffer, index: number, bit: number): Buffer {
    const copy = Buffer.from(bytes);
    copy.writeUInt8((copy[index] ?? 0) ^ (1 << bit), index);
    return copy;
  }
});
