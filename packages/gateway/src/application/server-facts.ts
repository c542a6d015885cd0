/** What status pages say of one server, in one place for all of them. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { backoffMs } from '../domain/mcp-server/backoff.ts';
import {
  healthStatus,
  type Health,
  type HealthStatus,
  type McpServerPhase,
} from '../domain/mcp-server/health.ts';
import { modeOf, type McpServerSpec } from '../domain/mcp-server/spec.ts';
import { cannotCross, type CannotCross } from '../domain/protocol/crossing.ts';
import type { Era } from '../domain/protocol/revisions.ts';
import type { ServerGroup } from './groups/server-group.ts';
import { activityOf, transportOf, type ServerActivity } from './server-activity.ts';
import { circuitNote, circuitOf, type CircuitFacts } from './servers/circuit-facts.ts';
import type { McpServer } from './servers/mcp-server.ts';
import { calleeOf, standInOf } from './servers/stand-in.ts';
import { unknownFault } from './servers/unknown-fault.ts';
import type { UseCaseContext, UseCaseDeps } from './use-case.ts';

export type ServerState = McpServerPhase | 'disabled';

export interface ServerFacts {
  readonly id: string;
  readonly state: ServerState;
  readonly mode: string;
  readonly transport: string;
  readonly isAlive: boolean;
  /** Of the tools that are known. */
  readonly toolsCount: number;
  /** False while it was not asked for its tools, and the configuration does not say them. */
  readonly areToolsKnown: boolean;
  readonly healthStatus: HealthStatus;
  readonly hasPredefinedTools: boolean;
  readonly description: string | undefined;
  /** Why it does not run, where there is something to say. */
  readonly note: string | undefined;
  /** Id of the backup that gets its calls now; undefined while it gets them itself. */
  readonly callsGoTo: string | undefined;
  readonly lastUsedAtMs: number | undefined;
  readonly consecutiveFailures: number;
  /** Its circuit breaker; undefined where none is configured. */
  readonly circuit: CircuitFacts | undefined;
  /** What it has that clients of one era do not get; empty while it is not known which eras it speaks. */
  readonly cannotCross: readonly CannotCross[];
  /** Calls that wait for a place among those that run. */
  readonly queuedCount: number;
  /** Undefined for one that is switched off. */
  readonly activity: ServerActivity | undefined;
}

/** Every configured server that is shown under its own id, also those that are switched off. */
export function allFacts(deps: UseCaseDeps, context: UseCaseContext): readonly ServerFacts[] {
  return [
    ...deps.fleet.standalone.map((server) => factsOf(server, deps, context)),
    ...deps.fleet.disabled.map((spec) =>
      disabledFacts(spec, { mode: modeOf(spec), transport: transportOf(spec) }),
    ),
  ];
}

export function factsOf(
  server: McpServer,
  deps: UseCaseDeps,
  { caller }: UseCaseContext,
): ServerFacts {
  const { spec, phase, health } = server;
  const { asker, owner } = caller.user;
  const { tools } = deps.catalogs.offer(server, asker, owner);
  const catalog = deps.catalogs.find(server, asker, owner);
  return {
    id: spec.id,
    state: phase,
    mode: modeOf(spec),
    transport: transportOf(spec),
    isAlive: server.running.length > 0,
    toolsCount: tools.length,
    areToolsKnown: catalog !== undefined || spec.predefinedTools !== undefined,
    healthStatus: healthStatus(phase, health.consecutiveFailures),
    hasPredefinedTools: spec.predefinedTools !== undefined,
    description: spec.description,
    note:
      standInNote(server, deps.clock.nowMs()) ??
      circuitNote(server) ??
      noteOf(server, deps.catalogs.problemOf(server)),
    callsGoTo: otherCallee(server, deps.clock.nowMs()),
    lastUsedAtMs: lastUse(server),
    consecutiveFailures: health.consecutiveFailures,
    circuit: circuitOf(server, deps.clock.nowMs()),
    cannotCross: cannotCross({ speaks: erasOf(server), hello: catalog?.hello, tools }),
    queuedCount: deps.gate.queuedOf(server),
    activity: activityOf(server, deps.clock.nowMs()),
  };
}

/** The eras in which its clients are served; none while it was not asked for one of them. */
function erasOf(server: McpServer): readonly Era[] {
  const served = [server.eraFor('legacy'), server.eraFor('modern')];
  const known = served.filter((era) => era !== 'unknown');
  return known.length === served.length ? known : [];
}

