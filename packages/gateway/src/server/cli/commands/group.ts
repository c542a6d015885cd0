/** What the groups of commands have in common. */
import type { Command } from 'commander';

/** What says where a gateway keeps its state. */
export interface PlaceFlags {
  readonly config?: string;
  readonly stateDir?: string;
}

export interface JsonFlag {
  readonly json?: boolean;
}

/** Told the exit code: 0 ok, 1 user error, 2 system error, 3 no gateway runs for the configuration. */
export type Done = (code: number) => void;

/** Adds the commands of one group. `actions` do the work and answer exit codes; what they throw is told at the top. */
export type CommandGroup<Actions> = (program: Command, actions: Actions, done: Done) => void;
