/**
 * The recovery of one degraded server: it is tried again a few times without a call, then given up.
 *
 * `idle → waiting → trying → idle`, each change one event; replaying them gives the state.
 *
 * Invariants
 * 1. It waits for one time at a time, at most `DELAY_MS_MAX` away when it was set, or as long as the lifecycle says.
 * 2. A fact that was handled does nothing when it comes again.
 * 3. Only what answers ends a series well: a start alone does not, so that what starts and hangs is given up, too.
 * 4. Giving up locks nothing: a call, or a person, tries again, and the next degradation begins a new series.
 */
import type { Decider } from '@mcp-hangar/kernel/decider';
import { ok } from '@mcp-hangar/kernel/result';
import { leftMs } from '../due-time.ts';
import { LONGEST_BACKOFF_MS } from '../mcp-server/backoff.ts';
import { withFact } from './handled-facts.ts';
import type { RecoveryEvent, RecoveryOutcome } from './recovery-events.ts';

export const RECOVERY_ATTEMPTS_MAX = 3;
const DELAY_MS = 5_000;
const DELAY_MS_MAX = 60_000;

export interface Recovery {
  readonly phase: 'idle' | 'waiting' | 'trying';
  /** Of the series, the one that is waited for or under way; 0 while idle. */
  readonly attempt: number;
  /** Milliseconds since the Unix epoch; 0 unless it waits. */
  readonly dueAtMs: number;
  readonly reason: string | undefined;
  /** Ids of facts, the oldest first. */
  readonly handled: readonly string[];
}

export type RecoveryCommand =
  | {
      readonly type: 'degraded';
      readonly factId: string;
      readonly reason: string;
      readonly nowMs: number;
      /** What the lifecycle wants it to wait at least. */
      readonly waitMs: number;
    }
  /** It answers, or a person forgave it. */
  | { readonly type: 'cleared'; readonly factId: string }
  /** It was stopped for another reason than that its recovery gave up. */
  | { readonly type: 'stopped'; readonly factId: string }
  /** The time that is waited for may have come. */
  | { readonly type: 'due'; readonly nowMs: number }
  /** The attempt came too early for the lifecycle of the server. */
  | {
      readonly type: 'postponed';
      readonly attempt: number;
      readonly waitMs: number;
      readonly nowMs: number;
    }
  /** The attempt failed without a fact that says so. */
  | {
      readonly type: 'attempt-failed';
      readonly attempt: number;
      readonly reason: string;
      readonly nowMs: number;
    }
  /** The gateway was started again. @param degradedBy undefined where the server is not degraded, or is gone */
  | { readonly type: 'resumed'; readonly degradedBy: string | undefined; readonly nowMs: number };

type Events = readonly RecoveryEvent[];

const INITIAL: Recovery = {
  phase: 'idle',
  attempt: 0,
  dueAtMs: 0,
  reason: undefined,
  handled: [],
};

export function recoveryOf(id: string): Decider<RecoveryCommand, Recovery, RecoveryEvent, never> {
  return {
    initial: INITIAL,
    decide: (command, state) => ok(decide(id, command, state)),
    evolve,
  };
}

function decide(id: string, command: RecoveryCommand, state: Recovery): Events {
  if ('factId' in command && state.handled.includes(command.factId)) return [];
  switch (command.type) {
    case 'degraded':
      return degraded(id, command, state);
    case 'cleared':
      return state.phase === 'idle' ? [] : [ended(id, 'recovered', state, command.factId)];
    case 'stopped':
      return state.phase === 'idle' ? [] : [ended(id, 'cancelled', state, command.factId)];
    case 'due':
      return isDue(state, command.nowMs) ? [attempted(id, state)] : [];
    case 'postponed':
      return isUnderWay(state, command.attempt)
        ? [scheduled(id, { ...state, dueAtMs: command.nowMs + command.waitMs }, null)]
        : [];
    case 'attempt-failed':
      return isUnderWay(state, command.attempt) ? next(id, command, state) : [];
    case 'resumed':
      return resumed(id, command, state);
  }
}

