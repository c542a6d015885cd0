/** A group with every default, for tests. */
import type { GroupMemberSpec, GroupSpec } from '../src/domain/group/spec.ts';
import { McpServerId } from '../src/domain/mcp-server/spec.ts';

export interface GroupPart extends Partial<Omit<GroupSpec, 'id' | 'members'>> {
  readonly id?: string;
  /** Ids, or as much of a member as matters. */
  readonly members: readonly (
    | string
    | (Partial<Omit<GroupMemberSpec, 'id'>> & { readonly id: string })
  )[];
}

export const groupSpecOf = ({ id = 'pool', members, ...part }: GroupPart): GroupSpec => ({
  id: McpServerId.parse(id),
  description: undefined,
  enabled: true,
  members: members.map((member) => {
    const given = typeof member === 'string' ? { id: member } : member;
    return { weight: 1, priority: 1, isInline: true, ...given, id: McpServerId.parse(given.id) };
  }),
  strategy: 'round_robin',
  minHealthy: 1,
  autoStart: true,
  health: { unhealthyThreshold: 2, healthyThreshold: 1 },
  breaker: { failureThreshold: 10, resetTimeoutMs: 60_000 },
  canary: undefined,
  affinity: undefined,
  failoverMembersMax: 2,
  hedgeAfterMs: undefined,
  callTimeoutMs: 1_000,
  execution: undefined,
  predefinedTools: undefined,
  hiddenTools: [],
  ...part,
});
