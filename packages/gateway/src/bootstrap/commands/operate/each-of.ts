import { exitCodeOf, Fault } from '@mcp-hangar/kernel/errors';
import { atMost } from '../../../application/at-most.ts';
import { advised } from '../../advised.ts';
import { tellFailure } from '../../outcome.ts';
import { progressOn } from '../../progress.ts';

/** Servers that are worked on at one time. */
const AT_ONE_TIME = 4;

export interface Outcomes<Outcome> {
  /** In the order of the ids. */
  readonly done: readonly Outcome[];
  readonly failed: readonly Failure[];
}

export interface Failure {
  readonly id: string;
  readonly error: Fault;
}

/**
 * Does the same for each of some servers, a few at one time; one that fails keeps nobody else from it. A terminal is
 * shown what is waited for.
 * @throws what is no Fault
 */
export async function eachOf<Outcome>(
  ids: readonly string[],
  work: (id: string, tell: (text: string) => void) => Promise<Outcome>,
): Promise<Outcomes<Outcome>> {
  const done = new Map<string, Outcome>();
  const failed = new Map<string, Fault>();
  const progress = progressOn([...ids].join(', '));
  try {
    await atMost(AT_ONE_TIME, ids, async (id) => {
      try {
        done.set(id, await work(id, (text) => progress.say(text)));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        failed.set(id, error);
      }
    });
  } finally {
    progress[Symbol.dispose]();
  }
  return {
    done: ids.flatMap((id) => (done.has(id) ? [done.get(id) as Outcome] : [])),
    failed: ids.flatMap((id) => {
      const fault = failed.get(id);
      return fault === undefined ? [] : [{ id, error: advised(fault) }];
    }),
  };
}

/** Failures as `--json` has them. */
export const failuresJson = (failed: readonly Failure[]): readonly unknown[] =>
  failed.map(({ id, error: { code, message, data } }) => ({ id, code, message, ...data }));

/** Says what failed. Answers the exit code: that of the first failure. */
export function tellFailures(failed: readonly Failure[]): number {
  for (const { error } of failed) tellFailure(error, false);
  const [first] = failed;
  return first === undefined ? 0 : exitCodeOf(first.error.code);
}
