/** The command line: what can be typed, and its help. What it does is given by `bootstrap`. */
import { type Argument, Command, CommanderError } from 'commander';
import { callCommands, type CallsActions } from './commands/calls.ts';
import type { CompletionSources } from './complete.ts';
import { completionCommands, type CompletionActions } from './commands/completion.ts';
import { configCommands, type ConfigActions } from './commands/config.ts';
import { doctorCommands, type DoctorActions } from './commands/doctor.ts';
import { editCommands, type EditActions } from './commands/edit.ts';
import { eventCommands, type EventsActions } from './commands/events.ts';
import type { CommandGroup } from './commands/group.ts';
import { groupCommands, type GroupActions } from './commands/groups.ts';
import { operateCommands, type OperateActions } from './commands/operate.ts';
import { sagaCommands, type SagasActions } from './commands/sagas.ts';
import { serveCommands, type ServeActions } from './commands/serve.ts';
import { setupCommands, type SetupActions } from './commands/setup.ts';

/** Each answers an exit code, or throws what `failed` tells. */
export interface CliActions
  extends
    ServeActions,
    SetupActions,
    EditActions,
    ConfigActions,
    DoctorActions,
    EventsActions,
    CallsActions,
    SagasActions,
    GroupActions,
    OperateActions,
    CompletionActions {
  readonly version: string;
  /** What completion offers beside the words of the program. */
  readonly completing: CompletionSources;
  print(text: string): Promise<void>;
  /** Says what went wrong; answers the exit code. */
  failed(error: unknown, isJson: boolean): Promise<number>;
}

const EXAMPLES = `
Examples:
  $ mcp-hangar init                          your clients' servers, your clients
  $ mcp-hangar add memory -- npx -y @modelcontextprotocol/server-memory
  $ mcp-hangar status                        what the running servers do
  $ mcp-hangar call files.list_directory path=.
  $ mcp-hangar doctor                        what is wrong, and what to do
  $ mcp-hangar serve --http -c config.yaml   at http://127.0.0.1:8000/mcp`;

/** Under which heading the help shows a command. */
const HEADINGS: Readonly<Record<string, readonly string[]>> = {
  'Serve and set up:': ['serve', 'init', 'import', 'connect'],
  'Change servers:': [
    'add',
    'remove',
    'enable',
    'disable',
    'start',
    'stop',
    'restart',
    'rebalance',
    'reload',
  ],
  'Look and call:': [
    'list',
    'status',
    'groups',
    'tools',
    'call',
    'logs',
    'events',
    'calls',
    'sagas',
    'version',
  ],
  'Check and configure:': ['doctor', 'config', 'completion'],
};

/** Without `[options]`, which all have: what it does fits beside it then. */
const subcommandTerm = (command: Command): string =>
  [
    [command.name(), ...command.aliases()].join('|'),
    ...command.registeredArguments.map(argumentTerm),
  ].join(' ');

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

const SHARED_OPTIONS = `
Options of all commands:
  -c, --config <file>    which configuration is meant (default: as for serve)
  --state-dir <folder>   where its gateway keeps what outlives it
  -q, --quiet            print no notes`;

/** What the help of a command says beside its own options; nothing where those are among them. */
const sharedOptions = (command: Command): string =>
  command.options.some(({ long }) => long === '--config') ? '' : SHARED_OPTIONS;

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
    .addHelpText('afterAll', ({ command }) => sharedOptions(command))
    .configureHelp({ subcommandTerm })
    .showSuggestionAfterError()
    .configureOutput({ outputError: () => undefined }) // told by `failed`
    .exitOverride();
  const [first, ...words] = argv;
  serveCommands(program, actions, done);
  // A client that starts a gateway waits for it, and says so with the first word.
  if (first !== 'serve') otherCommands(program, actions, done);
  putUnderHeadings(program);
  try {
    if (first === '__complete') {
      const { complete, completionText } = await import('./complete.ts');
      await actions.print(completionText(await complete(program, words, actions.completing)));
      return 0;
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    // Help and the version end here too.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError && error.code === 'commander.help') return 1;
    if (!(error instanceof CommanderError)) return actions.failed(error, wantsJson(argv));
    const { usageFault } = await import('./usage-fault.ts');
    return actions.failed(usageFault(program, argv, error), wantsJson(argv));
  }
  return code;
}

const otherCommands: CommandGroup<CliActions> = (program, actions, done) => {
  setupCommands(program, actions, done);
  editCommands(program, actions, done);
  operateCommands(program, actions, done);
  eventCommands(program, actions, done);
  callCommands(program, actions, done);
  sagaCommands(program, actions, done);
  groupCommands(program, actions, done);
  doctorCommands(program, actions, done);
  configCommands(program, actions, done);
  completionCommands(program, actions, done);
};

function putUnderHeadings(program: Command): void {
  for (const [heading, names] of Object.entries(HEADINGS))
    for (const command of program.commands)
      if (names.includes(command.name())) command.helpGroup(heading);
}

/** Behind `--` stand words of somebody else. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = argv.slice(0, end === -1 ? argv.length : end);
  // Of `call`, what stands behind it may be arguments: then what is printed is for people.
  return own.some((word, index) => word === '--json' && own[index + 1]?.startsWith('{') !== true);
}
