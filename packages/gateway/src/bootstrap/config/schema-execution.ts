import { z } from 'zod';

import { RETRY_CLASSES, type RetryClass } from '../../domain/execution/retry-policy.ts';
import { once } from '@mcp-hangar/kernel/once';

/** Concurrency, rate limits and retries: `execution`, `rate_limit`, `retry`, and what servers say of them. */

const CALLS_MAX = 100_000;
const concurrency = once(() => z.int().min(0).max(CALLS_MAX));
const seconds = once(() => z.number().min(0).max(86_400));

export const executionBlock = once(() =>
  z.strictObject({
    max_concurrency: concurrency()
      .default(0)
      .describe('Calls at one time, over all servers; 0 = no limit beside `limits.in_flight_max`.'),
    default_mcp_server_concurrency: concurrency()
      .default(0)
      .describe('`max_concurrency` of servers that do not say it; 0 = no limit.'),
    default_provider_concurrency: concurrency()
      .optional()
      .describe('Same as `default_mcp_server_concurrency`.')
      .meta({ aliasOf: 'default_mcp_server_concurrency' }),
    queue_max: z
      .int()
      .min(0)
      .max(CALLS_MAX)
      .default(1_000)
      .describe('Calls that wait for one server while as many as may run do.'),
    queue_timeout_s: z
      .number()
      .min(0.1)
      .max(3_600)
      .default(30)
      .describe('How long a call waits until it may run. Seconds.'),
  }),
);

const rps = once(() => z.number().min(0.001).max(1_000_000));
const burst = once(() => z.int().min(1).max(1_000_000));

const limitKeys = once(() => ({
  rps: rps().describe('Calls a second.'),
  burst: burst().optional().describe('Calls at once; twice `rps`, at least 1, unless set.'),
}));
const rateLimit = once(() => z.strictObject(limitKeys()));

export const rateLimitBlock = once(() =>
  z.strictObject({
    rps: rps()
      .optional()
      .describe('Calls a second, of all clients together; 10 where only `burst` is set.')
      .meta({ env: 'MCP_RATE_LIMIT_RPS' }),
    burst: burst()
      .optional()
      .describe('Calls at once; twice `rps`, at least 1, unless set.')
      .meta({ env: 'MCP_RATE_LIMIT_BURST' }),
    per_principal: rateLimit()
      .optional()
      .describe(
        'Calls of each client: a session, a pipe, or, as long as there is no authentication, all over HTTP without sessions.',
      ),
  }),
);

/** The classes, and the codes that they stand for. */
function retryWords(): [string, ...string[]] {
  const classes = Object.keys(RETRY_CLASSES);
  const codes = Object.values(RETRY_CLASSES).flat();
  const [first = '', ...rest] = new Set([...classes, ...codes.toSorted()]);
  return [first, ...rest];
}

const retryPolicy = once(() =>
  z.strictObject({
    max_attempts: z.int().min(1).max(100).default(3).describe('Attempts, the first included.'),
    backoff: z
      .enum(['exponential', 'linear', 'constant'])
      .default('exponential')
      .describe('How the delay grows.'),
    initial_delay: seconds().default(1).describe('First delay. Seconds.'),
    max_delay: seconds().default(30).describe('Longest delay. Seconds.'),
    jitter: z.boolean().default(true).describe('Spread the delays.'),
    jitter_factor: z.number().min(0).max(1).default(0.25).describe('How far they are spread.'),
    retry_on: z
      .array(z.enum(retryWords()))
      .max(100)
      .optional()
      .describe(
        `Errors that are tried again, by class (${Object.keys(RETRY_CLASSES).join(', ')}) or code; all but McpServerStartError unless set.`,
      ),
    attempt_timeout_s: z
      .number()
      .min(0.1)
      .max(86_400)
      .optional()
      .describe('An attempt that is silent for so long is given up. Seconds.'),
    retry_sent: z
      .enum(['idempotent', 'always'])
      .default('idempotent')
      .describe(
        'Which calls are sent again after the server may have got them: those of tools with `idempotentHint` or `readOnlyHint`, or all, which may do the same work twice.',
      ),
  }),
);
export type RetryPolicyEntry = z.output<ReturnType<typeof retryPolicy>>;

export const retryBlock = once(() =>
  z.strictObject({
    default_policy: retryPolicy().optional().describe('Policy of every server.'),
    per_mcp_server: z
      .record(z.string().min(1), retryPolicy())
      .optional()
      .describe('Policies by server id.'),
    per_provider: z
      .record(z.string().min(1), retryPolicy())
      .optional()
      .describe('Same as `per_mcp_server`.')
      .meta({ aliasOf: 'per_mcp_server' }),
  }),
);

export const isRetryClass = (word: string): word is RetryClass =>
  Object.hasOwn(RETRY_CLASSES, word);

/** Keys of a server. */
export const executionKeys = once(() => ({
  max_concurrency: concurrency()
    .optional()
    .describe(
      'Calls at one time; 0 = no limit. `execution.default_mcp_server_concurrency` unless set.',
    ),
  rate_limit: z
    .strictObject({
      rps: rps().optional().describe('Calls a second, of all clients together.'),
      burst: burst().optional().describe('Calls at once; twice `rps`, at least 1, unless set.'),
      tools: z
        .record(z.string().min(1).max(256), rateLimit())
        .refine((tools) => Object.keys(tools).length <= 100, 'expected at most 100 globs')
        .optional()
        .describe('Limits by glob: all tools that match share one. A call needs room in each.'),
    })
    .optional()
    .describe('How often the server may be called.'),
}));
