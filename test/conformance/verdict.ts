/** What a run of the suite means, given what is known to be impossible. */
import type { Cell } from './cells.ts';
import type { Exception } from './exceptions.ts';
import type { Check, Revision, Scenario } from './suite.ts';

export interface Run {
  readonly cell: Cell;
  readonly wire: Revision;
  readonly scenarios: readonly Scenario[];
}

export interface Verdict {
  /** Scored checks that failed and that no exception names, a line each. */
  readonly unexpected: readonly string[];
  /** Exceptions for what did not fail. */
  readonly stale: readonly string[];
  /** Scored checks that failed as an exception says. */
  readonly excused: readonly string[];
  /** Failed checks of scenarios that the revision does not score. */
  readonly unscored: readonly string[];
}

/** Judges one run by the exceptions of its cell. */
export function judge(run: Run, exceptions: readonly Exception[]): Verdict {
  const ours = exceptions.filter(({ cell, wire }) => cell === run.cell && wire === run.wire);
  const failures = run.scenarios.flatMap((scenario) =>
    scenario.checks
      .filter(({ status }) => status === 'FAILURE')
      .map((check) => ({ scenario, check, excuse: ours.find(excuses(scenario, check)) })),
  );
  const linesOf = (kept: typeof failures): string[] =>
    kept.map(({ scenario, check }) => `${scenario.name} ${check.id}: ${check.errorMessage ?? ''}`);
  const scored = failures.filter(({ scenario }) => scenario.isScored);
  return {
    unexpected: linesOf(scored.filter(({ excuse }) => excuse === undefined)),
    excused: linesOf(scored.filter(({ excuse }) => excuse !== undefined)),
    unscored: linesOf(failures.filter(({ scenario }) => !scenario.isScored)),
    stale: ours
      .filter((exception) => !scored.some(({ excuse }) => excuse === exception))
      .map(({ scenario, check = 'every check' }) => `${scenario} ${check}: ${STALE}`),
  };
}

const STALE = 'stale exception, it did not fail';

const excuses =
  (scenario: Scenario, failed: Check) =>
  (exception: Exception): boolean =>
    exception.scenario === scenario.name &&
    (exception.check === undefined || exception.check === failed.id);
