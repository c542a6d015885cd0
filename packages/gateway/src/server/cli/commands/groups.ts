import type { Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

export interface GroupFlags extends PlaceFlags, JsonFlag {}

export interface GroupActions {
  groups(flags: GroupFlags): Promise<number>;
  rebalance(group: string, flags: GroupFlags): Promise<number>;
}

const EXIT_CODES = `
Exit codes:
  0 done    1 asked wrongly    2 the gateway does not answer
  3 no gateway runs for the configuration`;

const GROUPS_EXAMPLES = `${EXIT_CODES}

Examples:
  $ mcp-hangar groups
  $ mcp-hangar groups --json | jq '.groups[] | {id, state}'`;

const REBALANCE_EXAMPLES = `${EXIT_CODES}

Examples:
  $ mcp-hangar rebalance search
  $ mcp-hangar rebalance search --json`;

/** Groups of MCP servers in the gateway that runs. */
export const groupCommands: CommandGroup<GroupActions> = (program, actions, done) => {
  program
    .command('groups')
    .description('list the groups of the gateway that runs, and how their members do')
    .option('--json', 'print one JSON object, with times in ISO 8601')
    .addHelpText('after', GROUPS_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.groups(command.optsWithGlobals<GroupFlags>()));
    });
  program
    .command('rebalance')
    .description('take members of a group back into rotation, and close its circuit')
    .argument('<group>')
    .option('--json', 'print one JSON object, with times in ISO 8601')
    .addHelpText('after', REBALANCE_EXAMPLES)
    .action(async (group: string, _flags: unknown, command: Command) => {
      done(await actions.rebalance(group, command.optsWithGlobals<GroupFlags>()));
    });
};
