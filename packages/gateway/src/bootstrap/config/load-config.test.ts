import { assert, describe, expect, it } from 'vitest';
import { z } from 'zod';

import type { GatewayConfig } from './gateway-config.ts';
import { type ConfigSource, loadGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';
import { configDocument } from './schema.ts';

function load(text: string, rest: Partial<ConfigSource> = {}): GatewayConfig {
  const result = loadGatewayConfig({ path: '/etc/hangar/config.yaml', text, env: {}, ...rest });
  assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
  return result.value;
}

function only({ servers: [first, ...others] }: GatewayConfig): GatewayConfig['servers'][number] {
  assert(first !== undefined && others.length === 0);
  return first;
}

function server(lines: string, rest: Partial<ConfigSource> = {}): GatewayConfig['servers'][number] {
  return only(load(`mcp_servers:\n  math:\n${lines}`, rest));
}

const launched = (lines: string, rest: Partial<ConfigSource> = {}): unknown =>
  server(lines, rest).launch;

describe('without a file', () => {
  it('there are no servers and every default holds', () => {
    const result = loadGatewayConfig({ env: {} });
    expect(result).toEqual({
      ok: true,
      value: {
        path: undefined,
        http: { host: '127.0.0.1', port: 8000, allowedHosts: [], allowedOrigins: [] },
        reload: { isWatched: true, isTold: true, intervalMs: 5_000 },
        persistence: { kind: 'sqlite', path: undefined },
        eventLog: {
          isEnabled: true,
          allowsMemoryFallback: false,
          callsMax: 10_000,
          keepMs: 7_776_000_000,
          keepEventsMax: 2_000_000,
        },
        limits: {
          bodyBytesMax: 8_388_608,
          jsonDepthMax: 64,
          headerBytesMax: 32_768,
          sessionsMax: 10_000,
          sessionIdleMs: 3_600_000,
          streamsMax: 2000,
          inFlightMax: 4096,
          parkedCallsMax: 64,
          clientBufferBytesMax: 67_108_864,
          replayEventsMax: 256,
          replayBytesMax: 1_048_576,
          upstreamMessageBytesMax: 67_108_864,
          upstreamQueueBytesMax: 67_108_864,
          leaseWaitMs: 30_000,
          shutdownGraceMs: 10_000,
        },
        execution: {
          concurrencyMax: Number.POSITIVE_INFINITY,
          queueMax: 1000,
          queueTimeoutMs: 30_000,
          rateLimit: undefined,
          principalRateLimit: undefined,
        },
        catalog: { warm: 'lazy', firstListWaitMs: 3000, ttlMs: 5000, startConcurrency: 4 },
        toolAccess: { mode: 'hybrid', gatewayTools: 'registry', naming: 'prefixed' },
        logging: { level: 'info', json: false },
        truncation: {
          isEnabled: false,
          batchBytesMax: 900_000,
          resultBytesMin: 10_000,
          keepsStructure: true,
          endsAtLines: true,
          ttlMs: 300_000,
          entriesMax: 10_000,
          bytesMax: 268_435_456,
        },
        servers: [],
        groups: [],
        notices: [],
      },
    });
  });
});

describe('how often servers are asked whether they are alive', () => {
  it.each([
    ['', '', 60_000],
    ['health_check: {interval_s: 30}\n', '', 30_000],
    ['health_check: {interval_s: 30}\n', ', health_check_interval_s: 5', 5_000],
    ['health_check: {enabled: false}\n', '', 0],
    ['health_check: {enabled: false}\n', ', health_check_interval_s: 5', 5_000],
  ])('%j and %j make it %i ms', (block, key, everyMs) => {
    const loaded = loadGatewayConfig({
      path: '/etc/config.yaml',
      text: `${block}mcp_servers:\n  a: {command: x${key}}\n`,
      env: {},
    });
    expect(loaded.ok && loaded.value.servers[0]?.healthIntervalMs).toBe(everyMs);
    expect(loaded.ok && loaded.value.notices).toEqual([]);
  });
});

describe('a server', () => {
  it('gets every default', () => {
    expect(server('    command: python\n')).toEqual({
      id: 'math',
      description: undefined,
      enabled: true,
      launch: { kind: 'stdio', command: 'python', args: [], env: {}, cwd: '/etc/hangar' },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      secrets: [],
      era: undefined,
      failuresMax: 3,
      healthIntervalMs: 60_000,
      breaker: undefined,
      failover: undefined,
      sharing: 'auto',
      idleTtlMs: 300_000,
      startupTimeoutMs: 30_000,
      callTimeoutMs: 300_000,
      autoStart: false,
      replicas: 1,
      leasedChildrenMax: 8,
      sessionChildrenMax: 64,
      predefinedTools: undefined,
      hiddenTools: [],
    });
  });

  it('has the args after those of a command that is a list', () => {
    expect(
      launched('    command: [npx, -y, pkg]\n    args: [/data, 8080, 1.10, true]\n'),
    ).toMatchObject({
      command: 'npx',
      args: ['-y', 'pkg', '/data', '8080', '1.10', 'true'],
    });
  });

  it('has the args after those of a command that is text', () => {
    expect(launched(`    command: run --name "a b" 'c d' e\\ f\n    args: [g]\n`)).toMatchObject({
      command: 'run',
      args: ['--name', 'a b', 'c d', 'e f', 'g'],
    });
  });

  it.each([
    ['npx', 120_000],
    ['/usr/local/bin/uvx', 120_000],
    ['npx.cmd', 120_000],
    ['python', 30_000],
  ])('run by %s may take %i ms to start', (command, expected) => {
    expect(server(`    command: [${command}]\n`).startupTimeoutMs).toBe(expected);
    expect(server(`    command: [${command}]\n    startup_timeout_s: 7\n`).startupTimeoutMs).toBe(
      7000,
    );
  });

  it('keeps its environment secret and as written', () => {
    const { launch } = server('    command: a\n    env: {PORT: 8080, PI: 3.10, ON: true}\n');
    assert(launch.kind === 'stdio');
    expect(JSON.stringify(launch)).not.toContain('8080');
    expect(Object.entries(launch.env).map(([name, value]) => [name, value.reveal()])).toEqual([
      ['PORT', '8080'],
      ['PI', '3.10'],
      ['ON', 'true'],
    ]);
  });

  it.each([
    ['cwd: data', '/etc/hangar/data'],
    ['cwd: ../data', '/etc/data'],
    ['cwd: /data', '/data'],
    ['cwd: ~', '/home/ada'],
    ['cwd: ~/data', '/home/ada/data'],
  ])('with %s runs in %s', (line, cwd) => {
    const quoted = line.replace('~', "'~").replace(/('~.*)$/, "$1'");
    expect(
      launched(`    command: a\n    ${quoted}\n`, { env: { HOME: '/home/ada' } }),
    ).toMatchObject({ cwd });
  });

  it.each([
    ['./bin/run', '/etc/hangar/bin/run'],
    ['../bin/run', '/etc/bin/run'],
    ['~/bin/run', '/home/ada/bin/run'],
    ['/bin/run', '/bin/run'],
    ['run', 'run'],
    ['bin/run', 'bin/run'],
  ])('with the command %s runs %s', (command, expected) => {
    expect(
      launched(`    command: ["${command}", ./stays]\n`, { env: { HOME: '/home/ada' } }),
    ).toMatchObject({ command: expected, args: ['./stays'] });
  });

  it('has a digest that changes exactly with what is launched', () => {
    const digest = (lines: string): string => server(`    command: a\n${lines}`).digest;
    expect(digest('    idle_ttl_s: 5\n    sharing: session\n    description: x\n')).toBe(
      digest(''),
    );
    expect(digest('    env: {A: "1", B: "2"}\n')).toBe(digest('    env: {B: "2", A: "1"}\n'));
    const different = [
      '',
      '    args: [b]\n',
      '    cwd: b\n',
      '    env: {A: "1"}\n',
      '    env: {A: "2"}\n',
    ];
    expect(new Set(different.map(digest)).size).toBe(different.length);
  });

  it('may be told never to stop', () => {
    expect(server('    command: a\n    idle_ttl_s: 0\n').idleTtlMs).toBe(0);
  });

  it('may be switched off, and may hide tools beside those that are predefined', () => {
    expect(server('    command: a\n    enabled: false\n').enabled).toBe(false);
    const both = server(
      '    command: a\n    predefined_tools: [{name: add}]\n    tools: {hide: [secret_*, "?"]}\n',
    );
    expect(both.hiddenTools).toEqual(['secret_*', '?']);
    expect(both.predefinedTools).toHaveLength(1);
    expect(server('    command: a\n    tools: [{name: add}]\n').hiddenTools).toEqual([]);
  });

  it.each(['tools', 'predefined_tools'])('has predefined tools from a list under %s', (key) => {
    const tools = '[{name: add, description: d, input_schema: {type: object, x: 1}}, {name: sub}]';
    expect(server(`    command: a\n    ${key}: ${tools}\n`).predefinedTools).toEqual([
      { name: 'add', description: 'd', inputSchema: { type: 'object', x: 1 } },
      { name: 'sub', inputSchema: { type: 'object' } },
    ]);
  });
});

describe('aliases', () => {
  it('providers means mcp_servers, and both may be in one file', () => {
    const config = load('providers:\n  b: {command: x}\nmcp_servers:\n  a: {command: x}\n');
    expect(config.servers.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it.each([
    ['stdio', 'command: a', 'stdio'],
    ['subprocess', 'command: a', 'stdio'],
    ['container', 'image: a', 'mode `container` is not active in this build'],
    ['docker', 'image: a', 'mode `docker` is not active in this build'],
    ['podman', 'build: {context: .}', 'mode `podman` is not active in this build'],
    ['remote', 'endpoint: https://a.example/mcp', 'remote'],
    ['http', 'url: https://a.example/mcp', 'remote'],
    ['sse', 'url: https://a.example/sse', 'remote'],
    ['streamable_http', 'url: http://a.example', 'remote'],
  ])('the mode %s is known', (mode, key, expected) => {
    const { launch } = server(`    mode: ${mode}\n    ${key}\n`);
    expect(launch.kind === 'inactive' ? launch.reason : launch.kind).toBe(expected);
  });

  it('the spellings of the shipped examples are known', () => {
    const config = load(
      [
        'mcp_servers:',
        '  a: {mode: docker, image: x, network_mode: none}',
        '  b: {mode: http, url: https://b.example, auth: {type: bearer, token: x}}',
        '  c: {mode: http, url: https://c.example, auth: {type: api_key, header: X-Key, key: x}}',
        'execution: {default_provider_concurrency: 3}',
        'retry: {per_provider: {a: {max_attempts: 2}}}',
        'discovery: {security: {max_providers_per_source: 5}}',
      ].join('\n'),
    );
    expect(config.servers).toHaveLength(3);
  });

  it('YAML anchors and merge keys share what servers have in common', () => {
    const config = load(
      'mcp_servers:\n  a: &a {command: x, sharing: session}\n  b: {<<: *a, command: y}\n  c: *a\n',
    );
    expect(config.servers.map(({ sharing }) => sharing)).toEqual(['session', 'session', 'session']);
    expect(config.servers.map(({ launch }) => launch)).toMatchObject([
      { command: 'x' },
      { command: 'y' },
      { command: 'x' },
    ]);
  });

  it('JSON is accepted', () => {
    const text = JSON.stringify({ $schema: 'x', mcp_servers: { a: { command: ['x'] } } });
    expect(only(load(text)).id).toBe('a');
  });
});

describe('precedence', () => {
  const text =
    'mcp_servers: {}\nhttp: {host: file, port: 1}\nlogging: {level: WARNING, json_format: true}\n';
  const env = {
    MCP_HTTP_HOST: 'env',
    MCP_HTTP_PORT: '2',
    MCP_LOG_LEVEL: 'ERROR',
    MCP_JSON_LOGS: 'no',
  };
  const overrides = { host: 'flag', port: '3', logLevel: 'critical', jsonLogs: true };
  const seen = ({ http, logging }: GatewayConfig): unknown[] => [
    http.host,
    http.port,
    logging.level,
    logging.json,
  ];

  it('is command line, environment, file, default', () => {
    expect(seen(load(text, { env, overrides }))).toEqual(['flag', 3, 'fatal', true]);
    expect(seen(load(text, { env }))).toEqual(['env', 2, 'error', false]);
    expect(seen(load(text))).toEqual(['file', 1, 'warn', true]);
    expect(seen(load('mcp_servers: {}'))).toEqual(['127.0.0.1', 8000, 'info', false]);
  });

  it('treats an empty variable as not set', () => {
    expect(load(text, { env: { MCP_HTTP_PORT: '' } }).http.port).toBe(1);
  });

  it('leaves variables of blocks that are not active alone', () => {
    const config = load('mcp_servers: {}', {
      env: { OTEL_SERVICE_NAME: 'x', JAEGER_PORT: 'x' },
    });
    expect(config.notices).toEqual([]);
  });

  it('names the flag or the variable whose value is wrong', () => {
    const result = loadGatewayConfig({
      text,
      env: { MCP_LOG_LEVEL: 'loud' },
      overrides: { port: 'http' },
    });
    assert(!result.ok);
    expect(result.error.map(formatProblem)).toEqual([
      'command line: --port: expected a whole number from 0 to 65535, got "http" (leave it out for the default, 8000)',
      'environment: MCP_LOG_LEVEL: expected one of trace, debug, info, warning, warn, error, critical, fatal, got "loud" (leave it out for the default, info)',
    ]);
  });
});

describe('notices', () => {
  it('name each inactive key once, whatever the number of servers', () => {
    const config = load(
      [
        'mcp_servers:',
        '  a: {command: x, circuit_breaker: {failure_threshold: 3}, max_concurrency: 4}',
        '  b: {command: x, circuit_breaker: {failure_threshold: 4}, health_check_interval_s: 60}',
        '  c: {mode: container, image: x, volumes: ["/a:/b:ro"], network: none}',
        'discovery: {enabled: true, sources: [{type: docker}]}',
        'auth: {enabled: false, allow_anonymous: true}',
        'approvals: {enabled: false}',
        'observability: {tracing: {enabled: true}}',
        'logging: {file: x.log, level: debug}',
        'tool_access: {gateway_tools: both}',
        'cloud:',
        'relay_tasks_enabled: true',
      ].join('\n'),
    );
    const named = config.notices.map((notice) => {
      expect(notice).toMatch(/^`[a-z_.]+` is not active in this build$/);
      return notice.split('`')[1];
    });
    expect(named).toEqual([
      'image',
      'volumes',
      'network',
      'discovery',
      'auth',
      'approvals',
      'observability',
      'logging.file',
      'relay_tasks_enabled',
    ]);
  });

  it.each([
    'gateway_tools: none',
    'gateway_tools: both',
    'mode: egress',
    'mode: front_door',
    'naming: bare',
  ])('are silent about what clients see: %s', (key) => {
    expect(load(`mcp_servers: {}\ntool_access: {${key}}`).notices).toEqual([]);
  });

  it('do not need servers when discovery is on', () => {
    expect(load('discovery: {enabled: true}').notices).toEqual([
      '`discovery` is not active in this build',
    ]);
  });
});

describe('the schema', () => {
  it('describes every key, for the reference page and for editors', () => {
    const missing: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (!(schema instanceof z.ZodObject)) return;
      for (const [key, child] of Object.entries<z.ZodType>(schema.shape)) {
        if (child.description === undefined) missing.push(`${path}.${key}`);
        let inner: unknown = child;
        while (inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault)
          inner = inner.def.innerType;
        if (inner instanceof z.ZodRecord) visit(inner.valueType, `${path}.${key}.ID`);
        else if (inner instanceof z.ZodArray) visit(inner.element, `${path}.${key}[]`);
        else visit(inner, `${path}.${key}`);
      }
    };
    visit(configDocument(), '');
    expect(missing).toEqual([]);
  });

  it('gives a JSON Schema of what may be written', () => {
    const schema = z.toJSONSchema(configDocument(), { io: 'input' });
    expect(Object.keys(schema.properties ?? {})).toContain('providers');
    expect(schema.required).toBeUndefined();
  });
});

describe('the folder of the file', () => {
  const argument = "    command: [run, '${CONFIG_DIR}/data']";

  it('stands in values as CONFIG_DIR', () => {
    expect(launched(argument)).toMatchObject({ args: ['/etc/hangar/data'] });
  });

  it('gives way to a variable of the same name', () => {
    expect(launched(argument, { env: { CONFIG_DIR: '/srv' } })).toMatchObject({
      args: ['/srv/data'],
    });
  });
});
