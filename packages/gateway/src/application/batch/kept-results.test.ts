import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContinuationFiles } from '../../infrastructure/continuations/continuation-files.ts';
import type { RawAnswer } from '../ports.ts';
import { PLAIN_BATCHES, type BatchParts } from './batch-parts.ts';
import { NO_CONTINUATIONS } from './continuation-store.ts';
import { KeptResults, type ShownResult } from './kept-results.ts';
import { ToolResult } from './tool-result.ts';

const OWNER = 'me';

/** In memory only. */
const memory = (): ContinuationFiles =>
  new ContinuationFiles({
    folder: undefined,
    temporaryFolder: '',
    ttlMs: 60_000,
    bytesMax: 100_000_000,
    entriesMax: 1_000,
    memoryTextBytesMax: 100_000_000,
    onProblem: () => undefined,
  });

const answerOf = (result: string): ToolResult => {
  const answer: RawAnswer = {
    isError: false,
    before: ['{"jsonrpc":"2.0","id":'],
    after: [Buffer.from(`,"result":${result}}`)],
    bytes: result.length,
  };
  return ToolResult.of({ kind: 'bytes', answer });
};
const textResult = (text: string): string => JSON.stringify({ content: [{ type: 'text', text }] });
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

async function shownOf(
  parts: BatchParts,
  results: readonly string[],
): Promise<readonly ShownResult[]> {
  const kept = new KeptResults(parts, { id: 'b', owner: OWNER, calls: results.length });
  await Promise.all(results.map((result, index) => kept.add(index, answerOf(result))));
  const shown = await kept.shown();
  return results.map((_, index) => {
    const one = shown.get(index);
    if (one === undefined) throw new Error(`result ${index} is gone`);
    return one;
  });
}

describe('The results of a batch', () => {
  test('keep their budget, and whatever is cut is whole elsewhere', async () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 3_000 }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(
        texts,
        fc.integer({ min: 1_000, max: 20_000 }),
        fc.boolean(),
        async (all, max, keepsStructure) => {
          const continuations = memory();
          const truncation = {
            isEnabled: true,
            batchBytesMax: max,
            resultBytesMin: 256,
            keepsStructure,
            endsAtLines: true,
          };
          const results = all.map(textResult);
          const shown = await shownOf({ ...PLAIN_BATCHES, continuations, truncation }, results);
          const sum = shown.reduce((bytes, { value }) => bytes + bytesOf(value), 0);
          expect(sum).toBeLessThanOrEqual(Math.max(max, 256 * all.length));
          const range = { offset: 0, limit: 2_000_000 };
          const wholes = shown.map(async ({ value, cut }) => {
            if (cut === undefined) return JSON.stringify(value);
            const key = { id: cut.continuationId ?? '', owner: OWNER };
            return (await continuations.page(key, range))?.data;
          });
          expect(await Promise.all(wholes)).toEqual(results);
          const cuts = [...shown.entries()].flatMap(([index, { cut }]) =>
            cut === undefined ? [] : [{ index, ...cut }],
          );
          expect(cuts.map(({ index, originalBytes }) => [index, originalBytes])).toEqual(
            cuts.map(({ index }) => [index, Buffer.byteLength(results[index] ?? '')]),
          );
          expect(cuts.map(({ continuationId: id }) => id?.replace(/_[0-9a-f]{8}$/, ''))).toEqual(
            cuts.map(({ index }) => `cont_b_${index}`),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('have a bound without truncation too, by what may wait for the client', async () => {
    const continuations = memory();
    const parts = { ...PLAIN_BATCHES, continuations, clientBytesMax: 40_000 };
    const results = Array.from({ length: 20 }, () => textResult('x'.repeat(3_000)));
    const shown = await shownOf(parts, results);
    expect(shown.reduce((bytes, { value }) => bytes + bytesOf(value), 0)).toBeLessThanOrEqual(
      10_000,
    );
    for (const { cut } of shown.filter((one) => one.cut !== undefined))
      expect(cut).toMatchObject({ reason: 'response_size_exceeded' });
  });

  test('are there also where the whole of them cannot be kept, and that is said', async () => {
    const parts = { ...PLAIN_BATCHES, continuations: NO_CONTINUATIONS, clientBytesMax: 40_000 };
    const [one] = await shownOf(parts, [textResult('x'.repeat(30_000))]);
    expect(one?.cut).toMatchObject({ originalBytes: 30_039, continuationId: undefined });
    expect(bytesOf(one?.value)).toBeLessThanOrEqual(10_000);
    expect(JSON.stringify(one?.value)).toContain('xxx... [truncated]');
  });

  test('that are no JSON are shown as the text that they are', async () => {
    const [one] = await shownOf(PLAIN_BATCHES, ['{"content":[}']);
    expect(one).toEqual({
      value: '{"jsonrpc":"2.0","id":0,"result":{"content":[}}',
      cut: undefined,
    });
  });
});

describe('A result as the server wrote it', () => {
  test.each([
    '{"content":[]}',
    '{ "content" : [ ] , "n" : 12345678901234567890, "f":1.0 }',
    '{"content":[],"result":{"a":1}}',
  ])('%s is found in its answer', (text) => {
    expect(answerOf(text).text.toString()).toBe(text);
    expect(JSON.stringify(answerOf(text).value)).toBe(text.replaceAll(' ', ''));
  });

  test('with two results that could be meant is read as the gateway reads it', () => {
    const answer: RawAnswer = {
      isError: false,
      before: ['{"Result":{"b":2},"id":'],
      after: [',"result":{"a":"é"}}'],
      bytes: 1,
    };
    expect(ToolResult.of({ kind: 'bytes', answer }).text.toString()).toMatch(/^\{"a":"/);
  });
});
