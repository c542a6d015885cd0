/**
 * The lifecycle of one MCP server: `cold → initializing → ready ⇄ degraded`, and `dead`.
 *
 * A server has any number of children at one time; the phase is that of the server as a whole.
 *
 * | phase | means |
 * |---|---|
 * | cold | nothing runs, nothing is known to be wrong |
 * | initializing | the first child is being started |
 * | ready | a child runs and answers |
 * | degraded | `failuresMax` failures in a row: calls wait for the back-off, then the next one tries; so does recovery |
 * | dead | the last start failed or the last child ended by itself; the next call starts it when the back-off is over |
 *
 * Invariants
 * 1. Every change of the phase is one `McpServerStateChanged`; replaying the events gives the state.
 * 2. `retryAtMs` is obeyed only while it is at most the longest back-off away: nothing locks a server out.
 * 3. What a person starts never waits: failures before it are forgiven.
 */
import type { Decider } from '@mcp-hangar/kernel/decider';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import type { Era } from '../protocol/revisions.ts';
import { backoffMs, dueInMs } from './backoff.ts';
import type { McpServerEvent } from './events.ts';
import type { McpServerPhase } from './health.ts';
import { evolveLife, NO_LIFE, type FailureKind, type Lifecycle } from './lifecycle-state.ts';

export type StopReason =
  | 'idle'
  | 'shutdown'
  | 'user_request'
  | 'gateway_restarted'
  | 'error'
  /** The configuration has changed it or taken it out. */
  | 'reload'
  /** It stood in for another one, which runs again. */
  | 'failback'
  /** Recovery has given up: what is wrong stays known, and the next call tries under the back-off. */
  | 'max_retries_exceeded'
  /** The last of the children that belong to clients ended with its client. */
  | 'released';

/** How a child came to be ready. */
export interface Startup {
  readonly mode: string;
  readonly era: Era;
  readonly durationMs: number;
  /** Of the last known catalogue; undefined where there is none yet. */
  readonly toolsCount: number | undefined;
}

interface Failure {
  readonly reason: string;
  /** False for what began before the last failure that counted: what failed side by side counts once. */
  readonly isCounted: boolean;
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

export type LifecycleCommand =
  /** A child is wanted. */
  | { readonly type: 'start'; readonly nowMs: number }
  /** A person wants it started now. */
  | { readonly type: 'forgive'; readonly childrenLeft: number }
  /** A child is ready. */
  | ({ readonly type: 'started' } & Startup)
  | ({
      readonly type: 'start-failed';
      readonly childrenLeft: number;
      /** Others that are under way. */
      readonly startsLeft: number;
    } & Failure)
  /** A child ended by itself. One that never answered a call is not started again at once twice. */
  | ({
      readonly type: 'child-ended';
      readonly childrenLeft: number;
      readonly hasAnswered: boolean;
    } & Failure)
  /** No answer in time, or the transport failed; the child may be alive. */
  | ({ readonly type: 'call-failed' } & Failure)
  | { readonly type: 'answered' }
  /** A child answered whether it is alive. */
  | { readonly type: 'probe-passed'; readonly durationMs: number }
  | ({ readonly type: 'probe-failed' } & Failure)
  /** The last child was ended by the gateway. */
  | { readonly type: 'stopped'; readonly reason: StopReason; readonly idle?: Idleness };

/** How long a server that is stopped for it was not used. */
export interface Idleness {
  readonly durationMs: number;
  readonly lastUsedAtMs: number;
}

/** The server failed and is not due yet. */
export interface BackingOff {
  readonly code: 'MCP_SERVER_BACKING_OFF';
  readonly waitMs: number;
  readonly lastFailure: string | undefined;
}

type Decision = Result<readonly McpServerEvent[], BackingOff>;

/** @param failuresMax failures in a row that degrade the server (`max_consecutive_failures`) */
export function lifecycleOf(
  mcpServerId: string,
  failuresMax: number,
): Decider<LifecycleCommand, Lifecycle, McpServerEvent, BackingOff> {
  const decide = new Decide(mcpServerId, failuresMax);
  return {
    initial: NO_LIFE,
    evolve: evolveLife,
    decide: (command, state) => decide.run(command, state),
  };
}

class Decide {
  readonly #id: string;
  readonly #failuresMax: number;

  constructor(id: string, failuresMax: number) {
    this.#id = id;
    this.#failuresMax = failuresMax;
  }

