import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shares } from './budgets.ts';
import { CUT_MARK, cutText, cutValue, VALUE_BYTES_MIN } from './cut-value.ts';
import { JsonSizes, stringBytes } from './json-size.ts';
import { PAGE_MARGIN_BYTES, pageIn } from './page.ts';

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const anyText = fc.string({ unit: 'binary', maxLength: 200 });
// As it is after it was read: there is no negative zero.
const anyValue = fc
  .jsonValue({ maxDepth: 5 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const LINES = { endsAtLines: true };
const PLAIN = { endsAtLines: false };

describe('Sizes', () => {
  test('are those of the written value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(new JsonSizes().of(value)).toBe(bytesOf(value));
      }),
    );
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
        }),
        (text) => {
          expect(stringBytes(text)).toBe(bytesOf(text));
        },
      ),
    );
  });
});

describe('A cut text', () => {
  test('keeps its budget, begins like the whole, splits no character, and says that it is cut', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.integer({ min: VALUE_BYTES_MIN, max: 300 }),
        fc.boolean(),
        (text, max, endsAtLines) => {
          const cut = cutText(text, max, { endsAtLines });
          expect(bytesOf(cut)).toBeLessThanOrEqual(max);
          const isWhole = bytesOf(text) <= max;
          expect(cut === text).toBe(isWhole);
          const kept = isWhole ? cut : cut.slice(0, -CUT_MARK.length);
          expect(kept + (isWhole ? '' : CUT_MARK)).toBe(cut);
          const characters = Array.from(text).slice(0, Array.from(kept).length);
          expect(characters.join('')).toBe(kept);
        },
      ),
    );
  });

  test('ends with a whole line where that keeps more than half of its room', () => {
    const lines = 'one line\n'.repeat(20);
    expect(cutText(lines, 100, LINES)).toBe(`${'one line\n'.repeat(8)}${CUT_MARK}`);
    expect(cutText(lines, 100, PLAIN)).toBe(`${'one line\n'.repeat(8)}one${CUT_MARK}`);
    const late = `a\n${'b'.repeat(200)}`;
    expect(cutText(late, 100, LINES)).toBe(`a\n${'b'.repeat(80)}${CUT_MARK}`);
  });
});

describe('A cut value', () => {
  test('keeps its budget, stays JSON, and what fits is not touched', () => {
    fc.assert(
      fc.property(anyValue, fc.integer({ min: VALUE_BYTES_MIN, max: 400 }), (value, max) => {
        const cut = cutValue(value, max, LINES);
        expect(bytesOf(cut)).toBeLessThanOrEqual(max);
        expect(JSON.parse(JSON.stringify(cut))).toEqual(cut);
        expect(cut === value || bytesOf(value) > max).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('keeps the keys of objects and the beginnings of lists', () => {
    const value = { a: 'x'.repeat(500), b: [1, 2, 3], c: { d: 'y'.repeat(500), e: true } };
    const cut = cutValue(value, 300, LINES);
    expect(cut).toMatchObject({ b: [1, 2, 3], c: { e: true } });
    const list = Array.from({ length: 50 }, (_, index) => `item ${index}`);
    const short = cutValue(list, 120, LINES) as string[];
    expect(short.slice(0, 3)).toEqual(list.slice(0, 3));
    expect(short.at(-1)).toBe(`[${50 - short.length + 1} more items truncated]`);
  });

  test('is a result of a tool whose long text is cut in its place', () => {
    const result = { content: [{ type: 'text', text: 'z'.repeat(5_000) }], isError: false };
    const cut = cutValue(result, 1_000, LINES);
    expect(cut).toEqual({
      content: [
        { type: 'text', text: expect.stringMatching(/^z{800,}\.\.\. \[truncated\]$/) as string },
      ],
      isError: false,
    });
  });

  test('of an object with more keys than fit says how many are left out', () => {
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`key-${index}`, index]),
    );
    const cut = cutValue(many, 200, LINES) as Record<string, unknown>;
    expect(bytesOf(cut)).toBeLessThanOrEqual(200);
    expect(Object.keys(cut).length).toBeGreaterThan(2);
    expect(cut['[truncated]']).toMatch(/^\d+ more$/);
  });

  test('keeps a number as it was written, or leaves it out', () => {
    const number = JSON.parse('{"n":12345678901234567890}', (_key, value: unknown) =>
      typeof value === 'number'
        ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890')
        : value,
    ) as unknown;
    expect(new JsonSizes().of(number)).toBe(26);
    expect(JSON.stringify(cutValue([number, 'x'.repeat(500)], 100, LINES))).toContain(
      '12345678901234567890',
    );
  });
});

describe('Shares', () => {
  test('keep the total, or the minima where these are more; nobody gets more than it needs', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 30 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 0, max: 300_000 }),
        fc.integer({ min: 1, max: 20_000 }),
        (all, total, min) => {
          const given = shares(all, total, min);
          const least = all.reduce((sum, size) => sum + Math.min(size, min), 0);
          const sum = given.reduce((left, right) => left + right, 0);
          expect(sum).toBeLessThanOrEqual(Math.max(total, least));
          given.forEach((share, index) => {
            expect(share).toBeLessThanOrEqual(all[index] ?? 0);
            expect(share).toBeGreaterThanOrEqual(Math.min(all[index] ?? 0, min));
          });
        },
      ),
    );
  });

  test('go by size among those that have to be cut', () => {
    expect(shares([100, 3_000, 6_000], 3_100, 500)).toEqual([100, 1_000, 2_000]);
  });
});

describe('Pages', () => {
  const pageAt = (whole: Buffer, offset: number, limit: number): { data: string; end: number } => {
    const read = whole.subarray(offset, offset + limit + PAGE_MARGIN_BYTES);
    const { from, to } = pageIn(read, limit);
    return { data: read.toString('utf8', from, to), end: offset + to };
  };

  test.each([
    ['the limit', (offset: number, limit: number) => offset + limit],
    ['the end of the page before', (_offset: number, _limit: number, end: number) => end],
  ])('counted on by %s have every character once', (_how, next) => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 4, max: 40 }),
        (text, limit) => {
          const whole = Buffer.from(text);
          let [joined, offset] = ['', 0];
          while (offset < whole.length) {
            const { data, end } = pageAt(whole, offset, limit);
            joined += data;
            offset = next(offset, limit, end);
          }
          expect(joined).toBe(text);
        },
      ),
    );
  });
});
