/** Failover of servers to their backups: what it hears, and where calls go meanwhile. */
import { McpServerEvent } from '../../domain/mcp-server/events.ts';
import type { FailoverEvent } from '../../domain/processes/failover-events.ts';
import {
  failoverOf,
  type Failover,
  type FailoverCommand,
} from '../../domain/processes/failover.ts';
import type { PendingStep } from '../../domain/processes/pending-step.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { Fact, ProcessDefinition } from './process-runner.ts';

export const FAILOVER = 'failover';

export function failoverProcess(
  servers: () => readonly McpServer[],
): ProcessDefinition<Failover, FailoverCommand, FailoverEvent> {
  const find = (id: string | undefined): McpServer | undefined =>
    servers().find(({ spec }) => spec.id === id);
  /** Undefined where the pair is not there any more. */
  const isDegraded = (id: string): boolean | undefined => {
    const server = find(id);
    if (server === undefined || find(server.spec.failover?.backup) === undefined) return undefined;
    return server.phase === 'degraded' || server.phase === 'dead';
  };
  return {
    name: FAILOVER,
    deciderOf: (id) => failoverOf(id, find(id)?.spec.failover),
    hears: (fact, nowMs) => heard(fact, nowMs, servers()),
    dueAtMs: ({ dueAtMs }) => (dueAtMs > 0 ? dueAtMs : undefined),
    due: (nowMs) => ({ type: 'due', nowMs }),
    resumed: (id, nowMs) => ({ type: 'resumed', isDegraded: isDegraded(id), nowMs }),
    followed: (id, nowMs, { isGone }) => {
      // One that goes on may be on its way back: what becomes of that it says itself.
      const known = isDegraded(id) !== undefined && !isGone(id) ? true : isDegraded(id);
      return { type: 'resumed', isDegraded: known, nowMs };
    },
    isHere: (id) => find(id) !== undefined,
    others: () => [],
    perform: (_id, event) => perform(event, find(event.data.backup_id)),
    reflect: (id, { phase, backup }) => {
      const server = find(id);
      if (server !== undefined) server.standIn = phase === 'idle' ? undefined : find(backup);
    },
    pending: pendingFailover,
  };
}

/** What of it is shown; undefined while calls go to the server itself. */
export const pendingFailover = (id: string, state: Failover): PendingStep | undefined =>
  state.phase === 'idle'
    ? undefined
    : {
        process: FAILOVER,
        subject: id,
        status: state.phase,
        attempt: undefined,
        attemptsMax: undefined,
        dueAtMs: state.dueAtMs > 0 ? state.dueAtMs : undefined,
        reason: `calls go to "${state.backup}": ${state.reason ?? ''}`,
      };

async function perform(event: FailoverEvent, backup: McpServer | undefined): Promise<undefined> {
  if (event.type === 'FailoverStarted') await backup?.warm();
  const isOver = event.type === 'FailoverEnded' && event.data.outcome === 'failed_back';
  // Whoever uses it under its own name goes on; unused, it is stopped for being idle.
  const isUnused = backup?.running.every((child) => !child.isHeld) === true;
  if (isOver && isUnused) await backup.stop('failback');
}

/** A pair hears of its server, and of a person who stops its backup. */
function heard(
  fact: Fact,
  nowMs: number,
  servers: readonly McpServer[],
): { readonly id: string; readonly command: FailoverCommand } | undefined {
  if (!HEARD.has(fact.type)) return undefined;
  const known = McpServerEvent.safeParse(fact);
  if (!known.success) return undefined;
  const { type, data } = known.data;
  const isPair = ({ spec: { id, failover } }: McpServer): boolean =>
    failover !== undefined && (id === data.mcp_server_id || failover.backup === data.mcp_server_id);
  const id = servers.find(isPair)?.spec.id;
  if (id === undefined) return undefined;
  const at = { factId: fact.id, nowMs };
  if (type === 'McpServerStopped')
    return data.reason === 'user_request' ? { id, command: { type: 'stopped', ...at } } : undefined;
  if (id !== data.mcp_server_id) return undefined;
  return type === 'McpServerDegraded'
    ? { id, command: { type: 'degraded', reason: data.reason, ...at } }
    : { id, command: { type: 'runs', ...at } };
}

const HEARD: ReadonlySet<string> = new Set([
  'McpServerDegraded',
  'McpServerStarted',
  'McpServerFailuresCleared',
  'McpServerStopped',
]);
