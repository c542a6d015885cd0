/**
 * Every command of the program, found by asking its own help: what each says of itself, and what it says where its
 * words, its configuration or its state folder are wrong. Which other tests show what of it stands in
 * `test/support/command-tests.ts`, and is checked here.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli, type CliActions } from '../../packages/gateway/src/server/cli/program.ts';
import { EmptyHome, hangar, type Outcome } from '../support/command-line.ts';
import { COMMAND_TESTS } from '../support/command-tests.ts';
import { ROOT } from '../support/gateway.ts';
import { upstream } from '../support/upstream.ts';

const home = new EmptyHome();
afterAll(() => home[Symbol.asyncDispose]());
const at = (name: string): string => join(home.folder, name);

interface Shown {
  /** `config check`; empty for the program itself. */
  readonly name: string;
  readonly help: string;
  readonly subcommands: readonly string[];
}

/** A heading of the help and the lines below it. */
const SECTION = /\n(\S.*):\n((?: .*\n)+)/g;
const LISTS_COMMANDS =
  /^(?:Commands|Serve and set up|Change servers|Look and call|Check and configure)$/;

/** A command and all below it. */
async function walk(path: readonly string[]): Promise<readonly Shown[]> {
  const { code, stdout: help, stderr } = await hangar(home, ...path, '--help');
  if (code !== 0 || stderr !== '') throw new Error(`${path.join(' ')} --help: ${code} ${stderr}`);
  const subcommands = [...help.matchAll(SECTION)]
    .filter(([, heading = '']) => LISTS_COMMANDS.test(heading))
    .flatMap(([, , listed = '']) => [...listed.matchAll(/^ {2}([\w-]+)/gm)])
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
  const below = await Promise.all(subcommands.map((name) => walk([...path, name])));
  return [{ name: path.join(' '), help, subcommands }, ...below.flat()];
}

const SHOWN = await walk([]);
/** They do nothing but hold others. */
const GROUPS = ['config', 'calls'];
const COMMANDS = SHOWN.filter(({ name }) => name !== '' && !GROUPS.includes(name));
const NAMES = COMMANDS.map(({ name }) => name);

const STACK_TRACE = /^\s+at .*[:(]/m;

/** Whether the parser takes these words; nothing is done. */
async function accepted(words: readonly string[]): Promise<unknown> {
  const failures: unknown[] = [];
  const answer =
    (action: string | symbol) =>
    (error: unknown): Promise<number> => {
      if (action === 'failed') failures.push(error);
      return Promise.resolve(0);
    };
  const actions = new Proxy({} as CliActions, {
    get: (_, action) => (action === 'version' ? '0' : answer(action)),
  });
  await runCli(words, actions);
  return failures;
}

/** The words behind `mcp-hangar`, as a shell cuts them: without a pipe, and what is said of the example beside it. */
function wordsOf(line: string): readonly string[] {
  const [call = ''] = line.replace(/^.*?mcp-hangar ?/, '').split(/ {2,}| [|>] |\)/);
  return [...call.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}

describe.each(SHOWN)('The help of mcp-hangar $name', ({ name, help }) => {
  const prefix = `mcp-hangar${name === '' ? '' : ` ${name}`}`;
  const [, examples = ''] = help.split('\nExamples:\n');

  it('says how it is written and what it does', () => {
    expect(help).toContain(`Usage: ${prefix}`);
    const [, description = ''] = help.split('\n\n');
    expect(description).toMatch(/^\w.{15,}/);
  });

  it('has examples, and the parser takes each', async () => {
    const lines = examples.split('\n').flatMap((line) => /^ {2}\$ (.+)$/.exec(line)?.[1] ?? []);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(new RegExp(['mcp-hangar', ...name.split(' ')].join('.*')));
      const words = wordsOf(line);
      expect([line, await accepted(words)]).toEqual([line, []]);
    }
  });

  it('names the options that all share', () => {
    expect(help).toMatch(/-c, --config <file>/);
    expect(help).toMatch(/--state-dir <folder>/);
  });

  it('fits a terminal, long commands aside', () => {
    const long = help.split('\n').filter((line) => line.length > 80);
    expect(long.filter((line) => !/^ {2}\$ \S+( \S+)+$/.test(line))).toEqual([]);
  });
});

it('What the parser does not take is noticed here', async () => {
  expect(await accepted(wordsOf('$ mcp-hangar list --no-such-option   shows all'))).toHaveLength(1);
  expect(await accepted(wordsOf('mcp-hangar call a.b "x=y z" --json | jq .x'))).toEqual([]);
});

describe('docs/reference/commands.md', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/commands.md'), 'utf8');
  const headings = page.split('\n').filter((line) => line.startsWith('## '));

  it.each(NAMES)('has a heading for %s', (name) => {
    const [group = '', ...rest] = name.split(' ');
    const own = headings.filter((line) => new RegExp(`\`(mcp-hangar )?${group}\\b`).test(line));
    expect(own.some((line) => rest.every((word) => line.includes(word)))).toBe(true);
  });

  it('has none for a command that does not exist', () => {
    const made = headings
      .flatMap((line) => /^## `mcp-hangar ([\w-]+)/.exec(line)?.[1] ?? [])
      .filter((word) => !SHOWN.some(({ name }) => name.split(' ')[0] === word));
    expect(made).toEqual([]);
  });
});

