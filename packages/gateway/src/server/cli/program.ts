/** The command line: what can be typed, and its help. What it does is given by `bootstrap`. */
import { Command, CommanderError } from 'commander';
import { nearest } from '../../domain/near-names.ts';
import { callCommands, type CallsActions } from './commands/calls.ts';
import { configCommands, type ConfigActions } from './commands/config.ts';
import { doctorCommands, type DoctorActions } from './commands/doctor.ts';
import { eventCommands, type EventsActions } from './commands/events.ts';
import { operateCommands, type OperateActions } from './commands/operate.ts';
import { serveCommands, type ServeActions } from './commands/serve.ts';

/** Each answers an exit code, or throws what `failed` tells. */
export interface CliActions
  extends ServeActions, ConfigActions, DoctorActions, EventsActions, CallsActions, OperateActions {
  readonly version: string;
  /** Says what went wrong; answers the exit code. */
  failed(error: unknown, isJson: boolean): Promise<number>;
}

const EXAMPLES = `
Examples:
  $ mcp-hangar --config config.yaml                   one client, over stdin and stdout
  $ mcp-hangar serve --config config.yaml             the same
  $ mcp-hangar serve --http --config config.yaml      one endpoint at http://127.0.0.1:8000/mcp
  $ mcp-hangar config check config.yaml               says what is wrong, with file and line
  $ mcp-hangar status                                 what the servers of the running gateway do
  $ mcp-hangar tools                                  every tool of every server
  $ mcp-hangar call files.list_directory path=.       calls a tool, also where no gateway runs
  $ mcp-hangar doctor                                 what is wrong with each server, and what to do
  $ mcp-hangar events --follow                        what servers do and what is called, as it happens
  $ mcp-hangar calls parked                           calls that wait for answers of their clients`;

/** Runs one command line. Answers the exit code; never ends the process. */
export async function runCli(argv: readonly string[], actions: CliActions): Promise<number> {
  let code = 0;
  const done = (answer: number): void => {
    code = answer;
  };
  const program = new Command('mcp-hangar')
    .description('One MCP endpoint in front of many MCP servers.')
    .version(actions.version, '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(told(text, program)) })
    .exitOverride();
  serveCommands(program, actions, done);
  configCommands(program, actions, done);
  operateCommands(program, actions, done);
  doctorCommands(program, actions, done);
  eventCommands(program, actions, done);
  callCommands(program, actions, done);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    // Help and the version end here too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    return actions.failed(error, wantsJson(argv));
  }
  return code;
}

/** What is typed without a command belongs to `serve`, which takes no words: one is a command that was mistyped. */
function told(error: string, program: Command): string {
  const [, word] =
    /^error: too many arguments\. Expected 0 .*?: (\S+?)[,.](?:\s|$)/.exec(error) ?? [];
  if (word === undefined) return error;
  const meant = nearest(
    word,
    program.commands.map((command) => command.name()),
  );
  const hint =
    meant === undefined ? 'all are shown by: mcp-hangar --help' : `Did you mean ${meant}?`;
  return `error: unknown command '${word}'\n(${hint})\n`;
}

/** Behind `--` stand words of somebody else. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = argv.slice(0, end === -1 ? argv.length : end);
  // Of `call`, what stands behind it may be arguments: then what is printed is for people.
  return own.some((word, index) => word === '--json' && own[index + 1]?.startsWith('{') !== true);
}
