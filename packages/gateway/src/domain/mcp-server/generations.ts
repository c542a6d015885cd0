/** How the servers and groups of one configuration become those of the next. */
import type { GroupSpec } from '../group/spec.ts';
import { isSame, specChange, type SpecChange } from './spec-change.ts';
import type { McpServerSpec } from './spec.ts';

/** What one configuration says of servers. */
export interface Generation {
  /** Those that only a group defines stand last. */
  readonly servers: readonly McpServerSpec[];
  readonly groups: readonly GroupSpec[];
}

/** What becomes of one server that is in the next configuration. */
export interface Step {
  readonly spec: McpServerSpec;
  /** Undefined where there was none of its id. */
  readonly change: SpecChange | undefined;
}

/** Ids are those of servers, members that only a group defines among them, and then those of groups. */
export interface GenerationDiff {
  /** In the order of the next configuration. */
  readonly steps: readonly Step[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** A group is another one where a member is. */
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  /** Of those updated: servers that stop, and start again with their next call. */
  readonly restarted: readonly string[];
  /** Which of all these ids are groups, or were. */
  readonly groups: readonly string[];
}

/** Both from the configuration: what came into being in another way is none of its business. */
export function compareGenerations(old: Generation, next: Generation): GenerationDiff {
  const before = new Map(old.servers.map((spec) => [spec.id, spec]));
  const steps = next.servers.map((spec): Step => {
    const known = before.get(spec.id);
    return { spec, change: known === undefined ? undefined : specChange(known, spec) };
  });
  const isStep = (matches: (step: Step) => boolean): readonly string[] =>
    steps.filter(matches).map(({ spec }) => spec.id);
  const [was, is] = [idsOf(old), idsOf(next)];
  const same = new Set([
    ...isStep(({ change }) => change === 'none'),
    ...sameGroups(old, next, steps),
  ]);
  return {
    steps,
    added: [...is].filter((id) => !was.has(id)),
    removed: [...was].filter((id) => !is.has(id)),
    updated: [...is].filter((id) => was.has(id) && !same.has(id)),
    unchanged: [...is].filter((id) => same.has(id)),
    restarted: isStep(({ spec, change }) => change === 'replaces' && spec.enabled),
    groups: [...new Set<string>([...old.groups, ...next.groups].map(({ id }) => id))],
  };
}

const idsOf = ({ servers, groups }: Generation): ReadonlySet<string> =>
  new Set<string>([...servers, ...groups].map(({ id }) => id));

function sameGroups(old: Generation, next: Generation, steps: readonly Step[]): readonly string[] {
  const touched = new Set(
    steps.filter(({ change }) => change !== 'none').map(({ spec }) => spec.id),
  );
  const isUntouched = (group: GroupSpec): boolean => {
    const known = old.groups.find(({ id }) => id === group.id);
    return isSame(known, group) && !group.members.some(({ id }) => touched.has(id));
  };
  return next.groups.filter(isUntouched).map(({ id }) => id);
}
