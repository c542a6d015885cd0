import type { Command } from 'commander';
import type { CommandGroup, PlaceFlags } from './group.ts';

export type OperateName =
  | 'list'
  | 'status'
  | 'tools'
  | 'call'
  | 'start'
  | 'stop'
  | 'restart'
  | 'logs'
  | 'reload'
  | 'version';

export interface OperateFlags extends PlaceFlags {
  /** Of `call` also the arguments. */
  readonly json?: boolean | string;
  readonly watch?: boolean;
  readonly interval?: string;
  readonly details?: boolean;
  readonly all?: boolean;
  readonly follow?: boolean;
  readonly lines?: string;
  readonly args?: string;
  readonly timeout?: string;
  readonly dryRun?: boolean;
}

export interface OperateActions {
  operate(name: OperateName, words: readonly string[], flags: OperateFlags): Promise<number>;
}

interface OperateCommand {
  readonly words: string;
  readonly description: string;
  readonly options: readonly (readonly [flags: string, description: string])[];
  readonly examples: readonly string[];
}

const JSON_OBJECT = ['--json', 'print one JSON object, with times in ISO 8601'] as const;
const ALL = ['-a, --all', 'every MCP server that is not switched off'] as const;

const COMMANDS: Readonly<Record<OperateName, OperateCommand>> = {
  list: {
    words: '',
    description: 'list the configured MCP servers',
    options: [JSON_OBJECT],
    examples: ['list', 'list --json | jq -r ".servers[].id"'],
  },
  status: {
    words: '[server]',
    description: 'show what the MCP servers of the running gateway do, or all about one of them',
    options: [
      ['-w, --watch', 'show it again and again, until you end it'],
      ['-i, --interval <seconds>', 'with --watch: how often (default: 2)'],
      ['-d, --details', 'more columns'],
      JSON_OBJECT,
    ],
    examples: ['status', 'status --watch', 'status github', 'status --json --watch -i 10'],
  },
  tools: {
    words: '[server]',
    description: 'list the tools of all MCP servers or of one, and how much of a context they take',
    options: [['--json', 'print one JSON object, with the whole schemas']],
    examples: ['tools', 'tools files', 'tools files --json | jq ".servers[].tools[].inputSchema"'],
  },
  call: {
    words: '<tool> [arguments...]',
    description: 'call a tool, written SERVER.TOOL, with arguments NAME=VALUE',
    options: [
      ['--json [arguments]', 'the arguments as a JSON object; without one: print the raw result'],
      ['--args <arguments>', 'the arguments as a JSON object, as @FILE, or as - for stdin'],
      ['--timeout <seconds>', 'longest wait for the answer, once the server has the call'],
    ],
    examples: [
      'call files.list_directory path=.',
      'call github.search_issues query="is:open bug" labels=a labels=b page.size=10',
      `call files.read_file --json '{"path":"README.md"}'`,
      'call files.read_file --args @arguments.json --json | jq .content',
    ],
  },
  start: {
    words: '[servers...]',
    description: 'start MCP servers now, also those that failed a moment ago',
    options: [ALL, JSON_OBJECT],
    examples: ['start github', 'start --all'],
  },
  stop: {
    words: '[servers...]',
    description: 'stop MCP servers; the next call starts them again',
    options: [ALL, JSON_OBJECT],
    examples: ['stop github', 'stop --all'],
  },
  restart: {
    words: '[servers...]',
    description: 'stop MCP servers and start them again',
    options: [ALL, JSON_OBJECT],
    examples: ['restart github files'],
  },
  logs: {
    words: '[server]',
    description: 'print what MCP servers wrote to stderr, the newest last',
    options: [
      ['-f, --follow', 'print what comes, too, until you end it'],
      ['-n, --lines <count>', 'how many lines of those that are kept, at most (default: 100)'],
      ['--json', 'print one JSON object a line'],
    ],
    examples: ['logs github', 'logs --follow', 'logs github -n 1000 --json | jq -r .line'],
  },
  reload: {
    words: '',
    description: 'make the running gateway read its configuration again, and apply it',
    options: [['--dry-run', 'say what would change, and change nothing'], JSON_OBJECT],
    examples: ['reload', 'reload --dry-run', 'reload --json | jq -r ".updated[]"'],
  },
  version: {
    words: '',
    description: 'print the versions of this program and of the gateway that runs',
    options: [JSON_OBJECT],
    examples: ['version', 'version --json'],
  },
};

const EXIT_CODES = `
Exit codes:
  0 done    1 asked wrongly, or the tool answered with an error
  2 something failed    3 no gateway runs for the configuration
  130 interrupted`;

/** Commands that work on MCP servers by way of a gateway: the one that runs, or where none runs one of their own. */
export const operateCommands: CommandGroup<OperateActions> = (program, actions, done) => {
  for (const [name, { words, description, options, examples }] of entriesOf(COMMANDS)) {
    const command = program.command(name).description(description);
    if (words !== '') command.arguments(words);
    for (const [flags, text] of options) command.option(flags, text);
    const lines = examples.map((example) => `  $ mcp-hangar ${example}`);
    command.addHelpText('after', `${EXIT_CODES}\n\nExamples:\n${lines.join('\n')}`);
    command.action(async (...given: readonly unknown[]) => {
      const used = given.at(-1) as Command; // commander hands it over last
      done(await actions.operate(name, used.args, used.optsWithGlobals<OperateFlags>()));
    });
  }
};

const entriesOf = <Name extends string, Value>(
  table: Readonly<Record<Name, Value>>,
): readonly (readonly [Name, Value])[] => Object.entries(table) as [Name, Value][]; // its own keys
