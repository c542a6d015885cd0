/**
 * When something that fails is not called any more: `closed → open → half_open → closed`. It knows nothing of what is
 * called: servers have one each, and so may groups of them.
 *
 * | phase | means |
 * |---|---|
 * | closed | everything is let through; failures are counted |
 * | open | nothing is, until the reset timeout is over |
 * | half_open | a few are, as probes: the first failure opens it again, enough successes close it |
 *
 * Invariants
 * 1. Every change of the phase is one `CircuitBreakerStateChanged`, and the last of them gives the state.
 * 2. `open` lasts for the reset timeout at most, whatever the clock does; a probe of which nothing is heard for as long
 *    makes room for another one. So nothing is locked out.
 * 3. What began before the phase did says nothing about it.
 */
import type { Decider } from '@mcp-hangar/kernel/decider';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import { leftMs } from '../due-time.ts';
import type { CountedCall, WindowPolicy } from './call-window.ts';
import type { BreakerEvent, BreakerPhase, BreakerStateChanged } from './events.ts';

export interface BreakerPolicy {
  /** Failures in a row that open it. */
  readonly failureThreshold: number;
  /** How long it stays open before it is tried. */
  readonly resetTimeoutMs: number;
  /** Probes at one time, and successes of them that close it. */
  readonly probeCount: number;
  /** Rates over a time; undefined where only failures in a row count. */
  readonly window: WindowPolicy | undefined;
}

export interface Breaker {
  readonly phase: BreakerPhase;
  /** In a row. */
  readonly failures: number;
  /** Times that it opened. */
  readonly trips: number;
  /** When the phase began. Milliseconds since the Unix epoch; 0 = it never changed. */
  readonly sinceMs: number;
  /** What opened it; undefined while it is closed. */
  readonly reason: string | undefined;
  /** Probes that passed since it is half open. */
  readonly passed: number;
}

interface Counted extends CountedCall {
  /** What of the last while is too much, with this one; undefined where nothing is. */
  readonly tooMuch: string | undefined;
}

export type BreakerCommand =
  /** Something wants through. `waitMs`: until one of the probes that are out makes room; 0 = there is room. */
  | { readonly type: 'admit'; readonly nowMs: number; readonly waitMs: number }
  | ({ readonly type: 'succeeded' } & Counted)
  | ({ readonly type: 'failed'; readonly reason: string } & Counted)
  /** A person says that it is over. */
  | { readonly type: 'reset'; readonly nowMs: number };

export interface CircuitOpen {
  readonly waitMs: number;
  readonly reason: string | undefined;
}

type Decision = Result<readonly BreakerEvent[], CircuitOpen>;

const INITIAL: Breaker = {
  phase: 'closed',
  failures: 0,
  trips: 0,
  sinceMs: 0,
  reason: undefined,
  passed: 0,
};
/** Most calls succeed on a closed one: they cost nothing but this. */
const NOTHING: Decision = ok([]);

export const breakerOf = (
  policy: BreakerPolicy,
): Decider<BreakerCommand, Breaker, BreakerEvent, CircuitOpen> => ({
  initial: INITIAL,
  decide: (command, state) => decide(policy, command, state),
  evolve,
});

function decide(policy: BreakerPolicy, command: BreakerCommand, state: Breaker): Decision {
  switch (command.type) {
    case 'admit':
      return admit(policy, command, state);
    case 'succeeded':
      return isLate(command, state) ? NOTHING : succeeded(policy, command, state);
    case 'failed':
      return isLate(command, state) ? NOTHING : failed(policy, command, state);
    case 'reset':
      return state.phase === 'closed' && state.failures === 0
        ? NOTHING
        : ok([changed(policy, state, { to: 'closed', reason: 'reset', nowMs: command.nowMs })]);
  }
}

/** Milliseconds until an open one is tried; 0 = now. */
export function openMs({ resetTimeoutMs }: BreakerPolicy, state: Breaker, nowMs: number): number {
  if (state.phase !== 'open') return 0;
  return leftMs(state.sinceMs + resetTimeoutMs, nowMs, resetTimeoutMs);
}

