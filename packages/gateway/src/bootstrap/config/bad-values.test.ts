import { describe, expect, it } from 'vitest';

import { loadGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';

/** Pins: what an operator reads for each mistake, with file, line, column, key and the way out. */

interface BadConfig {
  readonly mistake: string;
  readonly text: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly says: readonly string[];
}

const server = (lines: string): string => `mcp_servers:\n  math:\n    command: python\n${lines}`;

const TABLE: readonly BadConfig[] = [
  {
    mistake: 'a number above its range',
    text: server('    idle_ttl_s: 86401\n'),
    says: [
      'config.yaml:4:17: mcp_servers.math.idle_ttl_s: expected a whole number from 0 to 86400, got 86401 (leave it out for the default, 300)',
    ],
  },
  {
    mistake: 'a number below its range',
    text: server('    leased_children_max: 0\n'),
    says: [
      'config.yaml:4:26: mcp_servers.math.leased_children_max: expected a whole number from 1 to 64, got 0 (leave it out for the default, 8)',
    ],
  },
  {
    mistake: 'a fraction for a whole number',
    text: server('    idle_ttl_s: 1.5\n'),
    says: [
      'config.yaml:4:17: mcp_servers.math.idle_ttl_s: expected a whole number from 0 to 86400, got 1.5 (leave it out for the default, 300)',
    ],
  },
  {
    mistake: 'a number in quotes',
    text: server('    call_timeout_s: "60"\n'),
    says: [
      'config.yaml:4:21: mcp_servers.math.call_timeout_s: expected a number from 0.1 to 86400, got "60" (remove the quotes)',
    ],
  },
  {
    mistake: 'a boolean of YAML 1.1',
    text: 'mcp_servers: {}\nlogging:\n  json_format: yes\n',
    says: ['config.yaml:3:16: logging.json_format: expected true or false, got "yes" (write true)'],
  },
  {
    mistake: 'results in Redis',
    text: 'mcp_servers: {}\ntruncation:\n  cache_driver: redis\n  redis_url: redis://localhost\n',
    says: [
      'config.yaml:3:3: truncation.cache_driver: this build cannot keep results in Redis (write "cache_driver: memory", or leave it out)',
    ],
  },
  {
    mistake: 'a share of a result that is too small to say anything',
    text: 'mcp_servers: {}\ntruncation:\n  min_per_response_bytes: 1\n',
    says: [
      'config.yaml:3:27: truncation.min_per_response_bytes: expected a whole number from 256 to 1073741824, got 1 (leave it out for the default, 10000)',
    ],
  },
  {
    mistake: 'a misspelt choice',
    text: server('    sharing: sesion\n'),
    says: [
      'config.yaml:4:14: mcp_servers.math.sharing: expected one of auto, shared, session, got "sesion" (did you mean "session"?)',
    ],
  },
  {
    mistake: 'an unknown mode',
    text: 'mcp_servers:\n  math: {mode: magic, command: a}\n',
    says: [
      'config.yaml:2:16: mcp_servers.math.mode: expected one of subprocess, stdio, container, docker, podman, remote, http, sse, streamable_http, group, got "magic" (How the server is run; subprocess when there is a `command`)',
    ],
  },
  {
    mistake: 'text where a list is wanted',
    text: server('    args: --fast\n'),
    says: [
      'config.yaml:4:11: mcp_servers.math.args: expected a list of at most 100, got "--fast" (write a list: [ … ])',
    ],
  },
  {
    mistake: 'a list where a mapping is wanted',
    text: server('    env: [TOKEN=abc]\n'),
    says: [
      'config.yaml:4:10: mcp_servers.math.env: expected a mapping, got a list of 1 (write "key: value" lines, indented below it)',
    ],
  },
  {
    mistake: 'a mapping where text is wanted, without showing what may be secret',
    text: server('    env:\n      TOKEN: {value: abc}\n'),
    says: [
      'config.yaml:5:14: mcp_servers.math.env.TOKEN: expected text of at most 32768 characters, got a mapping (write text, in quotes if it contains ": ")',
    ],
  },
  {
    mistake: 'an environment value left empty',
    text: server('    env:\n      TOKEN:\n'),
    says: [
      'config.yaml:5:7: mcp_servers.math.env.TOKEN: expected text of at most 32768 characters, got nothing (write "" for an empty text, or remove it)',
    ],
  },
  {
    mistake: 'an environment name with an equals sign, without showing it',
    text: server('    env:\n      "TOKEN=abc": x\n'),
    says: [
      'config.yaml:4:5: mcp_servers.math.env: bad name: expected 1 to 256 characters without "=" or NUL (rename it)',
    ],
  },
  {
    mistake: 'a variable that is not set',
    text: server('    env:\n      TOKEN: ${GITHUB_TOKEN}\n'),
    says: [
      'config.yaml:5:14: mcp_servers.math.env.TOKEN: environment variable "GITHUB_TOKEN" is not set (set GITHUB_TOKEN, or write ${GITHUB_TOKEN:-default})',
    ],
  },
  {
    mistake: 'a reference of another host',
    text: server('    cwd: ${env:HOME}/work\n'),
    says: [
      'config.yaml:4:10: mcp_servers.math.cwd: not a reference that can be resolved after "${" (write ${NAME} or ${NAME:-default}, or $${ for a literal ${)',
    ],
  },
  {
    mistake: 'a reference in a default',
    text: server('    cwd: ${A:-${B}}\n'),
    says: [
      'config.yaml:4:10: mcp_servers.math.cwd: the default of ${A} contains another reference (write a plain default; references do not nest)',
    ],
  },
  {
    mistake: 'a variable with a wrong value, without showing it',
    text: 'mcp_servers: {}\nhttp:\n  port: ${PORT}\n',
    env: { PORT: 's3cr3t' },
    says: [
      'config.yaml:3:9: http.port: expected a whole number from 0 to 65535, got "${PORT}" (leave it out for the default, 8000)',
    ],
  },
  {
    mistake: 'a wrong value from the environment',
    text: 'mcp_servers: {}\n',
    env: { MCP_HTTP_PORT: '70000' },
    says: [
      'environment: MCP_HTTP_PORT: expected a whole number from 0 to 65535, got "70000" (leave it out for the default, 8000)',
    ],
  },
];

describe('a configuration with what a key cannot be', () => {
  it.each(TABLE)('is refused: $mistake', ({ text, env = {}, says }) => {
    const result = loadGatewayConfig({ path: 'config.yaml', text, env });
    expect(result.ok ? [] : result.error.map(formatProblem)).toEqual(says);
  });
});
