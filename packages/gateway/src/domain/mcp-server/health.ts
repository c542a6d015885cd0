/** How an MCP server does, as lists and detail pages show it. */

/** On the wire in lower case, everywhere. */
export type McpServerPhase = 'cold' | 'initializing' | 'ready' | 'degraded' | 'dead';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unknown';

export interface Health {
  /** Failures of transport in a row: starts, ends, timeouts. An error that the server answers is none. */
  readonly consecutiveFailures: number;
  /** Calls that were handed to the server. */
  readonly totalInvocations: number;
  /** Of those, calls that failed, errors that the server answered included. */
  readonly totalFailures: number;
  readonly lastSuccessAtMs: number | undefined;
  readonly lastFailureAtMs: number | undefined;
}

export function healthStatus(phase: McpServerPhase, consecutiveFailures: number): HealthStatus {
  switch (phase) {
    case 'ready':
      return consecutiveFailures === 0 ? 'healthy' : 'degraded';
    case 'degraded':
      return 'degraded';
    case 'dead':
      return 'unhealthy';
    case 'cold':
    case 'initializing':
      return 'unknown';
  }
}

/** Share of the calls that succeeded; 1 before the first. */
export const successRate = ({ totalInvocations, totalFailures }: Health): number =>
  totalInvocations === 0 ? 1 : (totalInvocations - totalFailures) / totalInvocations;
