import type { Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';
import type { ServeFlags } from './serve.ts';

export interface ConfigFlags extends ServeFlags, JsonFlag {}

export interface ConfigShowFlags extends ConfigFlags {
  readonly defaults?: boolean;
}

export interface ConfigDiffFlags extends ConfigFlags {
  readonly exitCode?: boolean;
  readonly quiet?: boolean;
}

export interface ConfigActions {
  configCheck(file: string | undefined, flags: PlaceFlags & JsonFlag): Promise<number>;
  configShow(key: string | undefined, flags: ConfigShowFlags): Promise<number>;
  configSchema(): Promise<number>;
  configDiff(files: readonly string[], flags: ConfigDiffFlags): Promise<number>;
}

const CONFIG_HELP = `
Examples:
  $ mcp-hangar config check
  $ mcp-hangar config show --no-defaults
  $ mcp-hangar config diff other.yaml`;

const CHECK_HELP = `
Exit codes:
  0 valid    1 has problems    2 cannot be read

Examples:
  $ mcp-hangar config check
  $ mcp-hangar config check hangar.yaml
  $ mcp-hangar config check --json | jq -r '.error.problems[].message'`;

const SHOW_HELP = `
Secrets are not shown, and what refers to variables is shown as it is written.

Examples:
  $ mcp-hangar config show
  $ mcp-hangar config show github                   one MCP server
  $ mcp-hangar config show http --no-defaults       only what somebody has set
  $ mcp-hangar --port 9000 config show http.port    as for serve --port 9000`;

const SCHEMA_HELP = `
Examples:
  $ mcp-hangar config schema > config.schema.json
A file whose first line is
  # yaml-language-server: $schema=./config.schema.json
is completed and checked by editors that know YAML schemas.`;

const DIFF_HELP = `
Without a file: from what the gateway that runs serves to what its file says
now. With one: from the configuration that serve would use to that file. With
two: from the first to the second. Secrets are compared and not shown.

Examples:
  $ mcp-hangar config diff
  $ mcp-hangar config diff other.yaml
  $ mcp-hangar config diff old.yaml new.yaml --exit-code`;

/** `config …`: the configuration as a file. */
export const configCommands: CommandGroup<ConfigActions> = (program, actions, done) => {
  const config = program
    .command('config')
    .description('work with the configuration file')
    .addHelpText('after', CONFIG_HELP);
  config
    .command('check')
    .argument('[file]', 'the file to check (default: the one that serve would use)')
    .description('check a configuration: exit code 0 valid, 1 has problems, 2 cannot be read')
    .option('--json', 'print one JSON object')
    .addHelpText('after', CHECK_HELP)
    .action(async (file: string | undefined, _flags: unknown, command: Command) => {
      done(await actions.configCheck(file, command.optsWithGlobals<PlaceFlags & JsonFlag>()));
    });
  config
    .command('show')
    .argument('[key]', 'a block, a key or the id of an MCP server (default: everything)')
    .description('print what the configuration comes to, each value with where it comes from')
    .option('--no-defaults', 'leave out what nobody has set')
    .option('--json', 'print one JSON object')
    .addHelpText('after', SHOW_HELP)
    .action(async (key: string | undefined, _flags: unknown, command: Command) => {
      done(await actions.configShow(key, command.optsWithGlobals<ConfigShowFlags>()));
    });
  config
    .command('schema')
    .description('print the JSON Schema of the configuration file, for editors')
    .option('--json', 'changes nothing: the schema is JSON')
    .addHelpText('after', SCHEMA_HELP)
    .action(async () => {
      done(await actions.configSchema());
    });
  config
    .command('diff')
    .argument('[files...]', 'one or two configuration files')
    .description('print what differs between the gateway that runs and its file, or between files')
    .option('--exit-code', 'exit code 1 where something differs')
    .option('--json', 'print one JSON object')
    .addHelpText('after', DIFF_HELP)
    .action(async (files: string[], _flags: unknown, command: Command) => {
      done(await actions.configDiff(files, command.optsWithGlobals<ConfigDiffFlags>()));
    });
};
