/**
 * What can stand next on a command line, found by walking the very program that parses it. The scripts of the shells
 * ask for it with the hidden command `__complete WORDS…`, the last of which is the one that is being typed.
 */
import type { Argument, Command, Option } from 'commander';
import { subcommandOf } from './usage-fault.ts';

export interface CompletedServer {
  readonly id: string;
  readonly enabled: boolean;
}

export interface CompletionSources {
  /** Of the configuration that `--config` names, or of the usual one; none where it cannot be read. */
  servers(config: string | undefined): Promise<readonly CompletedServer[]>;
}

export interface Completion {
  /** What the shell is to complete by itself; `words`: nothing. */
  readonly kind: 'words' | 'files' | 'command';
  readonly words: readonly CompletionWord[];
}

interface CompletionWord {
  readonly word: string;
  readonly about: string;
}

/** Options of `serve`, the default command, that mean something to other commands too. */
const COMMON: ReadonlySet<string> = new Set(['--config', '--state-dir', '--quiet']);
const FILES: ReadonlySet<string> = new Set(['file', 'files', 'folder', 'path']);
const SERVERS: ReadonlySet<string> = new Set(['server', 'servers', 'id', 'ids']);
const SHELL_ONLY: Omit<Completion, 'kind'> = { words: [] };

interface Place {
  readonly command: Command;
  /** Words that are neither commands nor options. */
  readonly operands: readonly string[];
  /** The option whose value is being typed. */
  readonly option: Option | undefined;
  readonly config: string | undefined;
  /** How many words stand behind `--`; undefined without one. */
  readonly foreign: number | undefined;
}

/** What begins as the last of the words does. */
export async function complete(
  program: Command,
  typed: readonly string[],
  sources: CompletionSources,
): Promise<Completion> {
  // Bash takes `--config=x` for three words.
  const words = typed.filter((word, index) => word !== '=' || !isLong(typed[index - 1]));
  const last = typed.at(-1) === '=' ? '' : (words.pop() ?? '');
  const place = placeOf(program, words);
  const found = await candidatesAt(place, last, sources);
  const matching = found.words.filter(({ word }) => word.startsWith(last));
  return { ...found, words: matching };
}

const isLong = (word: string | undefined): boolean => word?.startsWith('--') === true;

function placeOf(program: Command, words: readonly string[]): Place {
  let place: Place = {
    command: program,
    operands: [],
    option: undefined,
    config: undefined,
    foreign: undefined,
  };
  for (const word of words) place = { ...place, ...step(place, word) };
  return place;
}

function step({ command, operands, option, foreign }: Place, word: string): Partial<Place> {
  if (foreign !== undefined) return { foreign: foreign + 1 };
  if (option !== undefined)
    return { option: undefined, ...(option.long === '--config' ? { config: word } : {}) };
  if (word === '--') return { foreign: 0 };
  if (word.startsWith('-')) {
    const given = optionOf(command, word);
    return given !== undefined && (given.required || given.optional) ? { option: given } : {};
  }
  const inner = operands.length === 0 ? subcommandOf(command, word) : undefined;
  return inner === undefined ? { operands: [...operands, word] } : { command: inner };
}

function optionOf(command: Command | null, word: string): Option | undefined {
  if (command === null) return undefined;
  return (
    command.options.find(({ long, short }) => long === word || short === word) ??
    optionOf(command.parent, word)
  );
}

async function candidatesAt(
  place: Place,
  last: string,
  sources: CompletionSources,
): Promise<Completion> {
  const { command, operands, option, foreign } = place;
  if (foreign !== undefined) return { kind: foreign === 0 ? 'command' : 'files', ...SHELL_ONLY };
  if (option !== undefined) return valuesOf(option, nameIn(option.flags), place, sources);
  if (last.startsWith('-')) return { kind: 'words', words: optionsOf(command) };
  const commands = operands.length === 0 ? commandsOf(command) : [];
  const { registeredArguments: all } = command;
  const ending = all.at(-1);
  const argument = all[operands.length] ?? (ending?.variadic === true ? ending : undefined);
  if (argument === undefined) return { kind: 'words', words: commands };
  const values = await valuesOf(argument, argument.name(), place, sources);
  return { ...values, words: [...commands, ...values.words] };
}

/** `file` of `-c, --config <file>`. */
const nameIn = (flags: string): string => /[<[]([\w-]+)/.exec(flags)?.[1] ?? '';

async function valuesOf(
  { argChoices }: Option | Argument,
  name: string,
  { command, operands, config }: Place,
  sources: CompletionSources,
): Promise<Completion> {
  if (argChoices !== undefined)
    return { kind: 'words', words: argChoices.map((word) => ({ word, about: '' })) };
  if (FILES.has(name.toLowerCase())) return { kind: 'files', ...SHELL_ONLY };
  if (!SERVERS.has(name.toLowerCase())) return { kind: 'words', words: [] };
  const useless =
    command.name() === 'enable' ? true : command.name() === 'disable' ? false : undefined;
  const servers = await sources.servers(config);
  return {
    kind: 'words',
    words: servers
      .filter(({ id, enabled }) => enabled !== useless && !operands.includes(id))
      .map(({ id, enabled }) => ({
        word: id,
        about: enabled ? 'MCP server' : 'MCP server, disabled',
      })),
  };
}

function commandsOf(command: Command): readonly CompletionWord[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ word: each.name(), about: sentence(each.description()) }));
}

function optionsOf(command: Command): readonly CompletionWord[] {
  const own = command.createHelp().visibleOptions(command);
  const common = commonOf(command.parent).filter(({ long }) => COMMON.has(long ?? ''));
  return [...own, ...common].flatMap(({ long, description }) =>
    long === undefined ? [] : [{ word: long, about: sentence(description) }],
  );
}

function commonOf(command: Command | null): readonly Option[] {
  return command === null ? [] : [...command.options, ...commonOf(command.parent)];
}

/** Up to where details begin: a list of a shell has one line for each. */
const sentence = (text: string): string => text.split(/[;(]|: /, 1)[0]?.trim() ?? '';

/** The kind in the first line, then a line for each word, with what it is behind a tab. */
export const completionText = ({ kind, words }: Completion): string =>
  [kind, ...words.map(({ word, about }) => (about === '' ? word : `${word}\t${about}`))].join('\n');
