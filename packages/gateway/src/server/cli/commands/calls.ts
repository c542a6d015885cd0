import type { Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

export interface ParkedCallsFlags extends PlaceFlags, JsonFlag {}

export interface CallsActions {
  parkedCalls(flags: ParkedCallsFlags): Promise<number>;
}

const PARKED_EXAMPLES = `
Exit codes:
  0 listed    1 asked wrongly    2 the gateway does not answer
  3 no gateway runs for the configuration

Examples:
  $ mcp-hangar calls parked
  $ mcp-hangar calls parked --config config.yaml
  $ mcp-hangar calls parked --json | jq '.calls[].asks'`;

/** `calls …`: calls on their way through the gateway that runs. */
export const callCommands: CommandGroup<CallsActions> = (program, actions, done) => {
  const calls = program
    .command('calls')
    .description('see the calls of the gateway that runs')
    .addHelpText('after', '\nExamples:\n  $ mcp-hangar calls parked');
  calls
    .command('parked')
    .description('list the calls that wait for answers of their clients, the oldest first')
    .option('--json', 'print one JSON object, with times in ISO 8601')
    .addHelpText('after', PARKED_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.parkedCalls(command.optsWithGlobals<ParkedCallsFlags>()));
    });
};
