/** Which failed calls are tried again, and when. */
import type { ErrorCode } from '@mcp-hangar/kernel/errors';

/** The words of `retry_on`, with the errors that each stands for. */
export const RETRY_CLASSES = {
  MalformedJSON: ['UPSTREAM_ANSWER_INVALID'],
  JSONDecodeError: ['UPSTREAM_ANSWER_INVALID'],
  Timeout: ['CALL_TIMED_OUT'],
  TimeoutError: ['CALL_TIMED_OUT'],
  ConnectionError: ['UPSTREAM_ENDED', 'UPSTREAM_UNREACHABLE'],
  McpServerNotResponding: ['CALL_TIMED_OUT', 'UPSTREAM_QUEUE_FULL', 'UPSTREAM_UNREACHABLE'],
  TransientError: ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_RATE_LIMITED', 'UPSTREAM_QUEUE_FULL'],
  McpServerProtocolError: ['UPSTREAM_ANSWER_INVALID'],
  NetworkError: ['UPSTREAM_ENDED', 'UPSTREAM_UNREACHABLE'],
  McpServerStartError: ['MCP_SERVER_START_FAILED'],
} as const satisfies Readonly<Record<string, readonly ErrorCode[]>>;

export type RetryClass = keyof typeof RETRY_CLASSES;

/** The classes of a policy that names none: a start that fails has a back-off of its own. */
const { McpServerStartError: _startError, ...STANDARD_CLASSES } = RETRY_CLASSES;
const STANDARD_CODES: ReadonlySet<ErrorCode> = new Set(Object.values(STANDARD_CLASSES).flat());

export interface RetryPolicy {
  /** The first included. */
  readonly attemptsMax: number;
  readonly backoff: 'exponential' | 'linear' | 'constant';
  readonly initialDelayMs: number;
  readonly delayMsMax: number;
  /** How far a delay is spread to both sides: 0.25 = by up to a quarter of it. */
  readonly jitter: number;
  readonly retryOn: ReadonlySet<ErrorCode>;
  /** An attempt that is silent for so long is given up; undefined = only the call's own limit. */
  readonly attemptTimeoutMs: number | undefined;
  /** Which calls are sent once more after their server may have worked on them. */
  readonly sentAgain: 'repeatable' | 'all';
}

/** Of a call whose caller asks for more than one attempt where the configuration says nothing. */
export const STANDARD_RETRY: RetryPolicy = {
  attemptsMax: 100,
  backoff: 'exponential',
  initialDelayMs: 1_000,
  delayMsMax: 30_000,
  jitter: 0.25,
  retryOn: STANDARD_CODES,
  attemptTimeoutMs: undefined,
  sentAgain: 'repeatable',
};

export interface FailedAttempt {
  readonly code: ErrorCode;
  /** Nothing of the request has reached the server, as is known for certain. */
  readonly isUnsent: boolean;
  /** The tool says that it may be called twice. */
  readonly isRepeatable: () => boolean;
}

/** Whether a call that failed so may be sent once more, as far as that is about doing its work twice. */
export function mayTryAgain(policy: RetryPolicy, failed: FailedAttempt): boolean {
  if (!policy.retryOn.has(failed.code)) return false;
  return failed.isUnsent || policy.sentAgain === 'all' || failed.isRepeatable();
}

/**
 * The wait before a further attempt.
 * @param failures so far, from 1
 * @param random uniform in [0, 1)
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, random: number): number {
  const grown = grownMs(policy, failures - 1);
  const spread = 1 + policy.jitter * (2 * random - 1);
  return Math.round(grown * spread);
}

/** By then every first delay is over its limit, and no number is. */
const DOUBLINGS_MAX = 64;

function grownMs({ backoff, initialDelayMs, delayMsMax }: RetryPolicy, steps: number): number {
  switch (backoff) {
    case 'exponential':
      return Math.min(initialDelayMs * 2 ** Math.min(steps, DOUBLINGS_MAX), delayMsMax);
    case 'linear':
      return Math.min(initialDelayMs * (steps + 1), delayMsMax);
    case 'constant':
      return initialDelayMs;
  }
}
