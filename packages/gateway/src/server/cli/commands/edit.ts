import { Option, type Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

export interface EditFlags extends PlaceFlags, JsonFlag {
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
}

export interface AddFlags extends EditFlags {
  readonly transport?: string;
  readonly env?: readonly string[];
  readonly header?: readonly string[];
  readonly cwd?: string;
  readonly sharing?: string;
  readonly force?: boolean;
}

export interface EditActions {
  add(id: string, target: readonly string[], flags: AddFlags): Promise<number>;
  remove(ids: readonly string[], flags: EditFlags): Promise<number>;
  enable(ids: readonly string[], enabled: boolean, flags: EditFlags): Promise<number>;
}

const ADD_HELP = `
Values may refer to variables of the gateway's environment, which keeps a secret
out of the file: -e 'TOKEN=\${GITHUB_TOKEN}'. Without a value, -e TOKEN is short
for -e 'TOKEN=\${TOKEN}'.

Examples:
  $ mcp-hangar add memory -- npx -y @modelcontextprotocol/server-memory
  $ mcp-hangar add github -e GITHUB_TOKEN -- npx -y @modelcontextprotocol/server-github
  $ mcp-hangar add -t http tickets https://tickets.example/mcp -H 'Authorization: Bearer \${TICKETS_TOKEN}'
  $ mcp-hangar add --dry-run memory -- npx -y @modelcontextprotocol/server-memory`;

const gather = (value: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  value,
];

function editOptions(command: Command): Command {
  return command
    .option('--dry-run', 'print what would change, as a diff, and write nothing')
    .option('--json', 'print one JSON object');
}

/** `add`, `remove`, `enable`, `disable`: the servers of the configuration file. */
export const editCommands: CommandGroup<EditActions> = (program, actions, done) => {
  addCommand(program, actions, done);
  editOptions(program.command('remove'))
    .alias('rm')
    .argument('<servers...>', 'ids of MCP servers')
    .description('take MCP servers out of the configuration file')
    .addHelpText(
      'after',
      '\nExamples:\n  $ mcp-hangar remove github\n  $ mcp-hangar remove --dry-run github memory',
    )
    .action(async (ids: string[], _flags: unknown, command: Command) => {
      done(await actions.remove(ids, command.optsWithGlobals<EditFlags>()));
    });
  for (const [name, enabled, what] of [
    ['enable', true, 'switch MCP servers of the configuration file on again'],
    ['disable', false, 'switch MCP servers off, and keep what the configuration file says of them'],
  ] as const)
    editOptions(program.command(name))
      .argument('<servers...>', 'ids of MCP servers')
      .description(what)
      .addHelpText(
        'after',
        `\nExamples:\n  $ mcp-hangar ${name} github\n  $ mcp-hangar ${name} github memory --json`,
      )
      .action(async (ids: string[], _flags: unknown, command: Command) => {
        done(await actions.enable(ids, enabled, command.optsWithGlobals<EditFlags>()));
      });
};

const addCommand: CommandGroup<EditActions> = (program, actions, done) => {
  const add = program
    .command('add')
    .argument('<name>', 'id of the MCP server: what its tools will begin with')
    .argument(
      '<command-or-url...>',
      'a command with its arguments, behind --; or the URL of a remote server',
    )
    .usage(
      '[options] <name> -- <command> [args...]\n       mcp-hangar add [options] -t http <name> <url>',
    )
    .description('add an MCP server to the configuration file, which is made where there is none')
    .addOption(
      new Option(
        '-t, --transport <kind>',
        'how it is spoken to; default: http for a URL, else stdio',
      ).choices(['stdio', 'http', 'sse', 'streamable-http']),
    )
    .option(
      '-e, --env <name=value>',
      'environment variable of the server; may be given again',
      gather,
    )
    .option(
      '-H, --header <name: value>',
      'HTTP header for a remote server; may be given again',
      gather,
    )
    .option('--cwd <folder>', 'folder that the server runs in')
    .addOption(
      new Option('--sharing <kind>', 'who may use one process of it').choices([
        'auto',
        'shared',
        'session',
      ]),
    )
    .option('--force', 'replace the server that has the name already');
  editOptions(add)
    .addHelpText('after', ADD_HELP)
    .action(async (id: string, target: string[], _flags: unknown, command: Command) => {
      done(await actions.add(id, target, command.optsWithGlobals<AddFlags>()));
    });
};
