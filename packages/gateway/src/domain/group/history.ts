/** What the log says of a group, and what it has to be told of a configuration that differs. */
import type { GroupEvent, GroupState } from './events.ts';
import type { GroupSpec } from './spec.ts';

interface MemberForm {
  readonly weight: number;
  readonly priority: number;
}

export interface GroupHistory {
  readonly strategy: string | undefined;
  readonly minHealthy: number;
  readonly members: ReadonlyMap<string, MemberForm>;
  /** Members that are out of rotation, and why. */
  readonly out: ReadonlyMap<string, string>;
  readonly state: GroupState;
  /** Of a circuit that is open; undefined where it is closed. */
  readonly retryAtMs: number | undefined;
}

const NO_MEMBERS: ReadonlyMap<string, MemberForm> = new Map();
const NOBODY: ReadonlyMap<string, string> = new Map();

export const NO_HISTORY: GroupHistory = {
  strategy: undefined,
  minHealthy: 0,
  members: NO_MEMBERS,
  out: NOBODY,
  state: 'inactive',
  retryAtMs: undefined,
};

export function evolveGroup(past: GroupHistory, { type, data }: GroupEvent): GroupHistory {
  switch (type) {
    case 'GroupCreated':
      return { ...past, strategy: data.strategy, minHealthy: data.min_healthy };
    case 'GroupUpdated':
      return { ...past, strategy: data.strategy, minHealthy: data.min_healthy };
    case 'GroupDeleted':
      return NO_HISTORY;
    case 'GroupMemberAdded': {
      const { weight, priority } = data;
      return { ...past, members: new Map(past.members).set(data.member_id, { weight, priority }) };
    }
    case 'GroupMemberRemoved': {
      const isOther = (id: string): boolean => id !== data.member_id;
      const members = new Map([...past.members].filter(([id]) => isOther(id)));
      return { ...past, members, out: new Map([...past.out].filter(([id]) => isOther(id))) };
    }
    case 'GroupMemberHealthChanged': {
      const out = new Map(past.out);
      if (data.in_rotation) out.delete(data.member_id);
      else out.set(data.member_id, data.reason);
      return { ...past, out };
    }
    case 'GroupStateChanged':
      return { ...past, state: data.new_state };
    case 'GroupCircuitOpened':
      return { ...past, retryAtMs: data.retry_at_ms };
    case 'GroupCircuitClosed':
      return { ...past, retryAtMs: undefined };
  }
}

/** What is new of the configuration of a group since the log was written. */
export function configured(past: GroupHistory, spec: GroupSpec): readonly GroupEvent[] {
  const group_id = spec.id;
  const form = { group_id, strategy: spec.strategy, min_healthy: spec.minHealthy };
  const isNew = past.strategy === undefined;
  const isChanged = past.strategy !== spec.strategy || past.minHealthy !== spec.minHealthy;
  const ids = new Set<string>(spec.members.map(({ id }) => id));
  const gone = [...past.members.keys()].filter((id) => !ids.has(id));
  const added = spec.members.filter(({ id, weight, priority }) => {
    const known = past.members.get(id);
    return known?.weight !== weight || known.priority !== priority;
  });
  return [
    ...(isNew ? [{ type: 'GroupCreated' as const, data: form }] : []),
    ...(isChanged && !isNew ? [{ type: 'GroupUpdated' as const, data: form }] : []),
    ...gone.map((member_id) => ({
      type: 'GroupMemberRemoved' as const,
      data: { group_id, member_id },
    })),
    ...added.map(({ id: member_id, weight, priority }) => ({
      type: 'GroupMemberAdded' as const,
      data: { group_id, member_id, weight, priority },
    })),
  ];
}
