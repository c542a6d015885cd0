/** The names under which `hangar_call` tells why a call has no result: those of 2.x, which clients compare with. */
export type BatchErrorType =
  | 'AuthorizationDenied'
  | 'CancellationError'
  | 'CircuitBreakerOpen'
  | 'McpServerNotFoundError'
  | 'McpServerStartError'
  | 'NoAvailableMemberError'
  | 'RateLimitExceeded'
  | 'TaskRelayNotSupported'
  | 'TimeoutError'
  | 'ToolInvocationError'
  | 'ToolTimeoutError';

/** By codes of the catalogue, as texts: what is not here is `ToolInvocationError`. */
const TYPES: ReadonlyMap<string, BatchErrorType> = new Map([
  ['CIRCUIT_OPEN', 'CircuitBreakerOpen'],
  ['GROUP_NOT_AVAILABLE', 'NoAvailableMemberError'],
  ['NO_HEALTHY_MEMBERS_IN_GROUP', 'NoAvailableMemberError'],
  ['GROUP_UNKNOWN', 'McpServerNotFoundError'],
  ['CALL_TIMED_OUT', 'ToolTimeoutError'],
  ['INPUT_TIMED_OUT', 'ToolTimeoutError'],
  ['MCP_SERVER_BACKING_OFF', 'CircuitBreakerOpen'],
  ['MCP_SERVER_DISABLED', 'McpServerNotFoundError'],
  ['MCP_SERVER_UNKNOWN', 'McpServerNotFoundError'],
  ['LEASE_TIMED_OUT', 'McpServerStartError'],
  ['MCP_SERVER_INACTIVE', 'McpServerStartError'],
  ['MCP_SERVER_START_FAILED', 'McpServerStartError'],
  ['MCP_SERVER_STOPPED', 'McpServerStartError'],
  ['UPSTREAM_ADDRESS_REFUSED', 'McpServerStartError'],
  ['UPSTREAM_TLS_FAILED', 'McpServerStartError'],
  ['UPSTREAM_UNREACHABLE', 'McpServerStartError'],
  ['CONCURRENCY_LIMITED', 'RateLimitExceeded'],
  ['RATE_LIMITED', 'RateLimitExceeded'],
  ['UPSTREAM_RATE_LIMITED', 'RateLimitExceeded'],
  ['UPSTREAM_UNAUTHORIZED', 'AuthorizationDenied'],
  ['TASK_CANNOT_CROSS', 'TaskRelayNotSupported'],
]);

/** @param code of the catalogue; undefined for what the server itself refused */
export const batchErrorType = (code: string | undefined): BatchErrorType =>
  (code === undefined ? undefined : TYPES.get(code)) ?? 'ToolInvocationError';
