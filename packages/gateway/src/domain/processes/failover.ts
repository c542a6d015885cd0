/**
 * The failover of one server to its backup: `idle → active → failing_back → idle`, each change one event.
 *
 * | phase | where calls go |
 * |---|---|
 * | idle | to the server |
 * | active | to the backup: the server is degraded |
 * | failing_back | still to the backup: the server runs again, and has to keep doing so for a while |
 *
 * Invariants
 * 1. Calls go to the backup only while it is active or fails back; a backup has none of its own.
 * 2. With `autoFailback` each phase but `idle` has a time at which it ends by itself: nothing stays away for ever.
 * 3. A fact that was handled does nothing when it comes again.
 */
import type { Decider } from '@mcp-hangar/kernel/decider';
import { ok } from '@mcp-hangar/kernel/result';
import { leftMs } from '../due-time.ts';
import type { FailoverEvent, FailoverOutcome } from './failover-events.ts';
import { withFact } from './handled-facts.ts';

export interface FailoverPair {
  readonly backup: string;
  readonly autoFailback: boolean;
  /** How long the server has to run before calls go to it again. */
  readonly failbackDelayMs: number;
}

/** Where nothing is heard of the server for so long, a call tries it. */
const EXPIRY_MS = 3_600_000;

export interface Failover {
  readonly phase: 'idle' | 'active' | 'failing_back';
  readonly backup: string | undefined;
  readonly reason: string | undefined;
  /** When the phase ends by itself; 0 = it does not. Milliseconds since the Unix epoch. */
  readonly dueAtMs: number;
  readonly handled: readonly string[];
}

interface FactAt {
  readonly factId: string;
  readonly nowMs: number;
}

export type FailoverCommand =
  | ({ readonly type: 'degraded'; readonly reason: string } & FactAt)
  /** The server was started, or answers. */
  | ({ readonly type: 'runs' } & FactAt)
  /** A person stopped the server, or its backup. */
  | ({ readonly type: 'stopped' } & FactAt)
  | { readonly type: 'due'; readonly nowMs: number }
  /** The gateway was started again. @param isDegraded undefined where the server or its backup is not configured any more */
  | { readonly type: 'resumed'; readonly isDegraded: boolean | undefined; readonly nowMs: number };

const INITIAL: Failover = {
  phase: 'idle',
  backup: undefined,
  reason: undefined,
  dueAtMs: 0,
  handled: [],
};

/** @param pair undefined where none is configured: then nothing begins, and what was begun ends */
export function failoverOf(
  id: string,
  pair: FailoverPair | undefined,
): Decider<FailoverCommand, Failover, FailoverEvent, never> {
  return {
    initial: INITIAL,
    decide: (command, state) => ok(decide({ id, pair }, command, state)),
    evolve,
  };
}

interface Whose {
  readonly id: string;
  readonly pair: FailoverPair | undefined;
}

function decide(whose: Whose, command: FailoverCommand, state: Failover): readonly FailoverEvent[] {
  if ('factId' in command && state.handled.includes(command.factId)) return [];
  switch (command.type) {
    case 'degraded':
      return degraded(whose, command, state);
    case 'runs':
      return state.phase === 'active' ? failback(whose, command, state) : [];
    case 'stopped':
      return state.phase === 'idle' ? [] : [ended(whose, 'cancelled', state, command.factId)];
    case 'due':
      if (!isDue(whose, state, command.nowMs)) return [];
      return [ended(whose, state.phase === 'active' ? 'expired' : 'failed_back', state, null)];
    case 'resumed':
      return resumed(whose, command, state);
  }
}

function degraded(
  { id, pair }: Whose,
  { reason, factId, nowMs }: Extract<FailoverCommand, { type: 'degraded' }>,
  state: Failover,
): readonly FailoverEvent[] {
  if (pair === undefined || state.phase === 'active') return [];
  const data = {
    mcp_server_id: id,
    backup_id: pair.backup,
    reason,
    expires_at_ms: pair.autoFailback ? nowMs + EXPIRY_MS : 0,
    cause_event_id: factId,
  };
  return [{ type: state.phase === 'idle' ? 'FailoverStarted' : 'FailbackCancelled', data }];
}

function failback(
  { id, pair }: Whose,
  { nowMs, factId = null }: { readonly nowMs: number; readonly factId?: string | null },
  { backup = '' }: Failover,
): readonly FailoverEvent[] {
  if (pair?.autoFailback !== true) return [];
  const data = {
    mcp_server_id: id,
    backup_id: backup,
    due_at_ms: nowMs + pair.failbackDelayMs,
    cause_event_id: factId,
  };
  return [{ type: 'FailbackScheduled', data }];
}

function resumed(
  whose: Whose,
  { isDegraded, nowMs }: Extract<FailoverCommand, { type: 'resumed' }>,
  state: Failover,
): readonly FailoverEvent[] {
  if (state.phase === 'idle') return [];
  const isPaired = isDegraded !== undefined && whose.pair?.backup === state.backup;
  if (!isPaired) return [ended(whose, 'cancelled', state, null)];
  // It ran when the gateway ended: nobody says so again.
  return state.phase === 'active' && !isDegraded ? failback(whose, { nowMs }, state) : [];
}

function isDue({ pair }: Whose, { phase, dueAtMs }: Failover, nowMs: number): boolean {
  if (phase === 'idle' || dueAtMs === 0) return false;
  const longestMs = phase === 'active' ? EXPIRY_MS : (pair?.failbackDelayMs ?? 0);
  return leftMs(dueAtMs, nowMs, longestMs) === 0;
}

const ended = (
  { id }: Whose,
  outcome: FailoverOutcome,
  { backup = '' }: Failover,
  factId: string | null,
): FailoverEvent => ({
  type: 'FailoverEnded',
  data: { mcp_server_id: id, backup_id: backup, outcome, cause_event_id: factId },
});

function evolve(state: Failover, { type, data }: FailoverEvent): Failover {
  const handled = withFact(state.handled, data.cause_event_id);
  switch (type) {
    case 'FailoverStarted':
    case 'FailbackCancelled':
      return {
        phase: 'active',
        backup: data.backup_id,
        reason: data.reason,
        dueAtMs: data.expires_at_ms,
        handled,
      };
    case 'FailbackScheduled':
      return { ...state, phase: 'failing_back', dueAtMs: data.due_at_ms, handled };
    case 'FailoverEnded':
      return { ...INITIAL, handled };
  }
}
