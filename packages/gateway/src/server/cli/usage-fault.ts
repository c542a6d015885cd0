/** What is typed wrongly, told in one line with the way to get it right. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Command, CommanderError } from 'commander';
import { nearest } from '../../domain/near-names.ts';

/** Fault INPUT_INVALID for what the parser of the command line refused. */
export function usageFault(
  program: Command,
  argv: readonly string[],
  { code, message }: Pick<CommanderError, 'code' | 'message'>,
): Fault {
  const command = commandOf(program, argv);
  const path = pathOf(command);
  const [first = '', suggestion] = message.replace(/^error: /, '').split('\n');
  // The program itself serves, so its parser takes a mistyped command for an argument too many.
  const word = command === program ? command.args[0] : undefined;
  const isCommand = word !== undefined && !word.startsWith('-');
  const hint = isCommand
    ? meant(program, word)
    : code === 'commander.unknownOption' && command.name() === 'add'
      ? 'Options of the server stand behind --: mcp-hangar add NAME -- COMMAND …'
      : suggestion?.replace(/^\((.*)\)$/, '$1');
  const fix = [...(hint === undefined ? [] : [hint]), `Help: ${path} --help`].join(' ');
  return new Fault('INPUT_INVALID', isCommand ? `unknown command '${word}'` : first, {
    data: { fix },
  });
}

function meant(program: Command, word: string): string | undefined {
  if (/\.(ya?ml|json)$/i.test(word)) return `Did you mean --config ${word}?`;
  const names = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  const name = nearest(word, names);
  return name === undefined ? undefined : `Did you mean ${name}?`;
}

/** The innermost command whose words stand there. */
function commandOf(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) {
    if (word === '--') break;
    command = subcommandOf(command, word) ?? command;
  }
  return command;
}

export const subcommandOf = (command: Command, word: string): Command | undefined =>
  command.commands.find((each) => each.name() === word || each.aliases().includes(word));

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
