/** What status pages say of one group, in one place for all of them. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { GroupState } from '../../domain/group/events.ts';
import type { GroupSpec, Strategy } from '../../domain/group/spec.ts';
import { nearest } from '../../domain/near-names.ts';
import { DISABLED, disabledFacts, type ServerFacts, type ServerState } from '../server-facts.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import { groupAsServer } from './group-as-server.ts';
import type { MemberFacts, ServerGroup } from './server-group.ts';

export interface GroupMemberFacts {
  readonly id: string;
  readonly state: ServerState;
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
  readonly state: GroupState | 'disabled';
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

/** Every configured group, also those that are switched off. */
export const allGroupFacts = (
  deps: UseCaseDeps,
  context: UseCaseContext,
): readonly GroupFacts[] => [
  ...deps.fleet.groups.map((group) => groupFactsOf(group, deps, context)),
  ...deps.fleet.disabledGroups.map((spec) => disabledGroupFacts(spec, deps)),
];

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

function disabledGroupFacts(spec: GroupSpec, { fleet, startedAtMs }: UseCaseDeps): GroupFacts {
  const stateOf = (id: string): ServerState =>
    fleet.servers.find((server) => server.spec.id === id)?.phase ?? 'disabled';
  return {
    id: spec.id,
    description: spec.description,
    state: 'disabled',
    stateSinceMs: startedAtMs,
    strategy: spec.strategy,
    minHealthy: spec.minHealthy,
    healthyCount: 0,
    totalCount: spec.members.length,
    isAvailable: false,
    isCircuitOpen: false,
    members: spec.members.map(({ id, weight, priority }) => ({
      id,
      state: stateOf(id),
      inRotation: false,
      weight,
      priority,
      consecutiveFailures: 0,
      inFlight: 0,
      lastSelectedAtMs: undefined,
      lastFailure: undefined,
    })),
    asServer: disabledFacts(spec, { mode: 'group', transport: 'group' }),
  };
}

/** @throws Fault GROUP_UNKNOWN, MCP_SERVER_DISABLED */
export function findGroup({ fleet }: UseCaseDeps, id: string): ServerGroup {
  const found = fleet.groups.find(({ spec }) => spec.id === id);
  if (found !== undefined) return found;
  if (fleet.disabledGroups.some((spec) => spec.id === id))
    throw new Fault('MCP_SERVER_DISABLED', `Group "${id}" is ${DISABLED}`, { data: { name: id } });
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
