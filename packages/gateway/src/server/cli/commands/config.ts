import type { Command } from 'commander';
import type { CommandGroup } from './group.ts';

export interface ConfigActions {
  configCheck(file: string | undefined, flags: { readonly config?: string }): Promise<number>;
}

/** `config …`: the configuration as a file. */
export const configCommands: CommandGroup<ConfigActions> = (program, actions, done) => {
  const config = program.command('config').description('work with the configuration file');
  config
    .command('check')
    .argument('[file]', 'the file to check (default: the one that serve would use)')
    .description('check a configuration: exit code 0 valid, 1 has problems, 2 cannot be read')
    .action(async (file: string | undefined, _flags: unknown, command: Command) => {
      done(await actions.configCheck(file, command.optsWithGlobals<{ config?: string }>()));
    });
};
