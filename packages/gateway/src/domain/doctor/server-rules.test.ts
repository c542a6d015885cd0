import { describe, expect, test } from 'vitest';
import { FINDINGS, type Finding } from './finding.ts';
import type { ListFacts, ServerCheck } from './server-check.ts';
import { judgeServer } from './server-rules.ts';

const hash = (text: string): string => text.length.toString(16).padStart(8, '0');
const CONFIGURED: ServerCheck['configured'] = {
  id: 'files',
  envUnset: [],
  envEmpty: [],
  pathsMissing: [],
  startupTimeoutMs: 30_000,
  predefinedTools: [],
  isTlsUnverified: false,
  isCredentialUnprotected: false,
};
const WELL: ServerCheck = {
  configured: CONFIGURED,
  timings: { spawn: 10, handshake: 100, firstList: 5, secondList: 4, stop: 20 },
  hello: {
    era: 'legacy',
    revision: '2025-11-25',
    name: 'x',
    version: '1',
    capabilities: ['tools'],
  },
  output: { noiseLines: 0, noise: undefined, errors: [], errorLines: 0 },
  ending: { by: 'stdin', escaped: [] },
};
const listing = (...names: readonly string[]): ListFacts => ({
  tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })),
  bytes: 100,
  incomplete: undefined,
  isStable: true,
});
const judged = (check: Partial<ServerCheck>): readonly Finding[] =>
  judgeServer({ ...WELL, list: listing('read'), ...check }, { hash });
const configured = (facts: Partial<ServerCheck['configured']>): Partial<ServerCheck> => ({
  configured: { ...CONFIGURED, ...facts },
});

test('nothing is said of a server that is well', () => {
  expect(judged({})).toEqual([]);
});

test('level and risk are those of the id', () => {
  const [only] = judged({ list: listing('a b') });
  const { level, risk } = FINDINGS.tool_name_invalid;
  expect(only).toMatchObject({ id: 'tool_name_invalid', level, risk });
});

const COMMAND: NonNullable<ServerCheck['command']> = {
  configured: 'docker',
  file: '/usr/bin/docker',
  via: undefined,
  runtime: 'docker',
  runtimeVersion: '28.0.0',
  daemon: 'silent',
};
const npx = { ...COMMAND, configured: 'npx', runtime: 'npx', daemon: undefined };
const failure = { id: 'crashed', message: 'it ended', fix: 'mend it' } as const;

describe('what was seen is judged', () => {
  test.each<[string, Partial<ServerCheck>, readonly string[]]>([
    ['a server that is switched off', { notStarted: 'disabled' }, ['disabled']],
    ['a start that failed', { startFailure: failure }, ['crashed']],
    ['a daemon that is silent', { command: COMMAND }, ['container_runtime_down']],
    [
      'a daemon that is silent, and named by the failure',
      { command: COMMAND, startFailure: { ...failure, id: 'container_runtime_down' } },
      ['container_runtime_down'],
    ],
    ['npx that has to look', { command: npx }, ['runner_downloads']],
    ['npx that failed', { command: npx, startFailure: failure }, ['crashed']],
    ['variables', configured({ envUnset: ['A'], envEmpty: ['B'] }), ['env_unset', 'env_empty']],
    ['paths', configured({ pathsMissing: ['./x'] }), ['path_missing_in_args']],
    ['TLS', configured({ isTlsUnverified: true }), ['tls_not_verified']],
    ['a credential', configured({ isCredentialUnprotected: true }), ['credential_unprotected']],
    ['a slow start', { timings: { spawn: 1_000, handshake: 15_000 } }, ['start_slow']],
    ['a slow list', { timings: { firstList: 6_000 } }, ['list_slow']],
    ['a list that fails', { listFailure: { message: 'm', fix: undefined } }, ['list_failed']],
    ['half a list', { list: { ...listing('a'), incomplete: 'more' } }, ['list_incomplete']],
    ['two lists', { list: { ...listing('a'), isStable: false } }, ['list_unstable']],
    ['no tools', { list: listing() }, ['tools_none']],
    ['a declared tool', configured({ predefinedTools: ['read', 'gone'] }), ['predefined_unknown']],
    ['a double name', { list: listing('a', 'a') }, ['tool_name_collision']],
    ['a large list', { list: { ...listing('a'), bytes: 100_000 } }, ['tools_list_large']],
    [
      'many tools',
      { list: listing(...Array.from({ length: 129 }, (_, n) => `t${n}`)) },
      ['tools_many'],
    ],
    [
      'noise and errors',
      { output: { noiseLines: 2, noise: 'hi', errors: ['error: x'], errorLines: 3 } },
      ['stdout_polluted', 'stderr_errors'],
    ],
    [
      'noise of one that did not start: its diagnosis tells',
      {
        startFailure: failure,
        output: { noiseLines: 2, noise: 'hi', errors: ['error: x'], errorLines: 3 },
      },
      ['crashed'],
    ],
    ['an early end', { ending: { by: 'itself', escaped: [] } }, ['ended_early']],
    ['an end by SIGTERM', { ending: { by: 'sigterm', escaped: [] } }, ['ignores_stdin_end']],
    ['an end by SIGKILL', { ending: { by: 'sigkill', escaped: [] } }, ['ignores_sigterm']],
    ['what outlives it', { ending: { by: 'stdin', escaped: ['x'] } }, ['processes_escape']],
    [
      'a call that failed',
      { call: { tool: 't', failure: 'gone', toolError: undefined } },
      ['call_failed'],
    ],
    [
      'a call with an error',
      { call: { tool: 't', failure: undefined, toolError: 'no' } },
      ['call_tool_error'],
    ],
    ['a call', { call: { tool: 't', failure: undefined, toolError: undefined } }, []],
  ])('%s', (_, check, ids) => {
    expect(judged(check).map(({ id }) => id)).toEqual(ids);
  });

  test('the worst stands first', () => {
    const findings = judged({ ...configured({ envEmpty: ['B'] }), startFailure: failure });
    expect(findings.map(({ level }) => level)).toEqual(['error', 'warning']);
  });
});

describe('names that are too long', () => {
  const nameOf = (length: number): string => 'n'.repeat(length);

  test('say how short the id would have to be', () => {
    const [only] = judged({ list: listing(nameOf(57), nameOf(58), 'read') });
    expect(only).toMatchObject({
      id: 'tool_name_long',
      message: expect.stringMatching(
        /^1 tool name of more than 64 .*; clients see "files__n+_\w{8}"$/,
      ),
      fix: 'give the server an id of at most 4 characters, or let clients connect to its own path /mcp/files',
    });
    expect(judged({ list: listing(nameOf(57)) })).toEqual([]);
  });

  test('that no id can help say so', () => {
    const [only] = judged({ list: listing(nameOf(62)) });
    expect(only?.fix).toBe(
      'let clients connect to its own path /mcp/files, where no id stands in front',
    );
  });

  test('that are shortened to the same name collide', () => {
    const same = (): string => '00000000';
    const list = listing(`${nameOf(60)}a`, `${nameOf(60)}b`);
    const ids = judgeServer({ ...WELL, list }, { hash: same }).map(({ id }) => id);
    expect(ids).toEqual(['tool_name_collision', 'tool_name_long']);
  });
});
