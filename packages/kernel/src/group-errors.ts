import type { ErrorEntry } from './error-catalogue.ts';

/** The part of the catalogue about groups of MCP servers. */
export const GROUP_ERRORS = {
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
} as const satisfies Record<string, ErrorEntry>;
