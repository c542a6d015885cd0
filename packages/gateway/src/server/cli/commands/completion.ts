import { Argument } from 'commander';
import type { CommandGroup } from './group.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export interface CompletionActions {
  completion(shell: Shell): Promise<number>;
}

const HELP = `
The first line belongs into ~/.bashrc. zsh needs fpath+=~/.zfunc before compinit
in ~/.zshrc.

Examples:
  $ source <(mcp-hangar completion bash)
  $ mcp-hangar completion zsh > ~/.zfunc/_mcp-hangar
  $ mcp-hangar completion fish > ~/.config/fish/completions/mcp-hangar.fish`;

/** `completion SHELL`: what a shell needs to complete this program. */
export const completionCommands: CommandGroup<CompletionActions> = (program, actions, done) => {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell to complete for').choices(SHELLS))
    .description('print the script that lets a shell complete commands, options and ids of servers')
    .addHelpText('after', HELP)
    .action(async (shell: Shell) => {
      done(await actions.completion(shell));
    });
};
