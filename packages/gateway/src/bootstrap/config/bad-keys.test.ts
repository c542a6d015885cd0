import { describe, expect, it } from 'vitest';

import { loadGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';

/** Pins: what an operator reads for each mistake, with file, line, column, key and the way out. */

interface BadConfig {
  readonly mistake: string;
  readonly text: string;
  readonly says: readonly string[];
}

const server = (lines: string): string => `mcp_servers:\n  math:\n    command: python\n${lines}`;

const TABLE: readonly BadConfig[] = [
  {
    mistake: 'a misspelt key of a server',
    text: 'mcp_servers:\n  math:\n    mode: subprocess\n    comand: [python]\n',
    says: [
      'config.yaml:4:5: mcp_servers.math.comand: unknown key "comand" (did you mean "command"?)',
    ],
  },
  {
    mistake: 'a misspelt block',
    text: 'mcp_server:\n  math:\n    command: python\n',
    says: ['config.yaml:1:1: mcp_server: unknown key "mcp_server" (did you mean "mcp_servers"?)'],
  },
  {
    mistake: 'the map name of other hosts',
    text: 'mcpServers:\n  math:\n    command: python\n',
    says: ['config.yaml:1:1: mcpServers: unknown key "mcpServers" (did you mean "mcp_servers"?)'],
  },
  {
    mistake: 'swapped letters',
    text: server('    idle_tlt_s: 60\n'),
    says: [
      'config.yaml:4:5: mcp_servers.math.idle_tlt_s: unknown key "idle_tlt_s" (did you mean "idle_ttl_s"?)',
    ],
  },
  {
    mistake: 'lost indentation',
    text: 'cloud:\nenabled: true\nproviders:\nfilesystem:\ncommand: [npx]\n',
    says: [
      'config.yaml:2:1: enabled: unknown key "enabled" (indent it to put it under "cloud")',
      'config.yaml:4:1: filesystem: unknown key "filesystem" (indent it to put it under "providers")',
      'config.yaml:5:1: command: unknown key "command" (it belongs under "mcp_servers.ID")',
    ],
  },
  {
    mistake: 'a key of a block at the top level',
    text: 'mcp_servers: {}\nallowed_hosts: [a]\n',
    says: ['config.yaml:2:1: allowed_hosts: unknown key "allowed_hosts" (it belongs under "http")'],
  },
  {
    mistake: 'a key of the top level in a server',
    text: server('    logging: {level: debug}\n'),
    says: [
      'config.yaml:4:5: mcp_servers.math.logging: unknown key "logging" (it belongs at the top level)',
    ],
  },
  {
    mistake: 'an id with a digit first',
    text: 'mcp_servers:\n  9math: {command: python}\n',
    says: [
      'config.yaml:2:3: mcp_servers.9math: bad id "9math": an id matches ^[A-Za-z][A-Za-z0-9_-]{0,63}$ (write "math")',
    ],
  },
  {
    mistake: 'an id with the separator',
    text: 'mcp_servers:\n  my__math: {command: python}\n',
    says: [
      'config.yaml:2:3: mcp_servers.my__math: bad id "my__math": "__" is reserved as the separator of server and tool (write "my_math")',
    ],
  },
  {
    mistake: 'an id that ends with an underscore',
    text: 'mcp_servers:\n  math_: {command: python}\n',
    says: [
      'config.yaml:2:3: mcp_servers.math_: bad id "math_": an id may not end with "_" (write "math")',
    ],
  },
  {
    mistake: 'an id with a space',
    text: 'providers:\n  my math: {command: python}\n',
    says: [
      'config.yaml:2:3: providers["my math"]: bad id "my math": an id matches ^[A-Za-z][A-Za-z0-9_-]{0,63}$ (write "my-math")',
    ],
  },
  {
    mistake: 'the same id in both maps',
    text: 'mcp_servers:\n  math: {command: python}\nproviders:\n  math: {command: python}\n',
    says: [
      'config.yaml:4:3: providers.math: the id "math" is in both mcp_servers and providers (keep one; the other is in line 2)',
    ],
  },
  {
    mistake: 'a key given twice',
    text: server('    command: node\n'),
    says: [
      'config.yaml:4:5: mcp_servers.math.command: the key "command" is given twice (keep one; the first is in line 3)',
    ],
  },
  {
    mistake: 'an id given twice',
    text: 'mcp_servers:\n  math: {command: a}\n  math: {command: b}\n',
    says: [
      'config.yaml:3:3: mcp_servers.math: the key "math" is given twice (keep one; the first is in line 2)',
    ],
  },
  {
    mistake: 'no servers',
    text: 'logging: {level: debug}\n',
    says: [
      'config.yaml:1:1: mcp_servers: missing (add "mcp_servers:" with one indented entry for each server, or set discovery.enabled: true)',
    ],
  },
  {
    mistake: 'an empty file',
    text: '',
    says: [
      'config.yaml:1:1: mcp_servers: missing (add "mcp_servers:" with one indented entry for each server, or set discovery.enabled: true)',
    ],
  },
  {
    mistake: 'a server without content',
    text: 'mcp_servers:\n  math:\n',
    says: [
      'config.yaml:2:3: mcp_servers.math: expected a mapping, got nothing (write "key: value" lines, indented below it)',
    ],
  },
  {
    mistake: 'a server without a command',
    text: 'mcp_servers:\n  math: {description: adds}\n',
    says: [
      'config.yaml:2:3: mcp_servers.math.command: missing (add "command: [program, argument]")',
    ],
  },
  {
    mistake: 'a mode without what it needs',
    text: 'mcp_servers:\n  a: {mode: container}\n  b: {mode: http}\n  c: {mode: group}\n  d: {mode: stdio}\n',
    says: [
      'config.yaml:2:3: mcp_servers.a.image: missing, and mode "container" needs it (add "image: NAME")',
      'config.yaml:3:3: mcp_servers.b.endpoint: missing, and mode "remote" needs it (add "endpoint: https://…")',
      'config.yaml:4:3: mcp_servers.c.members: missing, and mode "group" needs it (add "members:" with a list of ids)',
      'config.yaml:5:3: mcp_servers.d.command: missing, and mode "subprocess" needs it (add "command: [program, argument]")',
    ],
  },
  {
    mistake: 'an image without a mode',
    text: 'mcp_servers:\n  sqlite: {image: sqlite}\n',
    says: ['config.yaml:2:3: mcp_servers.sqlite.mode: missing (add "mode: container")'],
  },
  {
    mistake: 'a key and its alias',
    text: 'mcp_servers:\n  a: {mode: docker, image: a, network: none, network_mode: host}\n',
    says: [
      'config.yaml:2:46: mcp_servers.a.network_mode: "network_mode" means the same as "network", which is given too (keep "network")',
    ],
  },
  {
    mistake: 'an unclosed quote in a command, without showing it',
    text: 'mcp_servers:\n  a:\n    command: run --token "abc\n',
    says: [
      'config.yaml:3:5: mcp_servers.a.command: the command line has an unclosed " (close it, or write a list: [program, argument])',
    ],
  },
  {
    mistake: 'a predefined tool without a name',
    text: server('    tools:\n      - {description: adds}\n'),
    says: [
      'config.yaml:5:9: mcp_servers.math.tools[0].name: missing (add "name": Name, as the server knows it)',
    ],
  },
  {
    mistake: 'a predefined tool given twice',
    text: server('    tools:\n      - {name: add}\n      - {name: add}\n'),
    says: [
      'config.yaml:6:10: mcp_servers.math.tools[1].name: the tool "add" is given twice (keep one; the first is in line 5)',
    ],
  },
  {
    mistake: 'two lists of predefined tools',
    text: server('    tools: []\n    predefined_tools: []\n'),
    says: [
      'config.yaml:4:5: mcp_servers.math.tools: a list here means the same as "predefined_tools", which is given too (keep "predefined_tools")',
    ],
  },
];

describe('a configuration with what is missing, misspelt or misplaced', () => {
  it.each(TABLE)('is refused: $mistake', ({ text, says }) => {
    const result = loadGatewayConfig({ path: 'config.yaml', text, env: {} });
    expect(result.ok ? [] : result.error.map(formatProblem)).toEqual(says);
  });
});
