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
    mistake: 'access control that would not be enforced',
    text: server(
      '    tools: {allow_list: [add], deny: [rm]}\n    access: {prompt: {deny_list: [x]}}\n    tool_projection: {pins: {}}\n    capabilities: {}\n',
    ),
    says: [
      'config.yaml:4:13: mcp_servers.math.tools.allow_list: `tools.allow_list` is not active in this build (remove it or run the server elsewhere; ignoring it would open access)',
      'config.yaml:4:32: mcp_servers.math.tools.deny: `tools.deny` is not active in this build (remove it or run the server elsewhere; ignoring it would open access)',
      'config.yaml:5:5: mcp_servers.math.access: `access` is not active in this build (remove it or run the server elsewhere; ignoring it would open access)',
      'config.yaml:6:5: mcp_servers.math.tool_projection: `tool_projection` is not active in this build (remove it or run the server elsewhere; pins and withdrawals would be ignored)',
      'config.yaml:7:5: mcp_servers.math.capabilities: `capabilities` is not active in this build (remove it or run the server elsewhere; nothing would be enforced)',
    ],
  },
  {
    mistake: 'a misspelt access list',
    text: server('    tools: {alow: [add]}\n'),
    says: [
      'config.yaml:4:13: mcp_servers.math.tools.alow: unknown key "alow" (did you mean "allow"?)',
    ],
  },
  {
    mistake: 'authentication that would not be enforced',
    text: 'mcp_servers: {}\nauth: {enabled: true}\napprovals: {channel: noop}\ninterceptors: {}\ntool_access: {rules: []}\n',
    says: [
      'config.yaml:2:1: auth: `auth` is not active in this build (remove it or set auth.enabled: false, and keep the gateway on loopback)',
      'config.yaml:3:1: approvals: `approvals` is not active in this build (remove it or set approvals.enabled: false; no call would be asked about)',
      'config.yaml:4:1: interceptors: `interceptors` is not active in this build (remove it; arguments would not be checked)',
      'config.yaml:5:15: tool_access.rules: `tool_access.rules` is not active in this build (remove it; every client would see every tool)',
    ],
  },
  {
    mistake: 'a mistake in a block that is not active yet',
    text: 'mcp_servers: {}\ndiscovery:\n  sources:\n    - type: kubernets\n',
    says: [
      'config.yaml:4:13: discovery.sources[0].type: expected one of kubernetes, docker, podman, filesystem, entrypoint, got "kubernets" (did you mean "kubernetes"?)',
    ],
  },
  {
    mistake: 'a top level that is a list',
    text: '- mcp_servers\n',
    says: [
      'config.yaml:1:1: expected a mapping at the top, got a list (start with "mcp_servers:" and one indented entry for each server)',
    ],
  },
  {
    mistake: 'a tab as indentation',
    text: 'mcp_servers:\n	math: {command: a}\n',
    says: ['config.yaml:2:1: a tab is used as indentation (indent with spaces)'],
  },
  {
    mistake: 'a value with a colon',
    text: 'mcp_servers:\n  a: {command: x}\nlogging: level: debug\n',
    says: [
      'config.yaml:3:10: a second ":" in one line (put quotes around a text that contains ": ", or start a new line)',
    ],
  },
  {
    mistake: 'an unclosed quote',
    text: 'mcp_servers:\n  a: {command: "x}\n',
    says: ['config.yaml:3:1: a closing quote, bracket or comma is missing (close what was opened)'],
  },
  {
    mistake: 'a second document',
    text: 'mcp_servers: {}\n---\nproviders: {}\n',
    says: ['config.yaml:2:1: a second document starts here (keep one document; remove "---")'],
  },
  {
    mistake: 'an unknown tag',
    text: 'mcp_servers: !ruby {}\n',
    says: [
      'config.yaml:1:14: the tag after "!" is not known (remove it, or put quotes around the text)',
    ],
  },
  {
    mistake: 'an alias without an anchor',
    text: server('    env: {PASSWORD: *secret}\n'),
    says: [
      'config.yaml:4:21: mcp_servers.math.env.PASSWORD: no anchor has the name after "*" (put quotes around a text that starts with *)',
    ],
  },
  {
    mistake: 'an alias that contains itself',
    text: 'mcp_servers: &all\n  a: *all\n',
    says: [
      'config.yaml:2:3: mcp_servers.a.a: unknown key "a" (remove it; no key here has a similar name)',
      'config.yaml:2:3: mcp_servers.a.command: missing (add "command: [program, argument]")',
      'config.yaml:2:6: mcp_servers.a.a.a: nested deeper than 64 levels (check the aliases (*name) for one that contains itself)',
    ],
  },
  {
    mistake: 'aliases that expand to more than anybody can read',
    text: 'a: &a [*a, *a]\nb: &b [*a, *a, *a]\n',
    says: [
      'config.yaml:1:8: a[0][0][0]: nested deeper than 64 levels (check the aliases (*name) for one that contains itself)',
    ],
  },
  {
    mistake: 'a key that would reach into objects',
    text: server('    env: {__proto__: x}\n'),
    says: [
      'config.yaml:4:11: mcp_servers.math.env: the key "__proto__" is not allowed (use another key)',
    ],
  },
];

describe('a configuration with what this build cannot obey, and what YAML cannot be', () => {
  it.each(TABLE)('is refused: $mistake', ({ text, says }) => {
    const result = loadGatewayConfig({ path: 'config.yaml', text, env: {} });
    expect(result.ok ? [] : result.error.map(formatProblem)).toEqual(says);
  });
});
