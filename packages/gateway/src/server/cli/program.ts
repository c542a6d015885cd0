/** The command line: what can be typed, and its help. What it does is given by `bootstrap`. */
import { Command, CommanderError } from 'commander';

export interface ServeFlags {
  readonly config?: string;
  readonly http?: boolean;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
  readonly jsonLogs?: boolean;
  readonly unsafeNoAuth?: boolean;
  readonly guide?: boolean;
  readonly stateDir?: string;
  readonly standalone?: boolean;
}

/** What says where a gateway keeps its state. */
export interface PlaceFlags {
  readonly config?: string;
  readonly stateDir?: string;
}

export interface EventsFlags extends PlaceFlags {
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly server?: string;
  readonly type?: string;
  readonly since?: string;
  readonly limit?: string;
}

export interface ParkedCallsFlags extends PlaceFlags {
  readonly json?: boolean;
}

export interface CliActions {
  readonly version: string;
  /** Each answers an exit code: 0 ok, 1 user error, 2 system error, 3 no gateway runs for the configuration. */
  serve(flags: ServeFlags): Promise<number>;
  configCheck(file: string | undefined, flags: { readonly config?: string }): Promise<number>;
  events(flags: EventsFlags): Promise<number>;
  eventsVerify(flags: PlaceFlags): Promise<number>;
  parkedCalls(flags: ParkedCallsFlags): Promise<number>;
}

const EXAMPLES = `
Examples:
  $ mcp-hangar --config config.yaml                   one client, over stdin and stdout
  $ mcp-hangar serve --config config.yaml             the same
  $ mcp-hangar serve --http --config config.yaml      one endpoint at http://127.0.0.1:8000/mcp
  $ mcp-hangar config check config.yaml               says what is wrong, with file and line
  $ mcp-hangar events --follow                        what servers do and what is called, as it happens
  $ mcp-hangar calls parked                           calls that wait for answers of their clients`;

function serveOptions(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration (default: MCP_CONFIG, ./config.yaml, ~/.config/mcp-hangar/config.yaml)',
    )
    .option(
      '--http',
      'serve over HTTP, as MCP_MODE=http does (default: one client over stdin and stdout)',
    )
    .option('--host <address>', 'with --http: address to bind (default: 127.0.0.1)')
    .option('-p, --port <number>', 'with --http: port to bind (default: 8000)')
    .option('--log-level <level>', 'trace, debug, info, warn, error or fatal (default: info)')
    .option('--json-logs', 'log JSON lines')
    .option(
      '--unsafe-no-auth',
      'with --http: bind an address that others can reach although nobody has to log in',
    )
    .option(
      '--state-dir <folder>',
      'where to keep what outlives the process (default: a folder of its own for each configuration in ~/.local/state/mcp-hangar)',
    )
    .option(
      '--standalone',
      'share neither servers nor state with other gateways of this configuration',
    )
    .option('--guide', 'with --http: print how to connect clients once it serves');
}

const EVENTS_EXAMPLES = `
Examples:
  $ mcp-hangar events --server github --since 1h
  $ mcp-hangar events --type ToolInvocationFailed,McpServerDegraded --follow
  $ mcp-hangar events --json --limit 1000 | jq .data`;

function eventCommands(program: Command, actions: CliActions, done: (code: number) => void): void {
  const events = program
    .command('events')
    .description('print the event log: what servers did and what was called, the newest last')
    .option('-f, --follow', 'print what comes, too, until you end it')
    .option('--json', 'print one JSON object a line')
    .option('--server <id>', 'only of this MCP server')
    .option('--type <types>', 'only of these types, separated by commas')
    .option(
      '--since <time>',
      'only from then on: 90s, 10m, 2h, 3d, or a date like 2026-11-21T08:00',
    )
    .option('-n, --limit <count>', 'how many of those that are stored, at most (default: 50)')
    .addHelpText('after', EVENTS_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.events(command.optsWithGlobals<EventsFlags>()));
    });
  events
    .command('verify')
    .description('check that the log is whole: exit code 0 it is, 1 it is not, 2 it cannot be read')
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.eventsVerify(command.optsWithGlobals<PlaceFlags>()));
    });
}

const PARKED_EXAMPLES = `
Exit codes:
  0 listed    1 asked wrongly    2 the gateway does not answer
  3 no gateway runs for the configuration

Examples:
  $ mcp-hangar calls parked
  $ mcp-hangar calls parked --config config.yaml
  $ mcp-hangar calls parked --json | jq '.calls[].asks'`;

function callCommands(program: Command, actions: CliActions, done: (code: number) => void): void {
  const calls = program.command('calls').description('see the calls of the gateway that runs');
  calls
    .command('parked')
    .description('list the calls that wait for answers of their clients, the oldest first')
    .option('--json', 'print one JSON object, with times in ISO 8601')
    .addHelpText('after', PARKED_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.parkedCalls(command.optsWithGlobals<ParkedCallsFlags>()));
    });
}

/** Runs one command line. Answers the exit code; never ends the process. */
export async function runCli(argv: readonly string[], actions: CliActions): Promise<number> {
  let code = 0;
  const program = new Command('mcp-hangar')
    .description('One MCP endpoint in front of many MCP servers.')
    .version(actions.version, '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride();
  serveOptions(program).action(async (flags: ServeFlags) => {
    code = await actions.serve(flags);
  });
  serveOptions(
    program
      .command('serve')
      .description(
        'serve the configured MCP servers over stdio, or HTTP with --http (the default command)',
      ),
  ).action(async (_flags: ServeFlags, command: Command) => {
    code = await actions.serve(command.optsWithGlobals<ServeFlags>());
  });
  const config = program.command('config').description('work with the configuration file');
  config
    .command('check')
    .argument('[file]', 'the file to check (default: the one that serve would use)')
    .description('check a configuration: exit code 0 valid, 1 has problems, 2 cannot be read')
    .action(async (file: string | undefined, _flags: unknown, command: Command) => {
      code = await actions.configCheck(file, command.optsWithGlobals<{ config?: string }>());
    });
  const done = (answer: number): void => {
    code = answer;
  };
  eventCommands(program, actions, done);
  callCommands(program, actions, done);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 1; // help and version end here too
  }
  return code;
}
