import { type Command, Option } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

interface SetupFlags extends PlaceFlags, JsonFlag {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export interface ImportFlags extends SetupFlags {
  readonly from?: string;
  readonly keepSecrets?: boolean;
}

export interface ConnectFlags extends SetupFlags {
  readonly scope: 'user' | 'project';
  readonly transport: 'stdio' | 'http';
  readonly remove?: boolean;
  readonly replace?: boolean;
}

export interface InitFlags extends SetupFlags {
  readonly keepSecrets?: boolean;
  readonly bundle?: 'starter' | 'developer' | 'none';
  /** False after `--no-replace`. */
  readonly replace: boolean;
  /** False after `--no-test`. */
  readonly test: boolean;
  readonly undo?: boolean;
  readonly force?: boolean;
}

export interface SetupActions {
  init(flags: InitFlags): Promise<number>;
  importServers(clients: readonly string[], flags: ImportFlags): Promise<number>;
  connect(client: string | undefined, flags: ConnectFlags): Promise<number>;
}

const CLIENT_IDS = 'claude-desktop, claude-code, cursor, vscode, windsurf, zed, codex, gemini';

const INIT_EXAMPLES = `
Exit codes:
  0 done, or nothing to do    1 asked wrongly
  2 a file cannot be read or written

Examples:
  $ mcp-hangar init                      ask, step by step
  $ mcp-hangar init --dry-run            show what -y would write, as a diff
  $ mcp-hangar init -y                   take over all servers, connect all clients
  $ mcp-hangar init --undo               take the last change back`;

const IMPORT_EXAMPLES = `
Clients:
  ${CLIENT_IDS}

Exit codes:
  0 done, or nothing to do    1 asked wrongly
  2 a file cannot be read or written

Examples:
  $ mcp-hangar import                    from every client that is here
  $ mcp-hangar import cursor zed --dry-run
  $ mcp-hangar import --from ./servers.json -y`;

const CONNECT_EXAMPLES = `
Clients:
  ${CLIENT_IDS}

Exit codes:
  0 done, or nothing to do    1 asked wrongly
  2 a file cannot be read or written

Examples:
  $ mcp-hangar connect                   which are here, and are connected
  $ mcp-hangar connect cursor
  $ mcp-hangar connect claude-code --scope project --transport http
  $ mcp-hangar connect zed --remove`;

const common = (command: Command): Command =>
  command
    .option('-y, --yes', 'ask nothing')
    .option('--dry-run', 'show the diff and write nothing')
    .option('--json', 'print one JSON object');

const keepSecrets = (command: Command): Command =>
  command.option('--keep-secrets', 'leave secrets in the configuration instead of in secrets.env');

/** `init`, `import`, `connect`: from the files of clients, and into them. */
export const setupCommands: CommandGroup<SetupActions> = (program, actions, done) => {
  keepSecrets(
    common(
      program
        .command('init')
        .description('set up: take over the MCP servers of your AI clients, and connect them'),
    ),
  )
    .addOption(
      new Option('--bundle <name>', 'servers for who has none (default: starter)').choices([
        'starter',
        'developer',
        'none',
      ]),
    )
    .option('--no-replace', 'leave the servers in the clients too, which then have them twice')
    .option('--no-test', 'do not start the new servers once')
    .option('--undo', 'take the last change of init, import or connect back')
    .option('--force', 'with --undo: also files that were changed since')
    .addHelpText('after', INIT_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.init(command.optsWithGlobals<InitFlags>()));
    });
  keepSecrets(
    common(
      program
        .command('import')
        .argument('[client...]', 'whose servers (default: of all)')
        .description('take over the MCP servers of AI clients into the configuration'),
    ),
  )
    .option('--from <file>', 'a JSON or TOML file with MCP servers')
    .addHelpText('after', IMPORT_EXAMPLES)
    .action(async (clients: readonly string[], _flags: unknown, command: Command) => {
      done(await actions.importServers(clients, command.optsWithGlobals<ImportFlags>()));
    });
  connectCommand(program, actions, done);
};

const connectCommand: CommandGroup<SetupActions> = (program, actions, done) => {
  common(
    program
      .command('connect')
      .argument('[client]', 'which client (default: list them)')
      .description("write this gateway into an AI client's file"),
  )
    .addOption(
      new Option('--scope <scope>', 'for all of your projects, or in this folder')
        .choices(['user', 'project'])
        .default('user'),
    )
    .addOption(
      new Option(
        '--transport <kind>',
        'the client starts the gateway, or uses one that serves --http',
      )
        .choices(['stdio', 'http'])
        .default('stdio'),
    )
    .option('--remove', 'take the gateway out of the file')
    .option('--replace', 'take servers out that the gateway has too')
    .addHelpText('after', CONNECT_EXAMPLES)
    .action(async (client: string | undefined, _flags: unknown, command: Command) => {
      done(await actions.connect(client, command.optsWithGlobals<ConnectFlags>()));
    });
};