/** A server or a group that is switched off. */
export function disabledFacts(
  spec: Pick<McpServerSpec, 'id' | 'description' | 'predefinedTools'>,
  how: Pick<ServerFacts, 'mode' | 'transport'>,
): ServerFacts {
  return {
    id: spec.id,
    state: 'disabled',
    ...how,
    isAlive: false,
    toolsCount: 0,
    areToolsKnown: false,
    healthStatus: 'unknown',
    hasPredefinedTools: spec.predefinedTools !== undefined,
    description: spec.description,
    note: DISABLED,
    callsGoTo: undefined,
    lastUsedAtMs: undefined,
    consecutiveFailures: 0,
    circuit: undefined,
    cannotCross: [],
    queuedCount: 0,
    activity: undefined,
  };
}

function otherCallee(server: McpServer, nowMs: number): string | undefined {
  const callee = calleeOf(server, () => nowMs);
  return callee === server ? undefined : callee.spec.id;
}

function standInNote(server: McpServer, nowMs: number): string | undefined {
  const standIn = standInOf(server, nowMs);
  if (standIn === undefined) return undefined;
  if (calleeOf(server, () => nowMs) === server)
    return `its backup "${standIn.spec.id}" cannot take its calls: ${standIn.lastFailure ?? 'its circuit is open'}`;
  const why = server.lastFailure ?? circuitNote(server);
  return `its calls go to "${standIn.spec.id}"${why === undefined ? '' : `: ${why}`}`;
}

export const DISABLED = 'disabled in the configuration (enabled: false)';

function noteOf(server: McpServer, listProblem: string | undefined): string | undefined {
  switch (server.phase) {
    case 'ready':
      return listProblem === undefined ? undefined : `its lists are missing: ${listProblem}`;
    case 'cold':
      return 'starts with its first call';
    case 'initializing':
      return 'is starting';
    case 'degraded':
    case 'dead':
      return server.lastFailure;
  }
}

function lastUse({ running, health }: McpServer): number | undefined {
  const uses = running.map((child) => child.lastUsedAtMs);
  if (health.lastSuccessAtMs !== undefined) uses.push(health.lastSuccessAtMs);
  return uses.length === 0 ? undefined : Math.max(...uses);
}

/** Whether a call now would try to start the server instead of being told to wait. */
export function canRetry(phase: McpServerPhase, health: Health, nowMs: number): boolean {
  const { consecutiveFailures, lastFailureAtMs } = health;
  if ((phase !== 'dead' && phase !== 'degraded') || lastFailureAtMs === undefined) return true;
  return nowMs >= lastFailureAtMs + backoffMs(consecutiveFailures, NO_JITTER);
}
const NO_JITTER = 0.5;

/** What can be called under an id: a server or a group. @throws Fault MCP_SERVER_UNKNOWN, MCP_SERVER_DISABLED */
export const findUpstream = (deps: UseCaseDeps, id: string): McpServer | ServerGroup =>
  deps.fleet.groups.find(({ spec }) => spec.id === id) ?? findServer(deps, id);

/**
 * The same for those whose tools may be called. A server that only a group defines has the limits of the group around it:
 * it is called through the group.
 * @throws Fault MCP_SERVER_UNKNOWN, MCP_SERVER_DISABLED
 */
export function findCallable(deps: UseCaseDeps, id: string): McpServer | ServerGroup {
  const group = deps.fleet.groups.find(({ inlineIds }) => inlineIds.includes(id));
  if (group === undefined) return findUpstream(deps, id);
  const { id: groupId } = group.spec;
  const detail = `MCP server "${id}" is a member of group "${groupId}" only; call the group`;
  throw new Fault('MCP_SERVER_UNKNOWN', detail, { data: { name: id, meant: groupId } });
}

/** @throws Fault MCP_SERVER_UNKNOWN, MCP_SERVER_DISABLED */
export function findServer({ fleet }: UseCaseDeps, id: string): McpServer {
  const { servers, disabled, disabledGroups, groups } = fleet;
  const server = servers.find(({ spec }) => spec.id === id);
  if (server !== undefined) return server;
  if (disabled.some((spec) => spec.id === id)) {
    throw new Fault('MCP_SERVER_DISABLED', `MCP server "${id}" is ${DISABLED}`, {
      data: { name: id },
    });
  }
  if (disabledGroups.some((spec) => spec.id === id))
    throw new Fault('MCP_SERVER_DISABLED', `Group "${id}" is ${DISABLED}`, { data: { name: id } });
  const group = groups.find(({ spec }) => spec.id === id);
  if (group !== undefined) {
    const members = group.members.map(({ spec }) => spec.id).join(', ');
    const detail = `"${id}" is a group of MCP servers; name one of its members (${members})`;
    throw new Fault('MCP_SERVER_UNKNOWN', detail, { data: { name: id } });
  }
  throw unknownFault(
    id,
    [...fleet.standalone, ...groups].map(({ spec }) => spec.id),
  );
}
