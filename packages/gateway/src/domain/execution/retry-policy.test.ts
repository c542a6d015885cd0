import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  mayTryAgain,
  RETRY_CLASSES,
  retryDelayMs,
  STANDARD_RETRY,
  type FailedAttempt,
  type RetryPolicy,
} from './retry-policy.ts';

const policy = (part: Partial<RetryPolicy> = {}): RetryPolicy => ({
  ...STANDARD_RETRY,
  jitter: 0,
  ...part,
});

describe('delays', () => {
  it.each([
    ['exponential', [1_000, 2_000, 4_000, 5_000, 5_000]],
    ['linear', [1_000, 2_000, 3_000, 4_000, 5_000]],
    ['constant', [1_000, 1_000, 1_000, 1_000, 1_000]],
  ] as const)('grow as %s says', (backoff, expected) => {
    const grown = [1, 2, 3, 4, 5].map((failures) =>
      retryDelayMs(policy({ backoff, delayMsMax: 5_000 }), failures, 0.9),
    );
    expect(grown).toEqual(expected);
  });

  it('are spread to both sides', () => {
    const spread = [0, 0.5, 1].map((random) => retryDelayMs(policy({ jitter: 0.25 }), 1, random));
    expect(spread).toEqual([750, 1_000, 1_250]);
  });

  it('stay within their limit and its spread, whatever the policy', () => {
    const policies = fc.record({
      backoff: fc.constantFrom('exponential' as const, 'linear' as const),
      initialDelayMs: fc.nat(60_000),
      delayMsMax: fc.nat(60_000),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const failures = fc.integer({ min: 1, max: 2_000 });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(policies, failures, random, (part, failed, drawn) => {
        const delayMs = retryDelayMs(policy(part), failed, drawn);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(part.delayMsMax * (1 + part.jitter)));
      }),
    );
  });
});

describe('a failed call', () => {
  const failed = (part: Partial<FailedAttempt> = {}): FailedAttempt => ({
    code: 'UPSTREAM_ENDED',
    isUnsent: false,
    isRepeatable: () => false,
    ...part,
  });

  it.each([
    ['was sent', {}, false],
    ['was not sent', { isUnsent: true }, true],
    ['was sent, and its tool may be called twice', { isRepeatable: () => true }, true],
    ['was refused', { isUnsent: true, code: 'RATE_LIMITED' }, false],
    ['met a back-off', { isUnsent: true, code: 'MCP_SERVER_BACKING_OFF' }, false],
    ['could not be started', { isUnsent: true, code: 'MCP_SERVER_START_FAILED' }, false],
  ] as const)('that %s', (_what, part, expected) => {
    expect(mayTryAgain(policy(), failed(part))).toBe(expected);
  });

  it('is sent twice where the policy says so', () => {
    expect(mayTryAgain(policy({ sentAgain: 'all' }), failed())).toBe(true);
    const other = failed({ code: 'CLIENT_TOO_SLOW' });
    expect(mayTryAgain(policy({ sentAgain: 'all' }), other)).toBe(false);
  });
});

test('no word of retry_on stands for a refusal, or for what says that trying again is no use', () => {
  const allowed = ['UPSTREAM_ANSWER_INVALID'];
  const hopeless = Object.values(RETRY_CLASSES)
    .flat()
    .filter((code) => !ERRORS[code].retryable);
  expect([...new Set(hopeless)]).toEqual(allowed);
});
