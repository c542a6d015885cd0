/** Servers as operators' commands get them: members are added, never renamed or removed. */
import { z } from 'zod';
import { isObject } from '../../domain/protocol/json-rpc.ts';
import type { GroupFacts } from '../groups/group-facts.ts';
import type { McpServerDetails } from '../queries/get-mcp-server.ts';
import type { GatewayStatus } from '../queries/get-status.ts';
import type { ChildFacts, NextTransition } from '../server-activity.ts';
import type { ServerFacts } from '../server-facts.ts';
import { GroupRow, groupRow } from './groups-report.ts';

const time = z.iso.datetime();

export const ServerRow = z.object({
  id: z.string(),
  description: z.string().nullable(),
  /** How it is reached: `stdio` or `http`. */
  transport: z.string(),
  mode: z.string(),
  enabled: z.boolean(),
  state: z.string(),
  /** When the state changed last, at the earliest when the gateway began. */
  state_since: time.nullable(),
  health: z.string(),
  /** Null while it is not known which it has. */
  tools: z.number().nullable(),
  in_flight: z.number(),
  /** Calls that wait for a place among those that run. */
  queued: z.number(),
  processes: z.array(
    z.object({
      /** Null where it is a connection to a remote server. */
      pid: z.number().nullable(),
      started_at: time,
      last_used_at: time,
      in_flight: z.number(),
    }),
  ),
  last_used_at: time.nullable(),
  consecutive_failures: z.number(),
  last_error: z.string().nullable(),
  suggestion: z.string().nullable(),
  /** The backup that gets its calls now; null while it gets them itself. */
  calls_go_to: z.string().nullable().default(null),
  next: z.object({ kind: z.string(), at: time, attempt: z.number().nullable() }).nullable(),
  /** How its members do, where it is a group. */
  group: GroupRow.optional(),
  /** Null where no circuit breaker is configured. */
  circuit_breaker: z
    .object({
      state: z.string(),
      trips: z.number(),
      failures: z.number(),
      opened_by: z.string().nullable(),
      retry_at: time.nullable(),
    })
    .nullable()
    .default(null),
  cannot_cross: z.array(z.object({ clients: z.string(), feature: z.string(), reason: z.string() })),
});
export type ServerRow = z.infer<typeof ServerRow>;

export const ServersReport = z.object({
  as_of: time,
  uptime_s: z.number(),
  /** Why what is to outlive the gateway is not kept just now; absent where it is. */
  state_problem: z.string().optional(),
  servers: z.array(ServerRow),
});
export type ServersReport = z.infer<typeof ServersReport>;

export const ServerReport = z.object({
  as_of: time,
  server: ServerRow.extend({
    /** Command line or address, without secrets. */
    target: z.string().nullable(),
    era: z.string().nullable(),
    /** What it calls itself. */
    name: z.string().nullable(),
    version: z.string().nullable(),
    hidden_tools: z.number(),
    calls: z.object({
      total: z.number(),
      failed: z.number(),
      last_success_at: time.nullable(),
      last_failure_at: time.nullable(),
    }),
  }),
});
export type ServerReport = z.infer<typeof ServerReport>;

export const serversReport = ({
  servers,
  groups,
  nowMs,
  uptimeMs,
  stateProblem,
}: GatewayStatus): ServersReport => ({
  as_of: iso(nowMs),
  uptime_s: Math.round(uptimeMs / 1_000),
  ...(stateProblem === undefined ? {} : { state_problem: stateProblem }),
  servers: [...servers.map(rowOf), ...groups.map(rowOfGroup)],
});

export function serverReport(details: McpServerDetails): ServerReport {
  const { facts, nowMs, hello, era, target, hiddenToolsCount, health, group } = details;
  const info = isObject(hello?.['serverInfo']) ? hello['serverInfo'] : {};
  return {
    as_of: iso(nowMs),
    server: {
      ...(group === undefined ? rowOf(facts) : rowOfGroup(group)),
      target: target ?? null,
      era: era ?? null,
      name: textOrNull(info['name']),
      version: textOrNull(info['version']),
      hidden_tools: hiddenToolsCount,
      calls: {
        total: health.totalInvocations,
        failed: health.totalFailures,
        last_success_at: isoOrNull(health.lastSuccessAtMs),
        last_failure_at: isoOrNull(health.lastFailureAtMs),
      },
    },
  };
}

/** A group as one server, in the state of the group; one with which all is well is cold while nothing of it runs. */
function rowOfGroup(group: GroupFacts): ServerRow {
  const { asServer, state } = group;
  const isCold = state === 'healthy' && asServer.state === 'cold';
  return { ...rowOf(asServer), state: isCold ? 'cold' : state, group: groupRow(group) };
}

function rowOf(facts: ServerFacts): ServerRow {
  const { activity } = facts;
  return {
    id: facts.id,
    description: facts.description ?? null,
    transport: facts.transport,
    mode: facts.mode,
    enabled: facts.state !== 'disabled',
    state: facts.state,
    state_since: isoOrNull(activity?.stateSinceMs),
    health: facts.healthStatus,
    tools: facts.areToolsKnown ? facts.toolsCount : null,
    in_flight: activity?.inFlight ?? 0,
    queued: facts.queuedCount,
    processes: (activity?.children ?? []).map(processOf),
    last_used_at: isoOrNull(facts.lastUsedAtMs),
    consecutive_failures: facts.consecutiveFailures,
    last_error: activity?.lastFailure ?? null,
    suggestion: activity?.suggestion ?? null,
    calls_go_to: facts.callsGoTo ?? null,
    next: nextOf(activity?.next),
    circuit_breaker: circuitRow(facts.circuit),
    cannot_cross: [...facts.cannotCross],
  };
}

const circuitRow = (circuit: ServerFacts['circuit']): ServerRow['circuit_breaker'] =>
  circuit === undefined
    ? null
    : {
        state: circuit.state,
        trips: circuit.trips,
        failures: circuit.failures,
        opened_by: circuit.openedBy ?? null,
        retry_at: isoOrNull(circuit.retryAtMs),
      };

const processOf = (child: ChildFacts): ServerRow['processes'][number] => ({
  pid: child.pid ?? null,
  started_at: iso(child.startedAtMs),
  last_used_at: iso(child.lastUsedAtMs),
  in_flight: child.inFlight,
});

function nextOf(next: NextTransition | undefined): ServerRow['next'] {
  if (next === undefined) return null;
  const { kind, atMs } = next;
  return { kind, at: iso(atMs), attempt: kind === 'retry' ? next.attempt : null };
}

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : iso(ms));
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
