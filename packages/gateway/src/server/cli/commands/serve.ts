import { Option, type Command } from 'commander';
import type { CommandGroup } from './group.ts';

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

export interface ServeActions {
  serve(flags: ServeFlags): Promise<number>;
}

/** Short for levels of the log; `--log-level` wins. */
interface LoudnessFlags {
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

function withLogLevel({ verbose, quiet, ...flags }: ServeFlags & LoudnessFlags): ServeFlags {
  const level = verbose === true ? 'debug' : quiet === true ? 'error' : undefined;
  return level === undefined ? flags : { logLevel: level, ...flags };
}

const SERVE_HELP = `
Exit codes:
  0 ended as it was asked to    2 something failed
  1 asked wrongly, or the configuration has a mistake

Examples:
  $ mcp-hangar serve --config config.yaml    one client, over stdin and stdout
  $ mcp-hangar serve --http --port 9000      at http://127.0.0.1:9000/mcp`;

function serveOptions(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration (default: MCP_CONFIG, ./config.yaml at a terminal, ~/.config/mcp-hangar/config.yaml)',
    )
    .option(
      '--http',
      'serve over HTTP, as MCP_MODE=http does (default: one client over stdin and stdout)',
    )
    .option('--host <address>', 'with --http: address to bind (default: 127.0.0.1)')
    .option('-p, --port <number>', 'with --http: port to bind (default: 8000)')
    .addOption(
      // Other spellings are taken too; the schema of the configuration has them all.
      new Option('--log-level <level>', 'least severe level that is logged; default: info')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .argParser((level) => level),
    )
    .option('-v, --verbose', 'the same as --log-level debug')
    .option('-q, --quiet', 'print no notes; for serve the same as --log-level error')
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

/** `serve`, and the same without a command. */
export const serveCommands: CommandGroup<ServeActions> = (program, actions, done) => {
  serveOptions(program).action(async (flags: ServeFlags & LoudnessFlags) => {
    done(await actions.serve(withLogLevel(flags)));
  });
  serveOptions(
    program
      .command('serve')
      .description(
        'serve the configured MCP servers over stdio, or HTTP with --http (the default command)',
      )
      .addHelpText('after', SERVE_HELP),
  ).action(async (_flags: ServeFlags, command: Command) => {
    done(await actions.serve(withLogLevel(command.optsWithGlobals<ServeFlags & LoudnessFlags>())));
  });
};
