import { assert, describe, expect, it } from 'vitest';
import { formatProblem } from '../problem.ts';
import type { ConfigEdit } from './config-edit.ts';
import { editConfig, writtenServers } from './edit-config.ts';

const github: ConfigEdit = {
  kind: 'set',
  id: 'github',
  server: { command: 'npx', args: ['-y', '@x/github'], env: { TOKEN: '${GITHUB_TOKEN}' } },
};
const remove = (id: string): ConfigEdit => ({ kind: 'remove', id });
const enable = (id: string, enabled: boolean): ConfigEdit => ({ kind: 'enable', id, enabled });

function edited(text: string | undefined, ...edits: readonly ConfigEdit[]): string {
  const result = editConfig({ file: 'config.yaml', text }, edits);
  assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
  return result.value;
}

function refusal(text: string, ...edits: readonly ConfigEdit[]): readonly string[] {
  const result = editConfig({ file: 'config.yaml', text }, edits);
  assert(!result.ok, result.ok ? result.value : '');
  return result.error.map(formatProblem);
}

const YAML = `# our servers
mcp_servers:

  # reads files
  files: # the first
    command: [npx, -y, 'files']   # odd   spacing
    # args: [demo]

  web:
    mode: remote
    url: "https://web.example/mcp"

# the endpoint
http:
  port: 8123
`;
const GITHUB = `  github:
    command: npx
    args: [-y, "@x/github"]
    env:
      TOKEN: \${GITHUB_TOKEN}
`;

describe('A new server', () => {
  it('goes behind the last one, indented and spaced as the others are', () => {
    expect(edited(YAML, github)).toBe(
      YAML.replace('\n# the endpoint', `\n${GITHUB}\n# the endpoint`),
    );
  });

  it('begins a file that is not there, is empty, or has comments only', () => {
    expect(edited(undefined, github)).toBe(`mcp_servers:\n${GITHUB}`);
    expect(edited('', github)).toBe(`mcp_servers:\n${GITHUB}`);
    expect(edited('# mine', github)).toBe(`# mine\nmcp_servers:\n${GITHUB}`);
  });

  it.each([
    ['mcp_servers:\n', `mcp_servers:\n${GITHUB}`],
    ['mcp_servers: # none yet\n', `mcp_servers: # none yet\n${GITHUB}`],
    ['mcp_servers: {} # none yet\n', `mcp_servers: # none yet\n${GITHUB}`],
    [
      'mcp_servers:\n  # a:\n  #   command: x\nhttp: {}\n',
      `mcp_servers:\n  # a:\n  #   command: x\n${GITHUB}http: {}\n`,
    ],
    ['providers:\n', `providers:\n${GITHUB}`],
    ['http:\n  port: 1\n', `http:\n  port: 1\n\nmcp_servers:\n${GITHUB}`],
  ])('fills %j', (text, expected) => {
    expect(edited(text, github)).toBe(expected);
  });

  it('keeps the line ends, the indentation and the missing line end of the file', () => {
    const text = "mcp_servers:\r\n    a:\r\n        command: 'x'\r\n        args: ['y']";
    expect(edited(text, github)).toBe(
      `${text}\r\n    github:\r\n        command: npx\r\n        args: [-y, '@x/github']\r\n        env:\r\n            TOKEN: \${GITHUB_TOKEN}`,
    );
  });

  it('goes into the map that is there, whatever its name', () => {
    expect(edited('providers:\n  a:\n    command: x\n', github)).toBe(
      `providers:\n  a:\n    command: x\n${GITHUB}`,
    );
  });

  it('is JSON in JSON', () => {
    expect(edited('{}', { kind: 'set', id: 'a', server: { command: 'x' } })).toBe(
      '{\n  "mcp_servers": {\n    "a": {\n      "command": "x"\n    }\n  }\n}',
    );
    expect(
      edited('{\n\t"mcp_servers": {\n\t\t"a": {"command": "x"}\n\t}\n}\n', {
        kind: 'set',
        id: 'b',
        server: { command: 'y', args: ['z'] },
      }),
    ).toBe(
      '{\n\t"mcp_servers": {\n\t\t"a": {"command": "x"},\n\t\t"b": {\n\t\t\t"command": "y",\n\t\t\t"args": [\n\t\t\t\t"z"\n\t\t\t]\n\t\t}\n\t}\n}\n',
    );
    expect(edited('{"mcp_servers":{"a":{"command":"x"}}}', github)).toBe(
      '{"mcp_servers":{"a":{"command":"x"}, "github": { "command": "npx", "args": [ "-y", "@x/github" ], "env": { "TOKEN": "${GITHUB_TOKEN}" } }}}',
    );
    expect(
      edited('{\n  "mcp_servers": {}\n}\n', { kind: 'set', id: 'a', server: { command: 'x' } }),
    ).toBe('{\n  "mcp_servers": {\n    "a": {\n      "command": "x"\n    }\n  }\n}\n');
  });

  it('stands beside flow mappings with comments and a comma at the end', () => {
    const text =
      'mcp_servers: {\n  a: {command: x}, # the first\n  b: {command: y} # the second\n}\n';
    expect(edited(text, { kind: 'set', id: 'c', server: { command: 'z' } })).toBe(
      'mcp_servers: {\n  a: {command: x}, # the first\n  b: {command: y}, # the second\n  c: {\n    "command": "z"\n  }\n}\n',
    );
    const closed = text.replace('y} #', 'y}, #');
    expect(edited(closed, { kind: 'set', id: 'c', server: { command: 'z' } })).toBe(
      'mcp_servers: {\n  a: {command: x}, # the first\n  b: {command: y}, # the second\n  c: {\n    "command": "z"\n  },\n}\n',
    );
  });
});

