/** How a command ends that could not do what it was asked for: a sentence on stderr, JSON where that was asked for. */
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { exitCodeOf, Fault } from '@mcp-hangar/kernel/errors';
import { formatProblem, type ConfigProblem } from './config/problem.ts';
import { say, SYSTEM_ERROR } from './say.ts';

/** Every problem of a configuration, one line each. */
export function configFault(
  problems: readonly ConfigProblem[],
  code: 'CONFIG_INVALID' | 'CONFIG_MISSING' = 'CONFIG_INVALID',
  consequence = 'nothing was started',
): Fault {
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'} in the configuration`;
  const lines = [...problems.map(formatProblem), `${count}; ${consequence}`];
  return new Fault(code, lines.join('\n'), { data: { problems } });
}

/** Says what a command threw, with what to do about it where `data.fix` tells. Answers the exit code. */
export function tellFailure(error: unknown, isJson: boolean): number {
  if (!(error instanceof Fault)) {
    say(`mcp-hangar: defect: ${stackOf(error)}`);
    if (isJson) printError({ code: 'GATEWAY_DEFECT', message: 'a defect of mcp-hangar' });
    return SYSTEM_ERROR;
  }
  const { code, message, data } = error;
  const fix = typeof data?.['fix'] === 'string' ? data['fix'] : undefined;
  // Problems of a file begin with its name.
  say(data?.['problems'] !== undefined ? message : `mcp-hangar: ${message}`);
  if (fix !== undefined) say(`  ${fix}`);
  if (isJson) printError({ code, message, ...data });
  return exitCodeOf(code);
}

const printError = (error: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify({ error })}\n`);
