import type { ErrorCode } from '@mcp-hangar/kernel/errors';

import {
  RETRY_CLASSES,
  STANDARD_RETRY,
  type RetryPolicy,
} from '../../domain/execution/retry-policy.ts';
import type { ExecutionSettings, ServerExecution } from '../../domain/execution/settings.ts';
import type { RateLimit } from '../../domain/execution/token-bucket.ts';
import type { ConfigDocument } from './schema.ts';
import { isRetryClass, type RetryPolicyEntry } from './schema-execution.ts';
import type { ServerEntry } from './schema-server.ts';

type Blocks = Pick<ConfigDocument, 'execution' | 'rate_limit' | 'retry'>;
/** The keys that plain entries have not. */
type Keys = Partial<Pick<ServerEntry, 'max_concurrency' | 'rate_limit'>>;

/** Calls a second where only `burst` is set. */
const STANDARD_RPS = 10;

export function resolveExecution({ execution, rate_limit }: Blocks): ExecutionSettings {
  const { rps, burst, per_principal } = rate_limit ?? {};
  const isLimited = rps !== undefined || burst !== undefined;
  return {
    concurrencyMax: unlessZero(execution.max_concurrency),
    queueMax: execution.queue_max,
    queueTimeoutMs: Math.round(execution.queue_timeout_s * 1000),
    rateLimit: isLimited ? rateLimit({ rps: rps ?? STANDARD_RPS, burst }) : undefined,
    principalRateLimit: per_principal === undefined ? undefined : rateLimit(per_principal),
  };
}

/** What is configured of a server's calls; undefined where nothing is, so that they pass unseen. */
export function serverExecution(
  id: string,
  { max_concurrency, rate_limit }: Keys,
  { execution, retry }: Blocks,
): ServerExecution | undefined {
  const standard =
    execution.default_mcp_server_concurrency || (execution.default_provider_concurrency ?? 0);
  const concurrencyMax = unlessZero(max_concurrency ?? standard);
  const policies = retry?.per_mcp_server ?? retry?.per_provider ?? {};
  const policy = (Object.hasOwn(policies, id) ? policies[id] : undefined) ?? retry?.default_policy;
  const tools = Object.entries(rate_limit?.tools ?? {});
  const { rps, burst } = rate_limit ?? {};
  if (
    concurrencyMax === Number.POSITIVE_INFINITY &&
    policy === undefined &&
    rps === undefined &&
    tools.length === 0
  )
    return undefined;
  return {
    concurrencyMax,
    rateLimit: rps === undefined ? undefined : rateLimit({ rps, burst }),
    toolRateLimits: tools.map(([glob, limit]) => ({ glob, limit: rateLimit(limit) })),
    retry: policy === undefined ? undefined : retryPolicy(policy),
  };
}

const unlessZero = (count: number): number => (count === 0 ? Number.POSITIVE_INFINITY : count);

const rateLimit = (keys: {
  readonly rps: number;
  readonly burst?: number | undefined;
}): RateLimit => ({
  perSecond: keys.rps,
  burst: keys.burst ?? Math.max(1, Math.ceil(2 * keys.rps)),
});

function retryPolicy(entry: RetryPolicyEntry): RetryPolicy {
  const { retry_on, attempt_timeout_s } = entry;
  return {
    attemptsMax: entry.max_attempts,
    backoff: entry.backoff,
    initialDelayMs: Math.round(entry.initial_delay * 1000),
    delayMsMax: Math.round(entry.max_delay * 1000),
    jitter: entry.jitter ? entry.jitter_factor : 0,
    retryOn: retry_on === undefined ? STANDARD_RETRY.retryOn : codes(retry_on),
    attemptTimeoutMs:
      attempt_timeout_s === undefined ? undefined : Math.round(attempt_timeout_s * 1000),
    sentAgain: entry.retry_sent === 'always' ? 'all' : 'repeatable',
  };
}

/** What the words of `retry_on` stand for: the schema lets classes and codes of theirs pass. */
const codes = (words: readonly string[]): ReadonlySet<ErrorCode> => {
  const known = Object.values(RETRY_CLASSES).flat();
  return new Set(
    words.flatMap((word): readonly ErrorCode[] =>
      isRetryClass(word) ? RETRY_CLASSES[word] : known.filter((code) => code === word),
    ),
  );
};
