/** The part of the catalogue about calls that are not let through, and about groups. */
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
  GROUP_NOT_AVAILABLE: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'No member of the group is in rotation, and it is not time for the next try.',
  },
  GROUP_UNKNOWN: {
    http: 404,
    jsonRpc: -32602,
    retryable: false,
    title: 'No group has that id.',
  },
  NO_HEALTHY_MEMBERS_IN_GROUP: {
    http: 503,
    jsonRpc: -32000,
    retryable: true,
    title: 'No member of the group can be called now.',
  },
} as const;
