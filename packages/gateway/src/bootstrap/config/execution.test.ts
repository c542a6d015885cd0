import { assert, describe, expect, it } from 'vitest';

import type { GatewayConfig } from './gateway-config.ts';
import { type ConfigSource, loadGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';

/** `execution`, `rate_limit`, `retry`, and what servers say of them. */

const load = (text: string, env: ConfigSource['env'] = {}): GatewayConfig => {
  const result = loadGatewayConfig({ path: '/etc/hangar/config.yaml', text, env });
  assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
  expect(result.value.notices).toEqual([]);
  return result.value;
};
const problems = (text: string, env: ConfigSource['env'] = {}): readonly string[] => {
  const result = loadGatewayConfig({ path: 'config.yaml', text, env });
  return result.ok ? [] : result.error.map(formatProblem);
};
const server = (keys: string, blocks = ''): GatewayConfig['servers'][number] => {
  const [first] = load(`mcp_servers: {math: {command: x${keys}}}\n${blocks}`).servers;
  assert(first !== undefined);
  return first;
};
const NONE = Number.POSITIVE_INFINITY;

describe('limits', () => {
  it('are none where nothing is written, or the block alone', () => {
    expect(server('').execution).toBeUndefined();
    const blocks = 'execution: {}\nrate_limit: {}\nretry: {}\n';
    expect(server(', max_concurrency: 0, rate_limit: {}', blocks).execution).toBeUndefined();
    const { execution } = load(`mcp_servers: {}\n${blocks}`);
    expect(execution).toEqual({
      concurrencyMax: NONE,
      queueMax: 1_000,
      queueTimeoutMs: 30_000,
      rateLimit: undefined,
      principalRateLimit: undefined,
    });
  });

  it('of concurrency are those of the server, else of all servers', () => {
    const blocks = 'execution: {default_mcp_server_concurrency: 7}';
    expect(server('', blocks).execution?.concurrencyMax).toBe(7);
    expect(server('', 'execution: {default_provider_concurrency: 6}').execution).toMatchObject({
      concurrencyMax: 6,
    });
    expect(server(', max_concurrency: 2', blocks).execution?.concurrencyMax).toBe(2);
    expect(server(', max_concurrency: 0', blocks).execution).toBeUndefined();
  });

  it('of all servers are in milliseconds and calls', () => {
    const text =
      'mcp_servers: {}\nexecution: {max_concurrency: 9, queue_max: 3, queue_timeout_s: 0.5}\nrate_limit: {rps: 4, per_principal: {rps: 0.2}}\n';
    expect(load(text).execution).toEqual({
      concurrencyMax: 9,
      queueMax: 3,
      queueTimeoutMs: 500,
      rateLimit: { perSecond: 4, burst: 8 },
      principalRateLimit: { perSecond: 0.2, burst: 1 },
    });
  });

  it('of rate have the names of product 0.1 in the environment, which wins', () => {
    const text = 'mcp_servers: {}\nrate_limit: {rps: 1, burst: 1}\n';
    const env = { MCP_RATE_LIMIT_RPS: '2.5', MCP_RATE_LIMIT_BURST: '9' };
    expect(load(text, env).execution.rateLimit).toEqual({ perSecond: 2.5, burst: 9 });
    const one = { MCP_RATE_LIMIT_BURST: '9' };
    expect(load('mcp_servers: {}', one).execution.rateLimit).toEqual({ perSecond: 10, burst: 9 });
  });

  it('of rate may be those of a server and of its tools', () => {
    const keys = ', rate_limit: {rps: 5, burst: 6, tools: {"del*": {rps: 0.1}, get: {rps: 9}}}';
    expect(server(keys).execution).toEqual({
      concurrencyMax: NONE,
      rateLimit: { perSecond: 5, burst: 6 },
      toolRateLimits: [
        { glob: 'del*', limit: { perSecond: 0.1, burst: 1 } },
        { glob: 'get', limit: { perSecond: 9, burst: 18 } },
      ],
      retry: undefined,
    });
  });
});

describe('a retry policy', () => {
  it('has the defaults of the product, and is that of the server before that of all', () => {
    const all = server('', 'retry: {default_policy: {}}').execution?.retry;
    expect(all).toEqual({
      attemptsMax: 3,
      backoff: 'exponential',
      initialDelayMs: 1_000,
      delayMsMax: 30_000,
      jitter: 0.25,
      retryOn: new Set([
        'UPSTREAM_ANSWER_INVALID',
        'CALL_TIMED_OUT',
        'UPSTREAM_ENDED',
        'UPSTREAM_UNREACHABLE',
        'UPSTREAM_QUEUE_FULL',
        'UPSTREAM_UNAVAILABLE',
        'UPSTREAM_RATE_LIMITED',
      ]),
      attemptTimeoutMs: undefined,
      sentAgain: 'repeatable',
    });
    const own =
      'retry: {default_policy: {}, per_provider: {math: {max_attempts: 2, jitter: false, backoff: linear, initial_delay: 0.1, max_delay: 2, retry_on: [Timeout, MCP_SERVER_START_FAILED], attempt_timeout_s: 1.5, retry_sent: always}}}';
    expect(server('', own).execution?.retry).toEqual({
      attemptsMax: 2,
      backoff: 'linear',
      initialDelayMs: 100,
      delayMsMax: 2_000,
      jitter: 0,
      retryOn: new Set(['CALL_TIMED_OUT', 'MCP_SERVER_START_FAILED']),
      attemptTimeoutMs: 1_500,
      sentAgain: 'all',
    });
  });
});

describe('a member that only a group defines', () => {
  it('has the policy of its own id', () => {
    const { servers } = load(
      'retry: {per_mcp_server: {inner: {max_attempts: 2}}}\nmcp_servers: {pool: {mode: group, members: [{id: inner, command: x}]}}\n',
    );
    expect(servers.map(({ id, execution }) => [id, execution?.retry?.attemptsMax])).toEqual([
      ['inner', 2],
    ]);
  });
});

describe('a mistake', () => {
  const WORDS =
    'MalformedJSON, JSONDecodeError, Timeout, TimeoutError, ConnectionError, McpServerNotResponding, TransientError, McpServerProtocolError, NetworkError, McpServerStartError, CALL_TIMED_OUT, MCP_SERVER_START_FAILED, UPSTREAM_ANSWER_INVALID, UPSTREAM_ENDED, UPSTREAM_QUEUE_FULL, UPSTREAM_RATE_LIMITED, UPSTREAM_UNAVAILABLE, UPSTREAM_UNREACHABLE';

  it.each([
    [
      'retry: {default_policy: {retry_on: [Whatever]}}',
      `config.yaml:2:37: retry.default_policy.retry_on[0]: expected one of ${WORDS}, got "Whatever"`,
    ],
    [
      'retry: {default_policy: {retry_on: [Timeouts]}}',
      `config.yaml:2:37: retry.default_policy.retry_on[0]: expected one of ${WORDS}, got "Timeouts" (did you mean "Timeout"?)`,
    ],
    [
      'retry: {per_mcp_server: {maths: {}}}',
      'config.yaml:2:26: retry.per_mcp_server.maths: no server has the id "maths" (did you mean "math"?)',
    ],
    [
      'rate_limit: {rps: 0}',
      'config.yaml:2:19: rate_limit.rps: expected a number from 0.001 to 1000000, got 0 (Calls a second, of all clients together; 10 where only `burst` is set)',
    ],
    [
      'execution: {max_concurrency: -1}',
      'config.yaml:2:30: execution.max_concurrency: expected a whole number from 0 to 100000, got -1 (leave it out for the default, 0)',
    ],
    [
      'execution: {queue_timeout_s: 0}',
      'config.yaml:2:30: execution.queue_timeout_s: expected a number from 0.1 to 3600, got 0 (leave it out for the default, 30)',
    ],
  ])('in %s is told with what is right', (block, said) => {
    const [first] = problems(`mcp_servers: {math: {command: x}}\n${block}\n`);
    expect(first?.startsWith(said)).toBe(true);
  });

  it('in the limits of a server, too', () => {
    expect(problems('mcp_servers: {math: {command: x, rate_limit: {burst: 3}}}')).toEqual([
      'config.yaml:1:47: mcp_servers.math.rate_limit.rps: missing, and "burst" needs it (add "rps: NUMBER")',
    ]);
    const tools = 'mcp_servers: {math: {command: x, rate_limit: {tools: {a: {burst: 3}}}}}';
    expect(problems(tools)).toEqual([
      'config.yaml:1:55: mcp_servers.math.rate_limit.tools.a.rps: missing (add "rps": Calls a second)',
    ]);
  });
});
