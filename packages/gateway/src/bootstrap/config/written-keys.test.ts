import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadGatewayConfig } from './load-config.ts';

const SERVER_KEYS = {
  description: ['a server', ''],
  enabled: [true, false, 'yes'],
  args: [[], ['a', 1], null],
  env: [{}, { A: '1', B: 2 }, null],
  cwd: ['/tmp', '.'],
  era: ['legacy', 'auto', 'old'],
  sharing: ['session', 'shared'],
  replicas: [1, 3, 0],
  startup_timeout_s: [5, 'soon'],
  call_timeout_s: [1.5, '20'],
  idle_ttl_s: [0, 60],
  transport: ['sse', 'auto'],
  predefined_tools: [[{ name: 'one' }], [{ name: 'a b' }]],
  health_check_interval_s: [0, 7],
};
const BLOCKS = {
  http: [{ port: 1 }, {}, null, { prot: 1 }],
  limits: [{ in_flight_max: 9 }, { in_flight_max: 0 }],
  catalog: [{ warm: 'boot' }],
  tool_access: [{ mode: 'egress' }, { rules: {} }],
  logging: [{ level: 'WARNING' }, { file: 'x.log' }],
  execution: [{ max_concurrency: 4 }],
  rate_limit: [{ burst: 3 }],
  retry: [{ default_policy: { max_attempts: 2 } }],
  truncation: [{ enabled: true }],
  event_store: [{ keep_days: 1 }],
  health_check: [{ enabled: false }],
  discovery: [{ enabled: false }],
  relay_tasks_enabled: [true],
  nothing_known: [1],
};
const ENVIRONMENT = {
  MCP_HTTP_PORT: ['9', 'nine', ''],
  MCP_LOG_LEVEL: ['debug'],
  MCP_RATE_LIMIT_RPS: ['2'],
};

const someOf = (
  keys: Readonly<Record<string, readonly unknown[]>>,
): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(
    Object.fromEntries(Object.entries(keys).map(([key, all]) => [key, fc.constantFrom(...all)])),
    { requiredKeys: [] },
  );

test('a file comes to the same, checked by the keys that it has or by all that there are', () => {
  const files = fc.record({
    blocks: someOf(BLOCKS),
    servers: fc.array(someOf(SERVER_KEYS), { minLength: 1, maxLength: 3 }),
    env: someOf(ENVIRONMENT) as fc.Arbitrary<Record<string, string>>,
  });
  fc.assert(
    fc.property(files, ({ blocks, servers, env }) => {
      const load = (keys: Readonly<Record<string, unknown>>): unknown => {
        const entries = servers.map((server, at) => [
          `s${at}`,
          { command: 'x', ...server, ...keys },
        ]);
        const text = JSON.stringify({ ...blocks, mcp_servers: Object.fromEntries(entries) });
        return JSON.parse(
          JSON.stringify(loadGatewayConfig({ path: '/c/hangar.json', text, env })).replaceAll(
            /"column":\d+/g,
            '"column":0',
          ),
        );
      };
      // No plain server has a backup; one that is not given changes nothing.
      expect(load({})).toEqual(load({ backup: null }));
    }),
    { numRuns: 20 },
  );
});