function degraded(
  id: string,
  command: Extract<RecoveryCommand, { type: 'degraded' }>,
  state: Recovery,
): Events {
  // A call has tried meanwhile, in vain: what is waited for is still to come.
  if (state.phase === 'waiting') return [];
  if (isNotOurs(command.reason))
    return [ended(id, 'skipped', { ...state, reason: command.reason }, command.factId)];
  return next(id, command, state);
}

interface NextAttempt {
  readonly reason: string;
  readonly nowMs: number;
  readonly waitMs?: number;
  readonly factId?: string | null;
}

/** The next attempt of the series, or its end. */
function next(
  id: string,
  { reason, nowMs, waitMs = 0, factId = null }: NextAttempt,
  state: Recovery,
): Events {
  const attempt = state.attempt + 1;
  if (attempt > RECOVERY_ATTEMPTS_MAX) return [ended(id, 'gave_up', { ...state, reason }, factId)];
  const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS * 2 ** (attempt - 1));
  const dueAtMs = nowMs + Math.max(delayMs, waitMs);
  return [scheduled(id, { ...state, attempt, dueAtMs, reason }, factId)];
}

function resumed(
  id: string,
  { degradedBy: reason, nowMs }: Extract<RecoveryCommand, { type: 'resumed' }>,
  state: Recovery,
): Events {
  if (reason === undefined)
    return state.phase === 'idle' ? [] : [ended(id, 'cancelled', state, null)];
  switch (state.phase) {
    case 'idle':
      return isNotOurs(reason) ? [] : next(id, { reason, nowMs }, state);
    case 'waiting':
      return [];
    case 'trying': // it ended with the process that tried
      return [scheduled(id, { ...state, dueAtMs: nowMs + DELAY_MS }, null)];
  }
}

/** What was taken out of service on purpose is not brought back by a timer. */
const isNotOurs = (reason: string): boolean =>
  reason.startsWith('capability_violation:') || reason.startsWith('detection_enforcement:');

const isDue = ({ phase, dueAtMs }: Recovery, nowMs: number): boolean =>
  phase === 'waiting' && leftMs(dueAtMs, nowMs, LONGEST_MS) === 0;
const LONGEST_MS = Math.max(DELAY_MS_MAX, LONGEST_BACKOFF_MS);

const isUnderWay = ({ phase, attempt }: Recovery, which: number): boolean =>
  phase === 'trying' && attempt === which;

const scheduled = (
  id: string,
  { attempt, dueAtMs, reason }: Recovery,
  factId: string | null,
): RecoveryEvent => ({
  type: 'RecoveryScheduled',
  data: {
    mcp_server_id: id,
    attempt,
    attempts_max: RECOVERY_ATTEMPTS_MAX,
    due_at_ms: dueAtMs,
    reason: reason ?? '',
    cause_event_id: factId,
  },
});

const attempted = (id: string, { attempt }: Recovery): RecoveryEvent => ({
  type: 'RecoveryAttempted',
  data: { mcp_server_id: id, attempt },
});

const ended = (
  id: string,
  outcome: RecoveryOutcome,
  { attempt, reason }: Recovery,
  factId: string | null,
): RecoveryEvent => ({
  type: 'RecoveryEnded',
  data: {
    mcp_server_id: id,
    outcome,
    attempts: attempt,
    reason: reason ?? '',
    cause_event_id: factId,
  },
});

function evolve(state: Recovery, { type, data }: RecoveryEvent): Recovery {
  switch (type) {
    case 'RecoveryScheduled':
      return {
        phase: 'waiting',
        attempt: data.attempt,
        dueAtMs: data.due_at_ms,
        reason: data.reason,
        handled: withFact(state.handled, data.cause_event_id),
      };
    case 'RecoveryAttempted':
      return { ...state, phase: 'trying', attempt: data.attempt, dueAtMs: 0 };
    case 'RecoveryEnded':
      return { ...INITIAL, handled: withFact(state.handled, data.cause_event_id) };
  }
}