  run(command: LifecycleCommand, state: Lifecycle): Decision {
    switch (command.type) {
      case 'start':
        return this.#start(command, state);
      case 'forgive':
        return ok(this.#forgive(command.childrenLeft, state));
      case 'started':
        return ok(this.#started(command, state));
      case 'start-failed':
        return ok(this.#startFailed(command, state));
      case 'child-ended':
        return ok(this.#childEnded(command, state));
      case 'call-failed':
        return ok(this.#callFailed(command, state));
      case 'answered':
        return ok(this.#answered(state));
      case 'probe-passed':
        return ok(this.#probePassed(command.durationMs, state));
      case 'probe-failed':
        return ok(this.#probeFailed(command, state));
      case 'stopped':
        return ok(this.#stopped(command, state));
    }
  }

  #start({ nowMs }: { readonly nowMs: number }, state: Lifecycle): Decision {
    const waitMs = dueInMs(state.retryAtMs, nowMs);
    if (waitMs > 0) {
      return err({ code: 'MCP_SERVER_BACKING_OFF', waitMs, lastFailure: state.lastFailure });
    }
    return ok(isUp(state) ? [] : [this.#initializing(state, 'start requested')]);
  }

  #forgive(childrenLeft: number, state: Lifecycle): readonly McpServerEvent[] {
    const cleared = state.failures > 0 || state.retryAtMs > 0 ? [this.#cleared(0)] : [];
    const clean: Lifecycle = { ...state, failures: 0, retryAtMs: 0 };
    switch (state.phase) {
      case 'dead':
        return [...cleared, this.#changed(clean, 'cold', 'forgiven')];
      case 'degraded':
        return [...cleared, this.#changed(clean, childrenLeft > 0 ? 'ready' : 'cold', 'forgiven')];
      case 'cold':
      case 'initializing':
      case 'ready':
        return cleared;
    }
  }

  /** @param retryAtMs a start that has to wait waits on: one child that answers does not make another one start */
  #cleared(retryAtMs: number): McpServerEvent {
    return {
      type: 'McpServerFailuresCleared',
      data: { mcp_server_id: this.#id, retry_at_ms: retryAtMs },
    };
  }

  #initializing(state: Lifecycle, reason: string): McpServerEvent {
    return this.#changed({ ...state, retryAtMs: 0 }, 'initializing', reason);
  }

  #started(
    { mode, era, durationMs, toolsCount }: Startup,
    state: Lifecycle,
  ): readonly McpServerEvent[] {
    const started: McpServerEvent = {
      type: 'McpServerStarted',
      data: {
        mcp_server_id: this.#id,
        mode,
        era,
        startup_duration_ms: durationMs,
        tools_count: toolsCount ?? null,
      },
    };
    if (state.phase === 'ready') return [started];
    // A start that outlived a stop is one more start.
    const before = isUp(state) ? [] : [this.#initializing(state, 'start requested')];
    const initializing: Lifecycle = { ...state, phase: 'initializing', retryAtMs: 0 };
    return [...before, started, this.#changed(initializing, 'ready', 'handshake done')];
  }

  #startFailed(
    failure: Failure & { readonly childrenLeft: number; readonly startsLeft: number },
    state: Lifecycle,
  ): readonly McpServerEvent[] {
    if (state.phase === 'cold') return []; // it was stopped while it started
    const next = fail(state, failure, backoffMs(state.failures + 1, failure.random));
    const counted = this.#counted('start', next, failure);
    const { childrenLeft, startsLeft, reason } = failure;
    if (next.failures >= this.#failuresMax) return this.#degraded(next, counted, reason);
    // With children that answer it is the start that waits, not the server.
    if (childrenLeft > 0 && state.phase === 'initializing')
      return [...counted, this.#changed(next, 'ready', 'its other children answer')];
    const isOver = isUp(state) && childrenLeft === 0 && startsLeft === 0;
    return isOver ? [...counted, this.#changed(next, 'dead', reason)] : counted;
  }

  #childEnded(
    failure: Failure & { readonly childrenLeft: number; readonly hasAnswered: boolean },
    state: Lifecycle,
  ): readonly McpServerEvent[] {
    if (state.phase === 'cold') return [];
    const isStillborn = !failure.hasAnswered;
    const stillborn = state.stillborn + (isStillborn && failure.isCounted ? 1 : 0);
    // The first one is forgiven: the next call starts it again at once.
    const waitMs = isStillborn ? backoffMs(state.stillborn, failure.random) : 0;
    const next = { ...fail(state, failure, waitMs), stillborn };
    if (next.failures >= this.#failuresMax) {
      const waiting = fail(state, failure, backoffMs(next.failures, failure.random));
      const counted = this.#counted('end', { ...waiting, stillborn }, failure);
      return this.#degraded(waiting, counted, failure.reason);
    }
    const counted = this.#counted('end', next, failure);
    return state.phase === 'ready' && failure.childrenLeft === 0
      ? [...counted, this.#changed(next, 'dead', failure.reason)]
      : counted;
  }

  #callFailed(failure: Failure, state: Lifecycle): readonly McpServerEvent[] {
    // Late words of something that was stopped say nothing.
    if (state.phase === 'cold' || !failure.isCounted) return [];
    // A call that fails says nothing about starts, so it makes them wait only where it degrades the server.
    const next = { ...fail(state, failure, 0), retryAtMs: state.retryAtMs };
    if (next.failures < this.#failuresMax) return this.#counted('call', next, failure);
    const waiting = fail(state, failure, backoffMs(next.failures, failure.random));
    return this.#degraded(waiting, this.#counted('call', waiting, failure), failure.reason);
  }

  #probePassed(durationMs: number, state: Lifecycle): readonly McpServerEvent[] {
    if (state.phase !== 'ready' && state.phase !== 'degraded') return [];
    const passed: readonly McpServerEvent[] =
      state.isProbeFailing || state.phase === 'degraded'
        ? [
            {
              type: 'HealthCheckPassed',
              data: { mcp_server_id: this.#id, duration_ms: durationMs },
            },
          ]
        : [];
    const isOver = state.phase === 'degraded' || state.failedBy !== 'call';
    return isOver ? [...passed, ...this.#answered(state)] : passed;
  }

  #probeFailed(failure: Failure, state: Lifecycle): readonly McpServerEvent[] {
    if (!failure.isCounted || (state.phase !== 'ready' && state.phase !== 'degraded')) return [];
    const failures = state.failures + 1;
    const isDegraded = failures >= this.#failuresMax;
    const next = isDegraded
      ? fail(state, failure, backoffMs(failures, failure.random))
      : { ...fail(state, failure, 0), retryAtMs: state.retryAtMs };
    const failed: McpServerEvent = {
      type: 'HealthCheckFailed',
      data: {
        mcp_server_id: this.#id,
        consecutive_failures: failures,
        error_message: failure.reason,
      },
    };
    const counted = [failed, ...this.#counted('probe', next, failure)];
    return isDegraded ? this.#degraded(next, counted, failure.reason) : counted;
  }

  #answered(state: Lifecycle): readonly McpServerEvent[] {
    if (state.failures === 0 && state.phase !== 'degraded') return [];
    const cleared = this.#cleared(state.retryAtMs);
    return state.phase === 'degraded'
      ? [cleared, this.#changed({ ...state, failures: 0, retryAtMs: 0 }, 'ready', 'it answers')]
      : [cleared];
  }

  #stopped(
    { reason, idle }: { readonly reason: StopReason; readonly idle?: Idleness },
    state: Lifecycle,
  ): readonly McpServerEvent[] {
    if (state.phase === 'cold') return [];
    if (reason === 'max_retries_exceeded') return this.#givenUp(reason, state);
    // What is wrong with a server is not over because nothing of it runs; a person may say that it is, or change it.
    if (!isUp(state) && reason !== 'user_request' && reason !== 'reload') return [];
    const detected: readonly McpServerEvent[] =
      idle === undefined
        ? []
        : [
            {
              type: 'McpServerIdleDetected',
              data: {
                mcp_server_id: this.#id,
                idle_duration_s: Math.round(idle.durationMs / 1_000),
                last_used_at_ms: idle.lastUsedAtMs,
              },
            },
          ];
    const stopped: McpServerEvent = {
      type: 'McpServerStopped',
      data: { mcp_server_id: this.#id, reason },
    };
    const clean = { ...state, failures: 0, retryAtMs: 0 };
    return [...detected, stopped, this.#changed(clean, 'cold', reason)];
  }

  /** Nothing more is tried without a call. It is dead, not cold: something is wrong with it. */
  #givenUp(reason: StopReason, state: Lifecycle): readonly McpServerEvent[] {
    if (state.phase !== 'degraded') return [];
    const stopped: McpServerEvent = {
      type: 'McpServerStopped',
      data: { mcp_server_id: this.#id, reason },
    };
    return [stopped, this.#changed(state, 'dead', reason)];
  }

  #degraded(
    next: Lifecycle,
    counted: readonly McpServerEvent[],
    reason: string,
  ): readonly McpServerEvent[] {
    if (next.phase === 'degraded') return counted;
    const degraded: McpServerEvent = {
      type: 'McpServerDegraded',
      data: { mcp_server_id: this.#id, consecutive_failures: next.failures, reason },
    };
    return [...counted, degraded, this.#changed(next, 'degraded', reason)];
  }

  #changed(state: Lifecycle, phase: McpServerPhase, reason: string): McpServerEvent {
    return {
      type: 'McpServerStateChanged',
      data: {
        mcp_server_id: this.#id,
        old_state: state.phase,
        new_state: phase,
        reason,
        consecutive_failures: state.failures,
        retry_at_ms: state.retryAtMs,
      },
    };
  }

  #counted(
    kind: FailureKind,
    next: Lifecycle,
    { reason, isCounted }: Failure,
  ): readonly McpServerEvent[] {
    if (!isCounted) return [];
    const data = {
      mcp_server_id: this.#id,
      consecutive_failures: next.failures,
      stillborn: next.stillborn,
      reason,
      retry_at_ms: next.retryAtMs,
      kind,
    };
    return [{ type: 'McpServerFailureCounted', data }];
  }
}

/** Something of it runs or is about to. A degraded server may have children, but none that is trusted. */
const isUp = ({ phase }: Lifecycle): boolean => phase === 'initializing' || phase === 'ready';

const fail = (state: Lifecycle, failure: Failure, waitMs: number): Lifecycle =>
  failure.isCounted
    ? {
        ...state,
        failures: state.failures + 1,
        retryAtMs: failure.nowMs + waitMs,
        lastFailure: failure.reason,
      }
    : state;
