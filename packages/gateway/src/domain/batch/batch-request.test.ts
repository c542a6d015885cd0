import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BATCH_NUMBERS, readBatch, type BatchRequest } from './batch-request.ts';

const CALL = { mcp_server: 'math', tool: 'add', arguments: { a: 1 } };
const valid = (given: Readonly<Record<string, unknown>>): BatchRequest => {
  const read = readBatch({ calls: [CALL], ...given });
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};
const problemsOf = (given: Readonly<Record<string, unknown>>): unknown => {
  const read = readBatch(given);
  return read.ok ? [] : read.error;
};

describe('A batch', () => {
  test('has its usual numbers where none are given, and each call the time of the batch', () => {
    expect(valid({})).toEqual({
      calls: [{ index: 0, mcpServer: 'math', tool: 'add', arguments: { a: 1 }, timeoutMs: 60_000 }],
      maxConcurrency: 10,
      timeoutMs: 60_000,
      isFailFast: false,
      maxAttempts: undefined,
    });
    expect(valid({ timeout: 7 }).calls[0]?.timeoutMs).toBe(7_000);
  });

  test('has every number in its range, whatever was given', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (one, other) => {
        const calls = [{ ...CALL, timeout: other }];
        const batch = valid({ calls, max_concurrency: one, timeout: other, max_attempts: one });
        const { max_concurrency: lanes, timeout, max_attempts: attempts } = BATCH_NUMBERS;
        expect(Number.isInteger(batch.maxConcurrency)).toBe(true);
        expect(Number.isInteger(batch.maxAttempts)).toBe(true);
        expect(batch.maxConcurrency).toBeGreaterThanOrEqual(lanes.min);
        expect(batch.maxConcurrency).toBeLessThanOrEqual(lanes.max);
        expect(batch.timeoutMs).toBeGreaterThanOrEqual(timeout.min * 1_000);
        expect(batch.timeoutMs).toBeLessThanOrEqual(timeout.max * 1_000);
        expect(batch.maxAttempts).toBeGreaterThanOrEqual(attempts.min);
        expect(batch.maxAttempts).toBeLessThanOrEqual(attempts.max);
        expect(batch.calls[0]?.timeoutMs).toBeGreaterThanOrEqual(100);
        expect(batch.calls[0]?.timeoutMs).toBeLessThanOrEqual(300_000);
      }),
    );
  });

  test('takes the word of either family for a server', () => {
    const { mcp_server: provider, ...rest } = CALL;
    expect(valid({ calls: [{ ...rest, provider }] }).calls[0]?.mcpServer).toBe('math');
    expect(problemsOf({ calls: [{ ...CALL, provider: 'other' }] })).toEqual([
      { index: 0, field: 'mcp_server', message: 'given twice, with two values; keep one' },
    ]);
  });
});

describe('What is wrong with a batch', () => {
  test.each([
    [{}, 'calls', 'missing; expected a list'],
    [{ calls: {} }, 'calls', 'expected a list'],
    [{ calls: [] }, 'calls', 'expected 1 to 100 calls, got 0'],
    [{ calls: [CALL], timeout: '5' }, 'timeout', 'expected a number'],
    [{ calls: [CALL], max_concurrency: {} }, 'max_concurrency', 'expected a number'],
    [{ calls: [CALL], fail_fast: 'yes' }, 'fail_fast', 'expected true or false'],
    [{ calls: [CALL], max_atempts: 2 }, 'max_atempts', 'unknown; did you mean "max_attempts"?'],
  ])('%o is told for the batch', (given, field, message) => {
    expect(problemsOf(given)).toEqual([{ index: -1, field, message }]);
  });

  test('is told for every call at once, with its place', () => {
    const calls = [
      CALL,
      null,
      { ...CALL, tool: 7 },
      { ...CALL, arguments: null },
      { ...CALL, timeout: null },
    ];
    expect(problemsOf({ calls })).toEqual([
      { index: 1, field: 'call', message: 'expected an object' },
      { index: 2, field: 'tool', message: 'expected the name of a tool' },
      { index: 3, field: 'arguments', message: 'expected an object' },
      { index: 4, field: 'timeout', message: 'expected a number' },
    ]);
  });

  test('is found for anything that JSON can say, without an exception', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (given, calls) => {
        expect(readBatch(given).ok).toBe(false);
        const read = readBatch({ ...given, calls });
        expect(read.ok || read.error.length > 0).toBe(true);
      }),
    );
  });
});
