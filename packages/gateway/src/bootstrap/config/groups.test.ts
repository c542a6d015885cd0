import { assert, describe, expect, it } from 'vitest';
import type { GatewayConfig } from './gateway-config.ts';
import { loadGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';

function load(text: string): GatewayConfig {
  const result = loadGatewayConfig({ env: {}, text, path: '/etc/hangar/config.yaml' });
  assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
  return result.value;
}

function problemsOf(text: string): readonly string[] {
  const result = loadGatewayConfig({ env: {}, text, path: 'config.yaml' });
  return result.ok ? [] : result.error.map(formatProblem);
}

const group = (lines: string): string =>
  `mcp_servers:\n  one: {command: x}\n  two: {command: y}\n  pool:\n    mode: group\n${lines}`;

describe('A group', () => {
  it('gets every default', () => {
    const { groups, notices } = load(group('    members: [{id: one}, {id: two}]\n'));
    expect(notices).toEqual([]);
    const member = { weight: 1, priority: 1, isInline: false };
    expect(groups).toEqual([
      {
        id: 'pool',
        description: undefined,
        enabled: true,
        members: [
          { id: 'one', ...member },
          { id: 'two', ...member },
        ],
        strategy: 'round_robin',
        minHealthy: 1,
        autoStart: true,
        health: { unhealthyThreshold: 2, healthyThreshold: 1 },
        breaker: { failureThreshold: 10, resetTimeoutMs: 60_000 },
        canary: undefined,
        affinity: undefined,
        failoverMembersMax: 2,
        hedgeAfterMs: undefined,
        callTimeoutMs: 300_000,
        predefinedTools: undefined,
        hiddenTools: [],
      },
    ]);
  });

  it('has what its keys say', () => {
    const lines = [
      '    description: many',
      '    strategy: weighted_round_robin',
      '    min_healthy: 2',
      '    auto_start: false',
      '    health: {unhealthy_threshold: 5, healthy_threshold: 3}',
      '    circuit_breaker: {failure_threshold: 4, reset_timeout_s: 7.5}',
      '    canary: {member: two, split_pct: 20, pinned_tenants: {acme: one}}',
      '    session_affinity: {by: header, header: X-Tenant, ttl_s: 60}',
      '    failover: {max_members: 3}',
      '    hedge_after_ms: 250',
      '    call_timeout_s: 2',
      '    tools: {hide: ["secret_*"]}',
      '    members: [{id: one, weight: 3, priority: 2}, {id: two}]',
    ];
    expect(load(group(`${lines.join('\n')}\n`)).groups).toMatchObject([
      {
        description: 'many',
        strategy: 'weighted_round_robin',
        minHealthy: 2,
        autoStart: false,
        health: { unhealthyThreshold: 5, healthyThreshold: 3 },
        breaker: { failureThreshold: 4, resetTimeoutMs: 7_500 },
        canary: { member: 'two', splitPercent: 20, pinnedTenants: new Map([['acme', 'one']]) },
        affinity: { by: 'header', header: 'x-tenant', ttlMs: 60_000 },
        failoverMembersMax: 3,
        hedgeAfterMs: 250,
        callTimeoutMs: 2_000,
        hiddenTools: ['secret_*'],
        members: [{ weight: 3, priority: 2 }, {}],
      },
    ]);
  });

  it('may stand before the servers that it names, and define others itself', () => {
    const { servers, groups } = load(
      [
        'mcp_servers:',
        '  pool:',
        '    mode: group',
        '    members: [{id: known}, {id: own, command: [y, z], call_timeout_s: 5}]',
        '  known: {command: x}',
      ].join('\n'),
    );
    expect(servers.map(({ id }) => id)).toEqual(['known', 'own']);
    expect(servers[1]).toMatchObject({
      launch: { command: 'y', args: ['z'] },
      callTimeoutMs: 5_000,
    });
    expect(groups[0]?.members.map(({ id, isInline }) => [id, isInline])).toEqual([
      ['known', false],
      ['own', true],
    ]);
  });

  it('knows the tools that its first member is said to have', () => {
    const text = group('    members: [{id: a, command: z, predefined_tools: [{name: t}]}]\n');
    expect(load(text).groups[0]?.predefinedTools?.map(({ name }) => name)).toEqual(['t']);
  });
});

describe('A group is refused where', () => {
  it.each([
    [
      'a member is no server',
      '    members: [{id: oen}]\n',
      'mcp_servers.pool.members[0].id: there is no server "oen" (did you mean "one"?)',
    ],
    [
      'a member is nothing at all',
      '    members: [{id: search}]\n',
      'members[0].id: there is no server "search" (add an entry of that id to mcp_servers, or "command:" or "endpoint:" here)',
    ],
    [
      'a member is given twice',
      '    members:\n    - {id: one}\n    - {id: one}\n',
      'members[1].id: the member "one" is given twice (keep one; the first is in line 7)',
    ],
    [
      'a member is a group',
      '    members: [{id: pool}]\n',
      'members[0].id: the member "pool" is a group (name servers only)',
    ],
    [
      'a member is configured in two places',
      '    members: [{id: one, command: z}]\n',
      'members[0].command: the server "one" is configured in line 2; here "command" means nothing (move it there, or give the member another id)',
    ],
    [
      'a member has no right id',
      '    members: [{id: "a b", command: z}]\n',
      'members[0].id: bad id "a b": an id matches ^[A-Za-z][A-Za-z0-9_-]{0,63}$ (write "a-b")',
    ],
    [
      'a member lacks what its mode needs',
      '    members: [{id: a, mode: remote}]\n',
      'mcp_servers.pool.members[0].endpoint: missing, and mode "remote" needs it (add "endpoint: https://…")',
    ],
    [
      'the strategy is not known',
      '    strategy: round_robbin\n    members: [{id: one}]\n',
      'mcp_servers.pool.strategy: expected one of round_robin, weighted_round_robin, least_connections, random, priority, got "round_robbin" (did you mean "round_robin"?)',
    ],
    [
      'the canary is no member',
      '    canary: {member: three}\n    members: [{id: one}, {id: two}]\n',
      'mcp_servers.pool.canary.member: the group has no member "three" (name one of one, two)',
    ],
    [
      'a pinned tenant has no member',
      '    canary: {member: one, pinned_tenants: {acme: on}}\n    members: [{id: one}]\n',
      'canary.pinned_tenants.acme: the group has no member "on" (did you mean "one"?)',
    ],
    [
      'the header is not named',
      '    session_affinity: {by: header}\n    members: [{id: one}]\n',
      'session_affinity.header: missing, and "by: header" needs it (add "header: NAME")',
    ],
    [
      'a header is named in vain',
      '    session_affinity: {header: X-A}\n    members: [{id: one}]\n',
      'session_affinity.header: "header" means nothing without "by: header" (add "by: header", or remove it)',
    ],
    [
      'it has a command',
      '    command: x\n    members: [{id: one}]\n',
      'mcp_servers.pool.command: "command" means nothing on a group (set it at its members)',
    ],
    [
      'there are no members',
      '',
      'mcp_servers.pool.members: missing, and mode "group" needs it (add "members:" with a list of ids)',
    ],
  ])('%s', (_what, lines, says) => {
    const problems = problemsOf(group(lines));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(says);
  });

  it('two of them define the same member', () => {
    const text = [
      'mcp_servers:',
      '  first: {mode: group, members: [{id: a, command: x}]}',
      '  second: {mode: group, members: [{id: a, command: y}]}',
    ].join('\n');
    expect(problemsOf(text)).toEqual([
      'config.yaml:3:36: mcp_servers.second.members[0].id: the member "a" is defined in the group "first", too (define it once under mcp_servers, and name its id in both)',
    ]);
  });

  it('a server has its keys', () => {
    expect(problemsOf('mcp_servers:\n  a: {command: x, strategy: random}\n')).toEqual([
      'config.yaml:2:19: mcp_servers.a.strategy: "strategy" means nothing here: only a group has it (remove "strategy")',
    ]);
  });
});

describe('Replicas', () => {
  it('are as many as the key says', () => {
    const [server] = load('mcp_servers:\n  a: {command: x, replicas: 3}\n').servers;
    expect(server?.replicas).toBe(3);
  });

  it.each([
    [
      '{command: x, replicas: 2, sharing: session}',
      'with "sharing: session" each session has a child of its own already (remove "replicas", or "sharing: session")',
    ],
    [
      '{mode: remote, endpoint: "https://a.example/mcp", replicas: 2}',
      'a remote server is one; only what the gateway starts can be several (remove "replicas", or make a group of several endpoints)',
    ],
    [
      '{command: x, replicas: 0}',
      'expected a whole number from 1 to 64, got 0 (leave it out for the default, 1)',
    ],
  ])('are refused: %s', (entry, says) => {
    const problems = problemsOf(`mcp_servers:\n  a: ${entry}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`mcp_servers.a.replicas: ${says}`);
  });
});
