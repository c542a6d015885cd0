/** What is configured of the execution of calls. */
import type { RetryPolicy } from './retry-policy.ts';
import type { RateLimit } from './token-bucket.ts';

/** For all servers together. */
export interface ExecutionSettings {
  /** Calls at one time; infinite where there is no limit. */
  readonly concurrencyMax: number;
  /** Calls that wait for one server. */
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
  readonly rateLimit: RateLimit | undefined;
  /** Of each principal. */
  readonly principalRateLimit: RateLimit | undefined;
}

/** For one server; undefined as a whole where nothing is. */
export interface ServerExecution {
  /** Infinite where there is no limit. */
  readonly concurrencyMax: number;
  readonly rateLimit: RateLimit | undefined;
  readonly toolRateLimits: readonly ToolRateLimit[];
  readonly retry: RetryPolicy | undefined;
}

/** A limit on the calls of all tools that match, together. */
export interface ToolRateLimit {
  readonly glob: string;
  readonly limit: RateLimit;
}

export const NO_LIMITS: ExecutionSettings = {
  concurrencyMax: Number.POSITIVE_INFINITY,
  queueMax: 1_000,
  queueTimeoutMs: 30_000,
  rateLimit: undefined,
  principalRateLimit: undefined,
};
