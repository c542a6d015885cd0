import type { Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

export interface SagasFlags extends PlaceFlags, JsonFlag {}

export interface SagasActions {
  sagas(flags: SagasFlags): Promise<number>;
}

const EXAMPLES = `
Exit codes:
  0 listed    1 asked wrongly    2 the gateway or the event log does not answer

Where no gateway runs, what one would go on with is read from the event log.

Examples:
  $ mcp-hangar sagas
  $ mcp-hangar sagas --config config.yaml
  $ mcp-hangar sagas --json | jq '.sagas[].due_at'`;

/** `sagas`: what the gateway does by itself later. */
export const sagaCommands: CommandGroup<SagasActions> = (program, actions, done) => {
  program
    .command('sagas')
    .description('list what the gateway does by itself later, why, and when')
    .option('--json', 'print one JSON object, with times in ISO 8601')
    .addHelpText('after', EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.sagas(command.optsWithGlobals<SagasFlags>()));
    });
};
