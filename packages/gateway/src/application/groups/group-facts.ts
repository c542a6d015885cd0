/** What status pages say of one group, in one place for all of them. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { GroupState } from '../../domain/group/events.ts';
import type { Strategy } from '../../domain/group/spec.ts';
import type { McpServerPhase } from '../../domain/mcp-server/health.ts';
import { nearest } from '../../domain/near-names.ts';
import type { ServerFacts } from '../server-facts.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import { groupAsServer } from './group-as-server.ts';
import type { MemberFacts, ServerGroup } from './server-group.ts';

export interface GroupMemberFacts {
  readonly id: string;
  readonly state: McpServerPhase;
  readonly inRotation: boolean;
  readonly weight: number;
  readonly priority: number;
  readonly consecutiveFailures: number;
  readonly inFlight: number;
  readonly lastSelectedAtMs: number | undefined;
  /** What failed last; undefined when that is over. */
  readonly lastFailure: string | undefined;
}

export interface GroupFacts {
  readonly id: string;
  readonly description: string | undefined;
  readonly state: GroupState;
  readonly stateSinceMs: number;
  readonly strategy: Strategy;
  readonly minHealthy: number;
  /** Members in rotation. */
  readonly healthyCount: number;
  readonly totalCount: number;
  /** Whether a call would be given to a member now. */
  readonly isAvailable: boolean;
  readonly isCircuitOpen: boolean;
  readonly members: readonly GroupMemberFacts[];
  /** For pages that know servers only. */
  readonly asServer: ServerFacts;
}

export const allGroupFacts = (deps: UseCaseDeps, context: UseCaseContext): readonly GroupFacts[] =>
  deps.fleet.groups.map((group) => groupFactsOf(group, deps, context));

export function groupFactsOf(
  group: ServerGroup,
  deps: UseCaseDeps,
  context: UseCaseContext,
): GroupFacts {
  const { spec, facts } = group;
  return {
    id: spec.id,
    description: spec.description,
    state: group.state,
    stateSinceMs: group.stateSinceMs,
    strategy: spec.strategy,
    minHealthy: spec.minHealthy,
    healthyCount: group.healthyCount,
    totalCount: facts.length,
    isAvailable: group.isAvailable,
    isCircuitOpen: group.isCircuitOpen,
    members: facts.map(memberFactsOf),
    asServer: groupAsServer(group, deps, context),
  };
}

const memberFactsOf = (member: MemberFacts): GroupMemberFacts => ({
  id: member.spec.id,
  state: member.server.phase,
  inRotation: member.inRotation,
  weight: member.spec.weight,
  priority: member.spec.priority,
  consecutiveFailures: member.consecutiveFailures,
  inFlight: member.inFlight,
  lastSelectedAtMs: member.lastSelectedAtMs,
  lastFailure: member.server.lastFailure,
});

/** @throws Fault GROUP_UNKNOWN */
export function findGroup({ fleet }: UseCaseDeps, id: string): ServerGroup {
  const found = fleet.groups.find(({ spec }) => spec.id === id);
  if (found !== undefined) return found;
  const known = fleet.groups.map(({ spec }) => String(spec.id));
  const meant = nearest(id, known);
  const advice =
    meant !== undefined
      ? `did you mean "${meant}"?`
      : known.length === 0
        ? 'none is configured'
        : `there are ${known.slice(0, KNOWN_MAX).join(', ')}`;
  const data = { name: id, known: known.slice(0, KNOWN_MAX) };
  throw new Fault('GROUP_UNKNOWN', `There is no group "${id}"; ${advice}`, { data });
}
const KNOWN_MAX = 20;