function admit(
  policy: BreakerPolicy,
  { nowMs, waitMs: roomMs }: { readonly nowMs: number; readonly waitMs: number },
  state: Breaker,
): Decision {
  if (state.phase === 'closed') return NOTHING;
  const { reason } = state;
  if (state.phase === 'half_open') return roomMs > 0 ? err({ waitMs: roomMs, reason }) : NOTHING;
  const waitMs = openMs(policy, state, nowMs);
  if (waitMs > 0) return err({ waitMs, reason });
  return ok([changed(policy, state, { to: 'half_open', reason: 'reset timeout over', nowMs })]);
}

function succeeded(policy: BreakerPolicy, { nowMs, tooMuch }: Counted, state: Breaker): Decision {
  if (state.phase === 'open') return NOTHING;
  if (state.phase === 'half_open') {
    if (state.passed + 1 < policy.probeCount) return ok([PROBE_PASSED]);
    return ok([changed(policy, state, { to: 'closed', reason: 'it answers again', nowMs })]);
  }
  if (tooMuch === undefined) return state.failures === 0 ? NOTHING : ok([SUCCEEDED]);
  return ok([SUCCEEDED, opened(policy, evolve(state, SUCCEEDED), tooMuch, nowMs)]);
}

function failed(
  policy: BreakerPolicy,
  { reason: why, nowMs, tooMuch }: Counted & { readonly reason: string },
  state: Breaker,
): Decision {
  if (state.phase === 'open') return NOTHING;
  if (state.phase === 'half_open')
    return ok([opened(policy, state, `it failed when it was tried again: ${why}`, nowMs)]);
  const { failureThreshold } = policy;
  const after = evolve(state, FAILED);
  const inARow =
    after.failures >= failureThreshold
      ? `${after.failures} ${after.failures === 1 ? 'failure' : 'failures in a row'}, the last one: ${why}`
      : undefined;
  const reason = inARow ?? tooMuch;
  return ok(reason === undefined ? [FAILED] : [FAILED, opened(policy, after, reason, nowMs)]);
}

/** A clock that was set back says nothing about what came first. */
export const isLate = ({ beganAtMs, nowMs }: CountedCall, { sinceMs }: Breaker): boolean =>
  beganAtMs < sinceMs && sinceMs <= nowMs;

const SUCCEEDED: BreakerEvent = { type: 'CallCounted', isFailure: false };
const FAILED: BreakerEvent = { type: 'CallCounted', isFailure: true };
const PROBE_PASSED: BreakerEvent = { type: 'ProbePassed' };

const opened = (
  policy: BreakerPolicy,
  state: Breaker,
  reason: string,
  nowMs: number,
): BreakerStateChanged => changed(policy, state, { to: 'open', reason, nowMs });

function changed(
  { resetTimeoutMs }: BreakerPolicy,
  state: Breaker,
  {
    to,
    reason,
    nowMs,
  }: { readonly to: BreakerPhase; readonly reason: string; readonly nowMs: number },
): BreakerStateChanged {
  return {
    type: 'CircuitBreakerStateChanged',
    data: {
      old_state: state.phase,
      new_state: to,
      reason,
      opened_by: to === 'closed' ? null : to === 'open' ? reason : (state.reason ?? null),
      failure_count: to === 'closed' ? 0 : state.failures,
      trips: state.trips + (to === 'open' ? 1 : 0),
      changed_at_ms: nowMs,
      retry_at_ms: to === 'open' ? nowMs + resetTimeoutMs : 0,
    },
  };
}

function evolve(state: Breaker, event: BreakerEvent): Breaker {
  switch (event.type) {
    case 'CircuitBreakerStateChanged':
      return {
        phase: event.data.new_state,
        failures: event.data.failure_count,
        trips: event.data.trips,
        sinceMs: event.data.changed_at_ms,
        reason: event.data.opened_by ?? undefined,
        passed: 0,
      };
    case 'ProbePassed':
      return { ...state, passed: state.passed + 1 };
    case 'CallCounted':
      return { ...state, failures: event.isFailure ? state.failures + 1 : 0 };
  }
}
