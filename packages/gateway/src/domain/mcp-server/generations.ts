/** How the servers of one configuration become those of the next. */
import { specChange, type SpecChange } from './spec-change.ts';
import type { McpServerSpec } from './spec.ts';

/** What becomes of one server that is in the next configuration. */
export interface Step {
  readonly spec: McpServerSpec;
  /** Undefined where there was none of its id. */
  readonly change: SpecChange | undefined;
}

export interface GenerationDiff {
  /** In the order of the next configuration. */
  readonly steps: readonly Step[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  /** Of those updated: servers that stop, and start again with their next call. */
  readonly restarted: readonly string[];
}

/** Both from the configuration: what came into being in another way is none of its business. */
export function compareGenerations(
  old: readonly McpServerSpec[],
  next: readonly McpServerSpec[],
): GenerationDiff {
  const before = new Map(old.map((spec) => [spec.id, spec]));
  const steps = next.map((spec): Step => {
    const known = before.get(spec.id);
    return { spec, change: known === undefined ? undefined : specChange(known, spec) };
  });
  const ids = (matches: (step: Step) => boolean): readonly string[] =>
    steps.filter(matches).map(({ spec }) => spec.id);
  const after = new Set(next.map(({ id }) => id));
  return {
    steps,
    added: ids(({ change }) => change === undefined),
    removed: old.map(({ id }) => id).filter((id) => !after.has(id)),
    updated: ids(({ change }) => change !== undefined && change !== 'none'),
    unchanged: ids(({ change }) => change === 'none'),
    restarted: ids(({ spec, change }) => change === 'replaces' && spec.enabled),
  };
}
