/** The part of the catalogue about calls that are not let through. */
export const EXECUTION_ERRORS = {
  CONCURRENCY_LIMITED: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'As many calls as may run at one time do.',
  },
  RATE_LIMITED: {
    http: 429,
    jsonRpc: -32000,
    retryable: true,
    title: 'More calls than the configuration allows.',
  },
} as const;
