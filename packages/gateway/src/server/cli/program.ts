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

export interface CliActions {
  readonly version: string;
  /** Each answers an exit code: 0 ok, 1 user error, 2 system error. */
  serve(flags: ServeFlags): Promise<number>;
  configCheck(file: string | undefined, flags: { readonly config?: string }): Promise<number>;
}

const EXAMPLES = `
Examples:
  $ mcp-hangar --config config.yaml                   one client, over stdin and stdout
  $ mcp-hangar serve --config config.yaml             the same
  $ mcp-hangar serve --http --config config.yaml      one endpoint at http://127.0.0.1:8000/mcp
  $ mcp-hangar config check config.yaml               says what is wrong, with file and line`;

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
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 1; // help and version end here too
  }
  return code;
}