/** What a command needs beside its name to be a right one. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  add: ['three', 'echo'],
  call: ['up.pid'],
  completion: ['bash'],
  connect: ['cursor'],
  disable: ['up'],
  enable: ['up'],
  init: ['-y', '--no-test'],
  import: ['-y'],
  rebalance: ['up'],
  remove: ['up'],
  restart: ['up'],
  start: ['up'],
  stop: ['up'],
};
/** Their stdout is not theirs to choose: the client's, a script. */
const WITHOUT_JSON: ReadonlySet<string> = new Set(['serve', 'completion']);

const right = (name: string): readonly string[] => [...name.split(' '), ...(WORDS[name] ?? [])];
const jsonFlag = (name: string): readonly string[] => (WITHOUT_JSON.has(name) ? [] : ['--json']);

const ERROR = z.object({
  error: z.looseObject({ code: z.string().regex(/^[A-Z_]+$/), message: z.string().min(10) }),
});

/** What is amiss in how a failure is told: a sentence and a way out on stderr, an object on stdout. */
function amiss(name: string, { stdout, stderr }: Outcome): readonly string[] {
  const isTold = WITHOUT_JSON.has(name) ? stdout === '' : ERROR.safeParse(parsed(stdout)).success;
  return [
    ...(isTold ? [] : [`no error in JSON: ${stdout}`]),
    ...(STACK_TRACE.test(stderr) ? ['a stack trace'] : []),
    ...(stderr.includes('defect') ? ['a defect'] : []),
    ...(stderr.trimEnd().split('\n').length === 2 ? [] : [`not in two lines: ${stderr}`]),
  ];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe.each(COMMANDS)('mcp-hangar $name', ({ name, help }) => {
  const words = name.split(' ');
  const [, usage = ''] = new RegExp(`Usage: mcp-hangar ${name}(?:\\|rm)? (.*)`).exec(help) ?? [];

  it('takes --json, or has a reason not to', () => {
    expect(/^ {2}--json(?!-)/m.test(help)).toBe(!WITHOUT_JSON.has(name));
  });

  it('says what is wrong with its words', async () => {
    const typed: (readonly [words: readonly string[], what: RegExp])[] = [
      [[...right(name), '--no-such-option'], /^mcp-hangar: unknown option '--no-such-option'\n/],
    ];
    if (!usage.includes('...') && !help.includes('[files...]'))
      typed.push([
        [...right(name), 'x', 'surplus'],
        /^mcp-hangar: too many arguments for .*surplus/,
      ]);
    if (usage.includes('<')) typed.push([words, /^mcp-hangar: missing required argument '/]);
    for (const [line, what] of typed) {
      const outcome = await hangar(home, ...line, ...jsonFlag(name));
      expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(what) });
      expect(amiss(name, outcome)).toEqual([]);
      expect(outcome.stderr).toContain(`Help: mcp-hangar ${name} --help`);
    }
  });
});

type Exits = readonly [missing: number, yaml: number, key: number, folder: number, closed: number];

const READS: Exits = [1, 1, 1, 1, 1];
/** It only has to know which file is meant. */
const ASKS: Exits = [1, 3, 3, 1, 1];
const SETS_UP: Exits = [0, 1, 1, 1, 1];
/** A problem that was there before is no reason to refuse an edit. */
const EDITS: Exits = [2, 1, 0, 2, 2];
const CHECKS: Exits = [2, 1, 1, 2, 2];
const IGNORES: Exits = [0, 0, 0, 0, 0];

const each = <Value>(value: Value, ...names: readonly string[]): Readonly<Record<string, Value>> =>
  Object.fromEntries(names.map((name) => [name, value]));

const EXITS: Readonly<Record<string, Exits>> = {
  ...each(READS, 'serve', 'list', 'status', 'tools', 'call', 'sagas'),
  ...each(READS, 'events', 'events verify', 'events compact', 'events replay'),
  ...each(READS, 'config show', 'config diff'),
  ...each(ASKS, 'start', 'stop', 'restart', 'logs', 'reload', 'calls parked'),
  ...each(ASKS, 'groups', 'rebalance'),
  ...each(SETS_UP, 'init', 'import'),
  connect: [2, 1, 1, 1, 1],
  add: [0, 1, 0, 2, 2],
  ...each(EDITS, 'remove', 'enable', 'disable'),
  ...each(CHECKS, 'config check', 'doctor'),
  ...each(IGNORES, 'version', 'completion', 'config schema'),
};

/** Where root runs the tests, somebody else types: root may read everything. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534 } : {};
const SETUP = ['init', 'import', 'connect'];
const EDIT = ['add', 'remove', 'enable', 'disable'];

const BAD_FILES = [
  ['none.yaml', /there is no (file|configuration) /],
  ['tab.yaml', /tab\.yaml:2:1: a tab is used as indentation/],
  ['key.yaml', /key\.yaml:3:5: .*(did you mean|"fix":)/],
  ['folder.yaml', /folder\.yaml: this is a directory/],
  ['closed.yaml', /closed\.yaml: .*EACCES/],
] as const;

describe.each(BAD_FILES)('A configuration: %s', (file, what) => {
  const index = BAD_FILES.findIndex(([name]) => name === file);
  beforeAll(() => {
    rmSync(at(file), { recursive: true, force: true });
    if (file === 'tab.yaml') writeFileSync(at(file), 'mcp_servers:\n\t- a\n');
    if (file === 'key.yaml') writeFileSync(at(file), 'mcp_servers:\n  up:\n    comand: x\n');
    if (file === 'folder.yaml') mkdirSync(at(file));
    if (file === 'closed.yaml') writeFileSync(at(file), 'mcp_servers: {}\n', { mode: 0o000 });
    chmodSync(home.folder, 0o755);
  });

  it.each(NAMES)('is told by %s', async (name) => {
    const whose = { folder: home.folder, ...(file === 'closed.yaml' ? NOBODY : {}) };
    const dry = [...SETUP, ...EDIT].includes(name) ? ['--dry-run'] : [];
    const flags = [...dry, ...jsonFlag(name), '--config', at(file)];
    const outcome = await hangar(whose, ...right(name), ...flags);
    const code = EXITS[name]?.[index];
    expect([outcome.code, outcome.stderr]).toEqual([code, outcome.stderr]);
    // Of a file with mistakes doctor tells in its report.
    const isReport = code === 0 || (name === 'doctor' && code === 1);
    expect(isReport ? [] : amiss(name, outcome)).toEqual([]);
    expect(outcome.stderr).not.toMatch(STACK_TRACE);
    const absent = /^mcp-hangar: no gateway runs for .*\n {2}\S/;
    const expected = code === 0 ? /^/ : code === 3 ? absent : what;
    expect(isReport ? outcome.stdout : outcome.stderr).toMatch(expected);
  });
});

/** What becomes of a state folder that cannot be used: what needs it fails, what does not goes on without. */
const STATE_EXITS: Readonly<Record<string, number>> = {
  ...each(2, 'list', 'status', 'start', 'stop', 'restart', 'logs', 'reload'),
  ...each(2, 'calls parked', 'sagas', 'groups', 'rebalance'),
  ...each(2, 'events compact', 'events replay'),
  ...each(2, 'events', 'events verify', 'config diff', 'init', 'import', 'connect'),
  ...each(0, 'serve', 'tools', 'call', 'version', 'config check', 'config show'),
  ...each(0, 'config schema', 'completion', 'add', 'remove', 'enable', 'disable'),
  doctor: 1,
};
/** What those say of it that do not fail. */
const STATE_SAID: Readonly<Record<string, RegExp>> = {
  serve: /without the folder .*file\/state: a file is in its way/,
  doctor: /state_unusable/,
};

describe('A state folder in whose way a file is', () => {
  beforeAll(() => {
    mkdirSync(at('.cursor'), { recursive: true });
    writeFileSync(at('.cursor/mcp.json'), '{"mcpServers":{"two":{"command":"echo"}}}');
    writeFileSync(at('good.yaml'), JSON.stringify({ mcp_servers: { up: upstream() } }));
    writeFileSync(at('file'), '');
  });

  it.each(NAMES)('is told by %s', async (name) => {
    const dry = EDIT.includes(name) ? ['--dry-run'] : [];
    const place = ['--config', at('good.yaml'), '--state-dir', at('file/state')];
    const outcome = await hangar(home, ...right(name), ...dry, ...jsonFlag(name), ...place);
    const { code, stdout, stderr } = outcome;
    expect([code, stderr]).toEqual([STATE_EXITS[name], stderr]);
    expect(code === 2 ? amiss(name, outcome) : []).toEqual([]);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(stderr + stdout).toMatch(STATE_SAID[name] ?? (code === 2 ? /file\/state/ : /^/));
  });
});

describe('The table of tests', () => {
  it('has every command, and no other', () => {
    expect(Object.keys(COMMAND_TESTS).toSorted()).toEqual(NAMES.toSorted());
    expect(Object.keys(EXITS).toSorted()).toEqual(NAMES.toSorted());
    expect(Object.keys(STATE_EXITS).toSorted()).toEqual(NAMES.toSorted());
  });

  const rows = Object.entries(COMMAND_TESTS).flatMap(([name, { running, alone, json, badInput }]) =>
    [running, alone, json, badInput].flatMap((test) =>
      test === 'none' ? [] : [[name, ...test] as const],
    ),
  );

  it.each(rows)('%s: %s, "%s"', (_name, file, title) => {
    expect(readFileSync(join(ROOT, 'test/e2e', `${file}.test.ts`), 'utf8')).toContain(`'${title}'`);
  });

  it('leaves --json out only where there is none', () => {
    const without = rows.filter(([name]) => COMMAND_TESTS[name]?.json === 'none');
    expect(new Set(without.map(([name]) => name))).toEqual(WITHOUT_JSON);
  });
});
