import { assert, describe, expect, it } from 'vitest';
import type { Variables } from './client-table.ts';
import { type Conversion, convertEntry } from './convert-entry.ts';
import { entryOf } from './draft.ts';

const INPUTS = new Map([
  ['api-key', { isSecret: true, fallback: undefined }],
  ['region', { isSecret: false, fallback: 'eu' }],
]);

const convert = (
  entry: unknown,
  options: { readonly variables?: Variables; readonly project?: string } = {},
): Conversion =>
  convertEntry(entry, {
    client: { variables: options.variables ?? 'braces' },
    around: { home: '/home/ada', project: options.project, separator: '/' },
    inputs: INPUTS,
    ownUrls: ['http://127.0.0.1:8000/mcp'],
  });

function converted(...args: Parameters<typeof convert>): {
  readonly entry: unknown;
  readonly notes: readonly string[];
} {
  const conversion = convert(...args);
  assert(conversion.kind === 'server', JSON.stringify(conversion));
  return { entry: entryOf(conversion.draft), notes: conversion.notes };
}

describe('An entry of a client', () => {
  it.each([
    [
      { command: 'npx', args: ['-y', 'x'], env: { A: 'b', N: 5 }, cwd: '/srv' },
      { command: 'npx', args: ['-y', 'x'], env: { A: 'b', N: '5' }, cwd: '/srv' },
    ],
    [
      { type: 'stdio', command: '/Applications/My App/bin/x' },
      { command: ['/Applications/My App/bin/x'] },
    ],
    [
      { type: 'http', url: 'https://e.org/mcp', headers: { 'X-A': '${env:A}' } },
      {
        mode: 'remote',
        url: 'https://e.org/mcp',
        http: { headers: { 'X-A': '${A:-a-is-not-set}' } },
      },
    ],
    [{ serverUrl: 'https://e.org/mcp' }, { mode: 'remote', url: 'https://e.org/mcp' }],
    [{ httpUrl: 'https://e.org/mcp' }, { mode: 'remote', url: 'https://e.org/mcp' }],
    [
      { type: 'sse', url: 'https://e.org/sse' },
      { mode: 'remote', url: 'https://e.org/sse', transport: 'sse' },
    ],
    [
      { command: 'x', disabled: true, timeout: 30_000, description: 'd ${HOME}' },
      { description: 'd $${HOME}', enabled: false, command: 'x', call_timeout_s: 30 },
    ],
    [
      { command: 'x', enabled: false, disabledTools: ['rm'], startup_timeout_sec: 20 },
      { enabled: false, command: 'x', startup_timeout_s: 20, tools: { hide: ['rm'] } },
    ],
    [
      { source: 'custom', command: { path: 'x', args: ['a'], env: { B: 'c' } } },
      { command: 'x', args: ['a'], env: { B: 'c' } },
    ],
    [
      { url: 'https://e.org', bearer_token_env_var: 'TOK', http_headers: { 'X-B': 'c' } },
      {
        mode: 'remote',
        url: 'https://e.org',
        http: {
          headers: { 'X-B': 'c', Authorization: 'Bearer ${TOK:-tok-is-not-set}' },
        },
      },
    ],
    [
      { command: 'x', env_vars: ['A', { name: 'B' }] },
      { command: 'x', env: { A: '${A:-}', B: '${B:-}' } },
    ],
  ])('%j becomes %j', (entry, ours) => {
    expect(converted(entry)).toEqual({ entry: ours, notes: [] });
  });

  it.each([
    [{ command: 'x', trust: true }, ['"trust" is not taken over: what needs no approval']],
    [{ command: 'x', surprise: 1 }, ['"surprise" is not taken over: it has no counterpart']],
    [{ command: 'x', includeTools: ['a'] }, ['"includeTools" is not taken over']],
    [{ command: 'x', env: { A: null } }, ['"env.A" is not taken over: it is no text']],
    [{ command: 'x', env: { '': 'a', 'A=B': 'b' } }, ['"env." is not', '"env.A=B" is not']],
    [{ command: 'x', url: 'https://e.org' }, ['"url" is not taken over']],
    [{ command: 'x', timeout: 'long' }, ['"timeout" is not taken over: it is no number']],
    [
      { url: 'https://e.org', headers: { 'Content-Type': 'application/json' } },
      ['"headers.Content-Type" is not taken over: the gateway sets it itself'],
    ],
    [{ command: './bin/x' }, ['its command is relative']],
    [
      { command: 'x', env: { K: '${input:api-key}', R: '${input:region}' } },
      ['VS Code asked for "api-key", a secret', 'VS Code asked for "region": now it is'],
    ],
  ])('%j is taken over, and says what is not', (entry, parts) => {
    const { notes } = converted(entry);
    expect(notes).toHaveLength(parts.length);
    for (const [index, part] of parts.entries()) expect(notes[index]).toContain(part);
  });

  it('of VS Code gets variables in the place of questions', () => {
    const { entry } = converted({
      command: 'x',
      env: { K: '${input:api-key}', R: '${input:region}' },
    });
    expect(entry).toEqual({ command: 'x', env: { K: '${API_KEY:-}', R: '${REGION:-eu}' } });
  });

  it('of a folder runs there where it needs to', () => {
    const project = '/home/ada/shop';
    expect(converted({ command: 'node', args: ['tools/db.js'] }, { project }).entry).toEqual({
      command: 'node',
      args: ['tools/db.js'],
      cwd: project,
    });
    expect(converted({ command: './bin/x', cwd: 'sub' }, { project }).entry).toEqual({
      command: `${project}/bin/x`,
      cwd: `${project}/sub`,
    });
    expect(converted({ command: 'npx', args: ['-y', '@a/b'] }, { project }).entry).toEqual({
      command: 'npx',
      args: ['-y', '@a/b'],
    });
  });

  it.each([
    ['text', 'it is no mapping'],
    [{}, 'it has neither a command nor a url'],
    [{ command: '' }, 'its "command" is no text'],
    [{ command: 'x', args: 'a b' }, 'its "args" is no list'],
    [{ command: 'x', args: [{}] }, 'its "args" holds what is no text'],
    [{ command: 'x', env: ['A=b'] }, 'its "env" is no mapping'],
    [{ type: 'ws', url: 'wss://e.org' }, 'its transport "ws" is not supported'],
    [{ url: 'ftp://e.org' }, 'its url is no http or https URL'],
    [{ command: 'x', args: ['${workspaceFolder}'] }, '${workspaceFolder} means something'],
    [{ source: 'extension', settings: {} }, 'it belongs to an extension'],
  ])('%j is refused: %s', (entry, reason) => {
    const conversion = convert(entry);
    assert(conversion.kind === 'refused');
    expect(conversion.reason).toContain(reason);
  });

  it('that is this gateway is told apart', () => {
    expect(convert({ command: 'npx', args: ['mcp-hangar'] }).kind).toBe('gateway');
    expect(convert({ url: 'http://localhost:8000/mcp' }).kind).toBe('gateway');
  });
});
