import { z } from 'zod';
import type { BreakerPolicy } from '../../domain/breaker/breaker.ts';
import { once } from '@mcp-hangar/kernel/once';

const percent = once(() => z.number().min(1).max(100));

/** Of one server; of a group too. */
export const breakerBlock = once(() =>
  z.strictObject({
    failure_threshold: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('Failures in a row that open it.'),
    reset_timeout_s: z
      .number()
      .min(1)
      .max(86_400)
      .default(60)
      .describe('How long calls are refused before it is tried again. Seconds.'),
    probe_count: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('Calls let through to try it, at one time; as many must succeed to close it.'),
    error_rate_pct: percent()
      .optional()
      .describe('Share of failed calls within `window_s` that opens it, too. Percent.'),
    slow_call_ms: z
      .int()
      .min(1)
      .max(86_400_000)
      .optional()
      .describe('A call that took this long is slow. Milliseconds.'),
    slow_rate_pct: percent()
      .default(100)
      .describe(
        'Share of slow calls within `window_s` that opens it, with `slow_call_ms`. Percent.',
      ),
    window_s: z
      .number()
      .min(1)
      .max(3600)
      .default(60)
      .describe('Time over which shares are counted. Seconds.'),
    min_calls: z
      .int()
      .min(1)
      .max(100_000)
      .default(10)
      .describe('With fewer calls within `window_s` no share is looked at.'),
  }),
);

type BreakerBlock = z.output<ReturnType<typeof breakerBlock>>;

/** @param block undefined where it is not written: then there is no breaker */
export function breakerPolicy(block: BreakerBlock | undefined): BreakerPolicy | undefined {
  if (block === undefined) return undefined;
  const { error_rate_pct: errorRatePct, slow_call_ms: slowCallMs } = block;
  return {
    failureThreshold: block.failure_threshold,
    resetTimeoutMs: Math.round(block.reset_timeout_s * 1000),
    probeCount: block.probe_count,
    window:
      errorRatePct === undefined && slowCallMs === undefined
        ? undefined
        : {
            windowMs: Math.round(block.window_s * 1000),
            callsMin: block.min_calls,
            errorRatePct,
            slowCallMs,
            slowRatePct: block.slow_rate_pct,
          },
  };
}
