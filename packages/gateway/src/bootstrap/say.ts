/** What a person reads on stderr, beside the log. */
import { formatProblem, type ConfigProblem } from './config/problem.ts';

export const USER_ERROR = 1;
export const SYSTEM_ERROR = 2;

export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Answers the exit code. */
export function reportProblems(problems: readonly ConfigProblem[]): number {
  for (const problem of problems) say(formatProblem(problem));
  say(
    `${problems.length} problem${problems.length === 1 ? '' : 's'} in the configuration; nothing was started`,
  );
  return USER_ERROR;
}