describe('A server that is replaced', () => {
  it('keeps its place, its key and what stands around it', () => {
    expect(edited(YAML, { kind: 'set', id: 'files', server: { command: 'y' } })).toBe(
      YAML.replace(/ {4}command: \[npx.*\n.*\[demo\]\n/, '    command: y\n'),
    );
    expect(
      edited('mcp_servers:\n  a: {command: x} # short\n', {
        kind: 'set',
        id: 'a',
        server: { command: 'y' },
      }),
    ).toBe('mcp_servers:\n  a:\n    command: y\n');
    expect(
      edited('{"mcp_servers": {"a": {"command": "x"}, "b": {}}}', {
        kind: 'set',
        id: 'a',
        server: { command: 'y' },
      }),
    ).toBe('{"mcp_servers": {"a": { "command": "y" }, "b": {}}}');
  });
});

describe('A server that is removed', () => {
  it('goes with the comments inside it; those above it stay', () => {
    expect(edited(YAML, remove('files'))).toBe(YAML.replace(/ {2}files:[^]*\[demo\]\n/, ''));
    expect(edited(YAML, remove('web'))).toBe(YAML.replace(/ {2}web:[^]*mcp"\n\n/, ''));
  });

  it('leaves an empty mapping where it was the last', () => {
    expect(
      edited('mcp_servers: # mine\n  a:\n    command: x\nhttp:\n  port: 1\n', remove('a')),
    ).toBe('mcp_servers: {} # mine\nhttp:\n  port: 1\n');
    expect(edited('{"mcp_servers": {\n  "a": {"command": "x"}\n}}', remove('a'))).toBe(
      '{"mcp_servers": {}}',
    );
    expect(edited('mcp_servers: {}\n', github)).toBe(`mcp_servers:\n${GITHUB}`);
  });

  it('goes with its comma in a flow mapping', () => {
    const text = '{\n  "mcp_servers": {\n    "a": {},\n    "b": {},\n    "c": {}\n  }\n}\n';
    expect(edited(text, remove('a'))).toBe(text.replace('    "a": {},\n', ''));
    expect(edited(text, remove('b'))).toBe(text.replace('    "b": {},\n', ''));
    expect(edited(text, remove('c'))).toBe(text.replace(',\n    "c": {}', ''));
    expect(edited('mcp_servers: {a: {}, b: {}, c: {},}', remove('c'))).toBe(
      'mcp_servers: {a: {}, b: {},}',
    );
  });

  it('does not lengthen a text that stands before it', () => {
    const text =
      'mcp_servers:\n  a:\n    description: |+\n      long\n\n  b:\n    command: x\n\n  c:\n    command: y\n';
    expect(edited(text, remove('b'))).toBe(text.replace('  b:\n    command: x\n\n', ''));
  });
});

describe('A server that is switched off and on', () => {
  it('says so in its first line', () => {
    const off = YAML.replace('# the first\n', '# the first\n    enabled: false\n');
    expect(edited(YAML, enable('files', false))).toBe(off);
    expect(edited(off, enable('files', true))).toBe(off.replace('enabled: false', 'enabled: true'));
    expect(edited(off, enable('files', false))).toBe(off);
    expect(edited(YAML, enable('files', true))).toBe(YAML);
  });

  it.each([
    ['mcp_servers:\n  a: {command: x}\n', 'mcp_servers:\n  a: {enabled: false, command: x}\n'],
    ['mcp_servers:\n  a: {}\n', 'mcp_servers:\n  a: { enabled: false }\n'],
    ['mcp_servers:\n  a:\n  b:\n', 'mcp_servers:\n  a:\n    enabled: false\n  b:\n'],
    [
      'mcp_servers:\n  a:\n    command: x',
      'mcp_servers:\n  a:\n    enabled: false\n    command: x',
    ],
    [
      'mcp_servers:\n  a:\n    command: x\n    enabled: true # for now\n',
      'mcp_servers:\n  a:\n    command: x\n    enabled: false # for now\n',
    ],
    [
      '.b: &b {command: x}\nmcp_servers:\n  a: *b\n',
      '.b: &b {command: x}\nmcp_servers:\n  a: { <<: *b, enabled: false }\n',
    ],
    [
      '.b: &b\n  enabled: true\nmcp_servers:\n  a:\n    <<: *b\n',
      '.b: &b\n  enabled: true\nmcp_servers:\n  a:\n    enabled: false\n    <<: *b\n',
    ],
    [
      'mcp_servers:\n  a:\n    &here\n    command: x\n',
      'mcp_servers:\n  a:\n    &here\n    enabled: false\n    command: x\n',
    ],
    [
      '{\n  "mcp_servers": {\n    "a": {\n      "command": "x"\n    }\n  }\n}\n',
      '{\n  "mcp_servers": {\n    "a": {\n      "enabled": false,\n      "command": "x"\n    }\n  }\n}\n',
    ],
  ])('is written into %j', (text, expected) => {
    expect(edited(text, enable('a', false))).toBe(expected);
  });
});

describe('What cannot be edited', () => {
  it.each([
    [
      'mcp_servers: "x',
      github,
      ['config.yaml:1:16: a closing quote, bracket or comma is missing (close what was opened)'],
    ],
    [
      '- a',
      github,
      [
        'config.yaml:1:1: this cannot be edited here: it is no mapping that can be read (run: mcp-hangar config check)',
      ],
    ],
    [
      'mcp_servers:\n  github:\n    command: x\n',
      remove('githbu'),
      ['config.yaml: no MCP server has the id "githbu" (did you mean "github"?)'],
    ],
    ['mcp_servers:\n', remove('a'), ['config.yaml: no MCP server has the id "a" (there are none)']],
    [
      'mcp_servers:\n  a: &a\n    command: x\n  b: *a\n',
      enable('a', false),
      [
        'config.yaml:2:3: mcp_servers.a: the entry is written in a way that cannot be changed without changing others (change it by hand; anchors (&name) and merge keys (<<) tie entries together)',
      ],
    ],
    [
      'mcp_servers: [a]\n',
      github,
      [
        'config.yaml:1:1: mcp_servers.github: the entry is written in a way that cannot be changed without changing others (change it by hand; anchors (&name) and merge keys (<<) tie entries together)',
      ],
    ],
  ])('%j is refused with the place and what to do', (text, edit, problems) => {
    expect(refusal(text, edit)).toEqual(problems);
  });
});

describe('The servers of a text', () => {
  it('are listed in the order in which they are written, with those that are switched off', () => {
    const text = 'mcp_servers:\n  b:\n    enabled: false\n  a: {}\nproviders:\n  c:\n';
    expect(writtenServers({ file: 'config.yaml', text })).toEqual({
      ok: true,
      value: [
        { id: 'b', enabled: false },
        { id: 'a', enabled: true },
        { id: 'c', enabled: true },
      ],
    });
  });
});
