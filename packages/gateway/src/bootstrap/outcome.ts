/** How a command ends that could not do what it was asked for: a sentence on stderr, JSON where that was asked for. */
import { messageOf, stackOf } from '@mcp-hangar/kernel/error-text';
import { exitCodeOf, Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import { REMEDIES } from '@mcp-hangar/kernel/remedies';
import { formatProblem, type ConfigProblem } from './config/problem.ts';
import { SYSTEM_ERROR } from './exit-codes.ts';
import { say } from './say.ts';

/** Every problem of a configuration, one line each. */
export function configFault(
  problems: readonly ConfigProblem[],
  code: 'CONFIG_INVALID' | 'CONFIG_MISSING' = 'CONFIG_INVALID',
  consequence?: string,
): Fault {
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'} in the configuration`;
  const end = consequence === undefined ? count : `${count}; ${consequence}`;
  const lines = [...problems.map(formatProblem), end];
  return new Fault(code, lines.join('\n'), { data: { problems } });
}

/** Their messages say what to do: a sentence for all of the kind would only stand beside it. */
const SPEAK_FOR_THEMSELVES: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'INPUT_INVALID',
  'MCP_SERVER_START_FAILED',
]);

/** What to do about it: as whoever threw it says, else as the catalogue does. */
function fixFor({ code, data }: Fault): string | undefined {
  if (typeof data?.['fix'] === 'string') return data['fix'];
  return SPEAK_FOR_THEMSELVES.has(code) ? undefined : REMEDIES[code];
}

/** Errors of servers have both in one sentence, for those who see nothing else. */
function withoutFix(message: string, fix: string | undefined): string {
  const end = [`; ${fix}`, `: ${fix}`].find((joint) => message.endsWith(joint));
  return end === undefined ? message : message.slice(0, -end.length);
}

/** Says what a command threw, with what to do about it. Answers the exit code. */
export function tellFailure(error: unknown, isJson: boolean): number {
  if (!(error instanceof Fault)) {
    const isAsked = process.env['MCP_HANGAR_DEBUG'] !== undefined;
    say(`mcp-hangar: a defect: ${isAsked ? stackOf(error) : messageOf(error)}`);
    if (!isAsked)
      say('  please report it, with what MCP_HANGAR_DEBUG=1 makes the same command print');
    if (isJson) printError({ code: 'GATEWAY_DEFECT', message: 'a defect of mcp-hangar' });
    return SYSTEM_ERROR;
  }
  const { code, data } = error;
  const fix = fixFor(error);
  const message = withoutFix(error.message, fix);
  // Problems of a file begin with its name.
  say(data?.['problems'] !== undefined ? message : `mcp-hangar: ${message}`);
  if (fix !== undefined) say(`  ${fix}`);
  if (isJson) printError({ code, message, ...data, ...(fix === undefined ? {} : { fix }) });
  return exitCodeOf(code);
}

const printError = (error: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify({ error })}\n`);
