/** What a person reads on stderr, beside the log. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import type { Logger } from '../application/ports.ts';
import { formatProblem, type ConfigProblem } from './config/problem.ts';

export const USER_ERROR = 1;
export const SYSTEM_ERROR = 2;
/** No gateway runs for the configuration. */
export const NOT_RUNNING = 3;

export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** A defect goes to the log; on stderr it stands where this process has no gateway, so no log. */
export function tellDefect(error: unknown, logger: Logger | undefined): void {
  if (logger === undefined) say(`mcp-hangar: defect: ${stackOf(error)}`);
  else logger.error({ error: stackOf(error) }, 'defect');
}

/** Answers the exit code. */
export function reportProblems(problems: readonly ConfigProblem[]): number {
  for (const problem of problems) say(formatProblem(problem));
  say(
    `${problems.length} problem${problems.length === 1 ? '' : 's'} in the configuration; nothing was started`,
  );
  return USER_ERROR;
}
