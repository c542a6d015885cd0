import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import { expect, test } from 'vitest';
import { batchErrorType } from './error-type.ts';

test.each([
  ['CALL_TIMED_OUT', 'ToolTimeoutError'],
  ['CIRCUIT_OPEN', 'CircuitBreakerOpen'],
  ['CONCURRENCY_LIMITED', 'RateLimitExceeded'],
  ['MCP_SERVER_BACKING_OFF', 'CircuitBreakerOpen'],
  ['MCP_SERVER_START_FAILED', 'McpServerStartError'],
  ['MCP_SERVER_UNKNOWN', 'McpServerNotFoundError'],
  ['RATE_LIMITED', 'RateLimitExceeded'],
  ['TASK_CANNOT_CROSS', 'TaskRelayNotSupported'],
  ['TOOL_UNKNOWN', 'ToolInvocationError'],
  ['UPSTREAM_ENDED', 'ToolInvocationError'],
  ['UPSTREAM_UNAUTHORIZED', 'AuthorizationDenied'],
])('%s is %s to clients of hangar_call', (code, type) => {
  expect(batchErrorType(code)).toBe(type);
});

test('every code has a name, and so has what a server itself refuses', () => {
  const names = Object.keys(ERRORS).map(batchErrorType);
  expect(names.every((name) => /^[A-Z][A-Za-z]+$/.test(name))).toBe(true);
  expect(batchErrorType(undefined)).toBe('ToolInvocationError');
});
