/** The circuit breaker of one server: which results count, and what a refused call is told. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Breaker, CircuitOpen } from '../../domain/breaker/breaker.ts';
import { CircuitBreaker } from '../../domain/breaker/circuit-breaker.ts';
import { circuitStream } from '../../domain/breaker/events.ts';
import { mcpServerStream } from '../../domain/mcp-server/events.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { EventSink } from '../ports.ts';
import type { Child } from './child.ts';
import type { EndedCall } from './lifecycle-keeper.ts';

/** Undefined where none is configured: the back-off protects what fails to start, and nobody is refused a call. */
export function serverBreaker(
  { id, breaker: policy }: McpServerSpec,
  events: EventSink,
  restored: Breaker | undefined,
): CircuitBreaker | undefined {
  if (policy === undefined) return undefined;
  const stream = circuitStream(mcpServerStream(id));
  return new CircuitBreaker({
    policy,
    restored,
    onChange: ({ type, data }) =>
      events.record(stream, { type, data: { mcp_server_id: id, ...data } }),
  });
}

/** A server that answers, with an error too, works; what the gateway ended itself says nothing. */
export function countCall(
  breaker: CircuitBreaker,
  child: Child,
  { outcome, beganAtMs, reason }: EndedCall,
  nowMs: number,
): void {
  switch (outcome) {
    case 'answered':
    case 'answered-error':
      breaker.succeeded(beganAtMs, nowMs);
      return;
    case 'ended':
      if (!child.stopping) breaker.failed(reason, beganAtMs, nowMs);
      return;
    case 'failed':
      breaker.failed(reason, beganAtMs, nowMs);
      return;
    case 'given-up':
      return;
  }
}

export function circuitFault(id: string, { waitMs, reason }: CircuitOpen): Fault {
  const why = reason === undefined ? '' : `: ${reason}`;
  const detail = `the circuit of MCP server "${id}" is open${why}; it is tried again in ${Math.ceil(waitMs / 1_000)} s (circuit_breaker.reset_timeout_s)`;
  return new Fault('CIRCUIT_OPEN', detail, {
    data: { retryAfterMs: waitMs, ...(reason === undefined ? {} : { openedBy: reason }) },
  });
}
