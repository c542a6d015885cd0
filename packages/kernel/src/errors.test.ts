import { expect, test } from 'vitest';
import { ERRORS } from './error-catalogue.ts';
import { Fault, type ErrorCode } from './errors.ts';

/** What clients see of each code: HTTP status, JSON-RPC code, whether to try again. Changing one breaks them. */
const PINS: Record<ErrorCode, readonly [http: number, jsonRpc: number, retryable: boolean]> = {
  ADDRESS_UNAVAILABLE: [503, -32603, true],
  BODY_TOO_LARGE: [413, -32000, false],
  CALL_TIMED_OUT: [504, -32001, true],
  CIRCUIT_OPEN: [503, -32000, true],
  CLIENT_TOO_SLOW: [503, -32000, true],
  CONCURRENCY_LIMITED: [503, -32000, true],
  CONFIG_INVALID: [400, -32602, false],
  CONFIG_MISSING: [404, -32602, false],
  CONFIG_RESTART_REQUIRED: [409, -32602, false],
  CONTENT_TYPE_UNSUPPORTED: [415, -32000, false],
  DISCOVERY_NOT_CONFIGURED: [404, -32602, false],
  EVENT_STORE_BUSY: [503, -32603, true],
  EVENT_STORE_UNAVAILABLE: [503, -32603, true],
  FILE_CHANGED: [409, -32603, true],
  FILE_NOT_WRITTEN: [500, -32603, false],
  GATEWAY_BUSY: [503, -32000, true],
  GATEWAY_DEFECT: [500, -32603, false],
  GATEWAY_ENDED: [503, -32000, true],
  GATEWAY_NOT_RUNNING: [503, -32000, true],
  GATEWAY_OTHER_VERSION: [503, -32000, false],
  GATEWAY_SILENT: [504, -32001, true],
  GATEWAY_STOPPING: [503, -32000, true],
  GROUP_NOT_AVAILABLE: [503, -32000, true],
  GROUP_UNKNOWN: [404, -32602, false],
  INPUT_INVALID: [400, -32602, false],
  INPUT_NOT_SUPPORTED: [502, -32603, false],
  INPUT_REFUSED: [502, -32603, false],
  INPUT_ROUNDS_EXCEEDED: [502, -32603, false],
  INPUT_TIMED_OUT: [504, -32001, true],
  LEASE_TIMED_OUT: [503, -32000, true],
  MCP_SERVER_BACKING_OFF: [503, -32000, true],
  MCP_SERVER_DISABLED: [404, -32602, false],
  MCP_SERVER_EXISTS: [409, -32602, false],
  MCP_SERVER_INACTIVE: [502, -32000, false],
  MCP_SERVER_START_FAILED: [502, -32000, true],
  MCP_SERVER_STOPPED: [503, -32000, true],
  MCP_SERVER_UNKNOWN: [404, -32602, false],
  METHOD_NOT_ALLOWED: [405, -32000, false],
  NOT_ACCEPTABLE: [406, -32000, false],
  NO_HEALTHY_MEMBERS_IN_GROUP: [503, -32000, true],
  PARKED_CALL_GONE: [404, -32602, true],
  PATH_UNKNOWN: [404, -32000, false],
  PROTOCOL_VERSION_UNSUPPORTED: [400, -32000, false],
  RATE_LIMITED: [429, -32000, true],
  REQUEST_FORBIDDEN: [403, -32000, false],
  REQUEST_STATE_EXPIRED: [400, -32602, true],
  REQUEST_STATE_FOREIGN: [403, -32602, false],
  REQUEST_STATE_INVALID: [400, -32602, false],
  REQUEST_STATE_MISMATCH: [400, -32602, false],
  REQUEST_STATE_REPLAYED: [400, -32602, false],
  SESSIONS_FULL: [503, -32000, true],
  SESSION_MISSING: [400, -32000, false],
  SESSION_UNKNOWN: [404, -32001, false],
  STATE_UNAVAILABLE: [503, -32603, false],
  STREAMS_FULL: [503, -32000, true],
  TASK_CANNOT_CROSS: [502, -32602, false],
  TASK_LOST: [404, -32602, false],
  TOOL_UNKNOWN: [404, -32602, false],
  UPSTREAM_ADDRESS_REFUSED: [502, -32000, false],
  UPSTREAM_ANSWER_INVALID: [502, -32603, false],
  UPSTREAM_ANSWER_TOO_LARGE: [502, -32603, false],
  UPSTREAM_ENDED: [502, -32000, true],
  UPSTREAM_PROTOCOL_ERROR: [502, -32603, false],
  UPSTREAM_QUEUE_FULL: [503, -32000, true],
  UPSTREAM_RATE_LIMITED: [503, -32000, true],
  UPSTREAM_REFUSED: [502, -32603, false],
  UPSTREAM_TLS_FAILED: [502, -32000, false],
  UPSTREAM_UNAUTHORIZED: [502, -32000, false],
  UPSTREAM_UNAVAILABLE: [502, -32000, true],
  UPSTREAM_UNREACHABLE: [502, -32000, true],
};

test('what clients see of each error code is pinned', () => {
  const seen = Object.entries(ERRORS).map(([code, { http, jsonRpc, retryable }]) => [
    code,
    [http, jsonRpc, retryable],
  ]);
  expect(Object.fromEntries(seen)).toEqual(PINS);
});

test('codes name a subject and its problem, titles are sentences of their own', () => {
  for (const [code, { title }] of Object.entries(ERRORS)) {
    expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)+$/);
    expect(title).toMatch(/^[A-Z][^.]*\.$/);
  }
  const titles = Object.values(ERRORS).map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});

test('no code of the protocol itself stands for a fault of the gateway by mistake', () => {
  for (const { jsonRpc } of Object.values(ERRORS)) {
    expect([-32000, -32001, -32602, -32603]).toContain(jsonRpc);
  }
});

test('a fault carries code, detail, cause and data', () => {
  const cause = new Error('deep');
  const fault = new Fault('UPSTREAM_ENDED', 'gone', { cause, data: { pid: 1 } });
  expect(fault).toBeInstanceOf(Error);
  expect(fault).toMatchObject({ name: 'Fault', code: 'UPSTREAM_ENDED', message: 'gone', cause });
  expect(fault.data).toEqual({ pid: 1 });
  expect(new Fault('GATEWAY_BUSY', 'x').data).toBeUndefined();
});
