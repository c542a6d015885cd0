/** What the events of a server come to. What makes them is `lifecycle.ts`. */
import type { McpServerEvent } from './events.ts';
import type { McpServerPhase } from './health.ts';

export interface Lifecycle {
  readonly phase: McpServerPhase;
  /** In a row. */
  readonly failures: number;
  /** Of those, children in a row that ended before they answered a call. */
  readonly stillborn: number;
  /** The next start or, where it is degraded, the next call. Milliseconds since the Unix epoch; 0 = at once. */
  readonly retryAtMs: number;
  /** What failed last; undefined when that is over. */
  readonly lastFailure: string | undefined;
  /** Where it failed last. What calls meet is not over because a probe passes. */
  readonly failedBy: FailureKind | undefined;
  /** The last probe failed. */
  readonly isProbeFailing: boolean;
  /** The fingerprint of its configuration, as the log has heard of it; undefined where that has it no more. */
  readonly registeredAs: string | undefined;
}

export type FailureKind = 'start' | 'end' | 'call' | 'probe';

/** Before any event. */
export const NO_LIFE: Lifecycle = {
  phase: 'cold',
  failures: 0,
  stillborn: 0,
  retryAtMs: 0,
  lastFailure: undefined,
  failedBy: undefined,
  isProbeFailing: false,
  registeredAs: undefined,
};

/** What calls met is over for a process that is started anew: a probe of that one speaks for it. */
function failedByAfter(
  { new_state, consecutive_failures }: { new_state: McpServerPhase; consecutive_failures: number },
  { failedBy }: Lifecycle,
): FailureKind | undefined {
  if (consecutive_failures === 0) return undefined;
  return new_state === 'initializing' ? 'start' : failedBy;
}

export function evolveLife(state: Lifecycle, { type, data }: McpServerEvent): Lifecycle {
  switch (type) {
    case 'McpServerStateChanged':
      return {
        ...state,
        phase: data.new_state,
        failures: data.consecutive_failures,
        retryAtMs: data.retry_at_ms,
        lastFailure:
          data.new_state === 'ready' || data.new_state === 'cold' ? undefined : state.lastFailure,
        failedBy: failedByAfter(data, state),
      };
    case 'McpServerFailureCounted':
      return {
        ...state,
        failures: data.consecutive_failures,
        stillborn: data.stillborn,
        retryAtMs: data.retry_at_ms,
        lastFailure: data.reason,
        failedBy: data.kind,
      };
    case 'McpServerFailuresCleared':
      return {
        ...state,
        failures: 0,
        stillborn: 0,
        retryAtMs: data.retry_at_ms,
        lastFailure: undefined,
        failedBy: undefined,
      };
    case 'McpServerRegistered':
    case 'McpServerUpdated':
      return { ...state, registeredAs: data.fingerprint };
    case 'McpServerDeregistered':
      return { ...state, registeredAs: undefined };
    case 'HealthCheckPassed':
      return { ...state, isProbeFailing: false };
    case 'HealthCheckFailed':
      return { ...state, isProbeFailing: true };
    case 'McpServerStarted':
    case 'McpServerStopped':
    case 'McpServerDegraded':
    case 'McpServerIdleDetected':
      return state;
  }
}
