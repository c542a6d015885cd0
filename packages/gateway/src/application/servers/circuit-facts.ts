/** What status pages say of the circuit breaker of a server. */
import type { BreakerPhase } from '../../domain/breaker/events.ts';
import type { McpServer } from './mcp-server.ts';

export interface CircuitFacts {
  readonly state: BreakerPhase;
  /** Times that it opened. */
  readonly trips: number;
  /** In a row. */
  readonly failures: number;
  /** What opened it; undefined while it is closed. */
  readonly openedBy: string | undefined;
  /** Undefined unless it is open: no call is let through before. */
  readonly retryAtMs: number | undefined;
}

export function circuitOf(
  { breaker }: Pick<McpServer, 'breaker'>,
  nowMs: number,
): CircuitFacts | undefined {
  if (breaker === undefined) return undefined;
  const { phase, trips, failures, reason } = breaker.state;
  return {
    state: phase,
    trips,
    failures,
    openedBy: reason,
    retryAtMs: phase === 'open' ? nowMs + breaker.retryInMs(nowMs) : undefined,
  };
}

/** Undefined where it is closed. */
export function circuitNote({ breaker }: Pick<McpServer, 'breaker'>): string | undefined {
  if (breaker === undefined || breaker.state.phase === 'closed') return undefined;
  const state = breaker.state.phase === 'open' ? 'open' : 'half open';
  return `its circuit is ${state}: ${breaker.state.reason ?? 'it failed too often'}`;
}
