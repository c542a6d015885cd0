/** `mcp-hangar add`, `remove`, `enable`, `disable`: what they refuse, and what they say then. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EmptyHome, hangar } from '../support/command-line.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
});

function empty(): EmptyHome {
  const home = new EmptyHome();
  opened.push(home);
  return home;
}

const FILE = `# ours
mcp_servers:
  files: # reads
    command:   [npx, -y, 'server-files']

  web:
    mode: remote
    endpoint: "https://web.example/mcp"

# not ours
http: {port: 8123}
`;
function written(text = FILE): { readonly home: EmptyHome; readonly file: string } {
  const home = empty();
  const file = join(home.folder, 'hangar.yaml');
  writeFileSync(file, text);
  return { home, file };
}

const read = (file: string): string => readFileSync(file, 'utf8');

describe('What is refused', () => {
  it.each([
    [['remove', 'flies'], 'no MCP server "flies" in', 'did you mean "files"?'],
    [['enable', 'nothing-like-it'], 'no MCP server "nothing-like-it" in', 'there are files, web'],
    [['add', 'bad__id', '--', 'x'], 'bad id "bad__id"', 'write "bad_id"'],
    [
      ['add', 'a', '-t', 'htp', 'https://a.example'],
      'Allowed choices are stdio, http, sse, streamable-http.',
      'Help: mcp-hangar add --help',
    ],
    [
      ['add', 'a', '-t', 'http', 'x'],
      '-t http takes one http or https URL',
      'nothing else behind the name',
    ],
    [
      ['add', 'a', '-e', 'no name=x', '--', 'x'],
      'a variable is no NAME=value',
      'write -e NAME=value, or -e NAME',
    ],
    [['add', 'a', 'https://a.example', '-e', 'A=b'], '-e is of local servers', 'leave it out'],
    [['add', 'a', '-H', 'X: y', '--', 'x'], '-H is of remote servers', ''],
    [['add', 'a', '--sharing', 'all', '--', 'x'], 'Allowed choices are auto, shared, session.', ''],
    [
      ['add', 'a', 'https://a.example', '-H', 'Content-Type: x'],
      'the header "Content-Type" is the transport\'s own',
      'nothing was written',
    ],
    [
      ['add', 'a', 'npx', '-y', 'x'],
      "unknown option '-y'",
      'Options of the server stand behind --',
    ],
    [['add', 'a'], "missing required argument 'command-or-url'", 'Help: mcp-hangar add --help'],
    [['remove'], "missing required argument 'servers'", 'Help: mcp-hangar remove --help'],
    [['disable', 'files', '--dry-rum'], "unknown option '--dry-rum'", 'Did you mean --dry-run?'],
  ])('%j says what and how to get it right', async (args, what, fix) => {
    const { home, file } = written();
    const { code, stdout, stderr } = await hangar(
      { folder: home.folder, env: { MCP_CONFIG: file } },
      ...args,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(what);
    expect(stderr).toContain(fix);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(read(file)).toBe(FILE);
  });

  it('is a file that is no configuration, with its place', async () => {
    const { home, file } = written('mcp_servers:\n\t- a\n');
    const { code, stderr } = await hangar(home, 'add', '-c', file, 'a', '--', 'x');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /hangar\.yaml:2:1: .*\n1 problem in the configuration; nothing was written\n$/,
    );
  });

  it('is not the repair of a file that has problems', async () => {
    const { home, file } = written(
      'mcp_servers:\n  bad:\n    comand: x\n  good:\n    command: x\n  worse:\n    mode: none\n',
    );
    const { code, stderr } = await hangar(home, 'remove', '-c', file, 'bad');
    expect(code).toBe(0);
    expect(stderr).toContain(
      'note: the file had 1 problem before, and has it still: mcp-hangar config check',
    );
  });

  it('is every change where there is no file', async () => {
    expect(await hangar(empty(), 'remove', 'a')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'mcp-hangar: there is no configuration file\n  name one with --config FILE; `mcp-hangar add` makes one\n',
    });
  });

  it.each(['add', 'remove', 'enable', 'disable'])(
    'is explained by the help of %s, with examples',
    async (name) => {
      const { code, stdout } = await hangar(empty(), name, '--help');
      expect(code).toBe(0);
      expect(stdout).toContain(`Examples:\n  $ mcp-hangar ${name} `);
    },
  );
});
