/** The recovery of degraded servers: what it hears, and what it does. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { McpServerEvent } from '../../domain/mcp-server/events.ts';
import type { PendingStep } from '../../domain/processes/pending-step.ts';
import type { RecoveryEvent } from '../../domain/processes/recovery-events.ts';
import {
  RECOVERY_ATTEMPTS_MAX,
  recoveryOf,
  type Recovery,
  type RecoveryCommand,
} from '../../domain/processes/recovery.ts';
import type { Clock } from '../ports.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { Fact, ProcessDefinition } from './process-runner.ts';

export const RECOVERY = 'recovery';

export interface RecoveryWorld {
  readonly clock: Clock;
  /** The servers that may be used now. */
  readonly servers: () => readonly McpServer[];
}

export function recoveryProcess({
  clock,
  servers,
}: RecoveryWorld): ProcessDefinition<Recovery, RecoveryCommand, RecoveryEvent> {
  const find = (id: string): McpServer | undefined => servers().find(({ spec }) => spec.id === id);
  return {
    name: RECOVERY,
    deciderOf: recoveryOf,
    hears: (fact, nowMs) => heard(fact, nowMs, find),
    dueAtMs: ({ phase, dueAtMs }) => (phase === 'waiting' ? dueAtMs : undefined),
    due: (nowMs) => ({ type: 'due', nowMs }),
    resumed: (id, nowMs) => {
      const server = find(id);
      const degradedBy = server?.phase === 'degraded' ? (server.lastFailure ?? '') : undefined;
      return { type: 'resumed', degradedBy, nowMs };
    },
    isHere: (id) => find(id) !== undefined,
    followed: (id, nowMs, { isGone }) =>
      isGone(id) ? { type: 'resumed', degradedBy: undefined, nowMs } : undefined,
    others: () => servers().flatMap(({ phase, spec }) => (phase === 'degraded' ? [spec.id] : [])),
    perform: (id, event) => {
      const server = find(id);
      if (server === undefined) return undefined;
      if (event.type === 'RecoveryAttempted') return attempt(server, event.data.attempt, clock);
      const isGivenUp = event.type === 'RecoveryEnded' && event.data.outcome === 'gave_up';
      if (isGivenUp && server.phase === 'degraded') server.giveUp();
      return undefined;
    },
    pending: pendingRecovery,
  };
}

/** What of it is shown; undefined while it has nothing to do. */
export const pendingRecovery = (id: string, state: Recovery): PendingStep | undefined =>
  state.phase === 'idle'
    ? undefined
    : {
        process: RECOVERY,
        subject: id,
        status: state.phase,
        attempt: state.attempt,
        attemptsMax: RECOVERY_ATTEMPTS_MAX,
        dueAtMs: state.phase === 'waiting' ? state.dueAtMs : undefined,
        reason: state.reason ?? '',
      };

/** It obeys the lifecycle: what comes before the back-off is over comes again when it is. */
async function attempt(
  server: McpServer,
  which: number,
  clock: Clock,
): Promise<RecoveryCommand | undefined> {
  if (server.phase !== 'degraded') return undefined; // a call came first
  try {
    await server.warm();
    return undefined;
  } catch (error) {
    const nowMs = clock.nowMs();
    const code = error instanceof Fault ? error.code : undefined;
    // What it began ended with it; another series may have begun with its successor.
    if (code === 'GATEWAY_STOPPING' || server.isRetired) return undefined;
    const waitMs = server.retryInMs;
    if (code === 'MCP_SERVER_BACKING_OFF')
      return { type: 'postponed', attempt: which, waitMs, nowMs };
    return { type: 'attempt-failed', attempt: which, reason: messageOf(error), nowMs };
  }
}

function heard(
  fact: Fact,
  nowMs: number,
  find: (id: string) => McpServer | undefined,
): { readonly id: string; readonly command: RecoveryCommand } | undefined {
  if (!HEARD.has(fact.type)) return undefined;
  const known = McpServerEvent.safeParse(fact);
  if (!known.success) return undefined;
  const { type, data } = known.data;
  const { mcp_server_id: id } = data;
  const factId = fact.id;
  if (type === 'McpServerDegraded') {
    const waitMs = find(id)?.retryInMs ?? 0;
    return { id, command: { type: 'degraded', factId, reason: data.reason, nowMs, waitMs } };
  }
  if (type !== 'McpServerStopped') return { id, command: { type: 'cleared', factId } };
  if (data.reason === 'max_retries_exceeded') return undefined; // its own doing
  return { id, command: { type: 'stopped', factId } };
}

const HEARD: ReadonlySet<string> = new Set([
  'McpServerDegraded',
  'McpServerFailuresCleared',
  'McpServerStopped',
]);
