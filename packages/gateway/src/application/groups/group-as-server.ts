/** A group as the pages show it that know servers only. */
import { healthStatus, type Health, type McpServerPhase } from '../../domain/mcp-server/health.ts';
import { activityOf, type ServerActivity } from '../server-activity.ts';
import type { ServerFacts } from '../server-facts.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import type { ServerGroup } from './server-group.ts';

const BEST_FIRST: readonly McpServerPhase[] = ['ready', 'initializing', 'cold', 'degraded', 'dead'];

/** The phase of its best member. */
export function phaseOf({ members }: ServerGroup): McpServerPhase {
  const phases = new Set(members.map(({ phase }) => phase));
  return BEST_FIRST.find((phase) => phases.has(phase)) ?? 'dead';
}

export function groupAsServer(
  group: ServerGroup,
  deps: UseCaseDeps,
  { caller }: UseCaseContext,
): ServerFacts {
  const { spec, members, healthyCount } = group;
  const { asker, owner } = caller.user;
  const { tools } = deps.catalogs.offer(group, asker, owner);
  const { consecutiveFailures, lastSuccessAtMs } = healthOfAll(group);
  const phase = phaseOf(group);
  return {
    id: spec.id,
    state: phase,
    mode: 'group',
    transport: 'group',
    isAlive: members.some(({ isRunning }) => isRunning),
    toolsCount: tools.length,
    areToolsKnown:
      deps.catalogs.find(group, asker, owner) !== undefined || spec.predefinedTools !== undefined,
    healthStatus: group.state === 'healthy' ? healthStatus(phase, 0) : 'degraded',
    hasPredefinedTools: spec.predefinedTools !== undefined,
    description: spec.description,
    note: `${healthyCount} of ${members.length} members in rotation`,
    callsGoTo: undefined,
    lastUsedAtMs: lastSuccessAtMs,
    consecutiveFailures,
    circuit: undefined,
    cannotCross: [],
    queuedCount: [group, ...members].reduce((sum, one) => sum + deps.gate.queuedOf(one), 0),
    activity: activityOfAll(group, deps.clock.nowMs()),
  };
}

/** What the members have done together. */
export function healthOfAll({ members }: ServerGroup): Health {
  const all = members.map(({ health }) => health);
  const sum = (count: (health: Health) => number): number =>
    all.reduce((total, health) => total + count(health), 0);
  const last = (at: (health: Health) => number | undefined): number | undefined => {
    const times = all.flatMap((health) => at(health) ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  };
  return {
    consecutiveFailures: Math.min(...all.map((health) => health.consecutiveFailures)),
    totalInvocations: sum((health) => health.totalInvocations),
    totalFailures: sum((health) => health.totalFailures),
    lastSuccessAtMs: last((health) => health.lastSuccessAtMs),
    lastFailureAtMs: last((health) => health.lastFailureAtMs),
  };
}

function activityOfAll(group: ServerGroup, nowMs: number): ServerActivity {
  const all = group.members.map((member) => activityOf(member, nowMs));
  const failed = all.find(({ lastFailure }) => lastFailure !== undefined);
  return {
    stateSinceMs: group.stateSinceMs,
    inFlight: all.reduce((sum, { inFlight }) => sum + inFlight, 0),
    children: all.flatMap(({ children }) => children),
    lastFailure: failed?.lastFailure,
    suggestion: failed?.suggestion,
    next: undefined,
  };
}
