import { assert, describe, expect, it } from 'vitest';

import { type ConfigSource, loadGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';

const source = (lines: string, env: Record<string, string> = {}): ConfigSource => ({
  path: '/etc/hangar/config.yaml',
  text: `mcp_servers:\n  far:\n    mode: remote\n${lines}`,
  env,
});

function serverOf(lines: string, env: Record<string, string> = {}) {
  const result = loadGatewayConfig(source(lines, env));
  assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
  const [server] = result.value.servers;
  assert(server?.launch.kind === 'remote');
  return { ...server, launch: server.launch, notices: result.value.notices };
}

const problems = (lines: string, env: Record<string, string> = {}): readonly string[] => {
  const result = loadGatewayConfig(source(lines, env));
  return result.ok
    ? []
    : result.error.map((problem) => formatProblem(problem).replace(/^\S+?(\d+:\d+): /, '$1: '));
};

const ENDPOINT = '    endpoint: https://host.example/mcp\n';

describe('a remote server', () => {
  it('has every default filled in, and nothing of it is inactive', () => {
    const { launch, era, startupTimeoutMs, notices } = serverOf(ENDPOINT);
    expect(launch).toEqual({
      kind: 'remote',
      url: 'https://host.example/mcp',
      transport: 'auto',
      auth: { kind: 'none' },
      headers: {},
      tls: { verify: true, caPath: undefined },
      connectTimeoutMs: 10_000,
      readTimeoutMs: 30_000,
      connectRetries: 3,
      retryBackoffMs: 500,
      trusted: true,
    });
    expect(era).toBeUndefined();
    expect(startupTimeoutMs).toBe(30_000);
    expect(notices.filter((notice) => !notice.includes('tool_access'))).toEqual([]);
  });

  it('has its times in milliseconds, and its authority beside the file', () => {
    const http =
      '    http: {connect_timeout: 1.5, read_timeout: 2, max_retries: 0, retry_backoff_factor: 0}\n';
    const { launch } = serverOf(`${ENDPOINT}${http}    tls: {ca_cert_path: ca.pem}\n`);
    expect(launch).toMatchObject({
      connectTimeoutMs: 1_500,
      readTimeoutMs: 2_000,
      connectRetries: 0,
      retryBackoffMs: 0,
      tls: { caPath: '/etc/hangar/ca.pem' },
    });
  });

  it.each([
    ['bearer', '{type: bearer, token: s3cr3t}'],
    ['api-key', '{type: api_key, key: s3cr3t, header: X-K}'],
    ['basic', '{type: basic, username: ann, password: s3cr3t}'],
  ])('keeps its credential (%s) out of whatever prints it', (kind, auth) => {
    const { launch, secrets, digest } = serverOf(`${ENDPOINT}    auth: ${auth}\n`);
    expect(launch.auth.kind).toBe(kind);
    expect(JSON.stringify({ launch, digest, secrets })).not.toContain('s3cr3t');
    expect(secrets.map((secret) => secret.reveal())).toContain('s3cr3t');
  });

  it('hides headers and what its URL carries', () => {
    const { secrets } = serverOf(
      '    url: https://host.example/mcp?api_key=s3cr3t-one&b=%2Bx%20y\n    http: {headers: {X-A: s3cr3t-two}}\n',
    );
    const hidden = secrets.map((secret) => secret.reveal());
    expect(hidden).toEqual(
      expect.arrayContaining(['s3cr3t-one', '+x y', '%2Bx%20y', 's3cr3t-two']),
    );
  });

  it('has another digest for another endpoint, credential, header or authority, and else the same', () => {
    const digest = (more = '', endpoint = ENDPOINT): string => serverOf(endpoint + more).digest;
    const texts = [
      digest(),
      digest('', '    endpoint: https://other.example/mcp\n'),
      digest('    auth: {type: bearer, token: a}\n'),
      digest('    auth: {type: bearer, token: b}\n'),
      digest('    http: {headers: {X-A: a}}\n'),
      digest('    tls: {verify_ssl: false}\n'),
      digest('    transport: sse\n'),
    ];
    expect(new Set(texts).size).toBe(texts.length);
    expect(digest('    http: {read_timeout: 5}\n')).toBe(digest());
    expect(digest()).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['legacy', 'modern'] as const)('may be spoken to in one era alone: %s', (era) => {
    expect(serverOf(`${ENDPOINT}    era: ${era}\n`).era).toBe(era);
  });
});

describe('a remote server with a mistake', () => {
  it.each([
    [
      'bearer without a token',
      `${ENDPOINT}    auth: {type: bearer}\n`,
      '5:5: mcp_servers.far.auth.bearer_token: missing, and auth.type "bearer" needs it (add "bearer_token: ${NAME}" and put it into the environment of the gateway)',
    ],
    [
      'an empty token',
      `${ENDPOINT}    auth: {type: bearer, token: "\${TOKEN:-}"}\n`,
      '5:26: mcp_servers.far.auth.bearer_token: is empty (set the variable that it is taken from, or write auth: {type: none})',
    ],
    [
      'a credential that no type uses',
      `${ENDPOINT}    auth: {token: s3cr3t}\n`,
      '5:5: mcp_servers.far.auth.type: a credential is given, and no type that uses it (add "type: bearer")',
    ],
    [
      'basic without a password',
      `${ENDPOINT}    auth: {type: basic, username: ann}\n`,
      '5:5: mcp_servers.far.auth.password: missing, and auth.type "basic" needs it (add "password: ${NAME}" and put it into the environment of the gateway)',
    ],
    [
      'two endpoints',
      `${ENDPOINT}    url: https://other.example/mcp\n`,
      '5:5: mcp_servers.far.url: "url" means the same as "endpoint", which is given too (keep "endpoint")',
    ],
    [
      'another scheme',
      '    endpoint: ftp://host.example/mcp\n',
      '4:15: mcp_servers.far.endpoint: expected an http or https URL, got "ftp://host.example/mcp" (URL of a remote server)',
    ],
    [
      'a URL that is none',
      '    endpoint: http://host:99999999/mcp\n',
      '4:5: mcp_servers.far.endpoint: not a URL (write https://HOST/PATH)',
    ],
    [
      'credentials in the URL',
      '    endpoint: https://ann:s3cr3t@host.example/mcp\n',
      '4:5: mcp_servers.far.endpoint: a URL with credentials is not accepted: URLs end up in logs (write them as auth: {type: basic, username: …, password: …})',
    ],
    [
      'a header of the transport',
      `${ENDPOINT}    http: {headers: {Mcp-Session-Id: x}}\n`,
      '5:22: mcp_servers.far.http.headers.Mcp-Session-Id: the header "Mcp-Session-Id" is the transport\'s own (remove it)',
    ],
    [
      'an unknown era',
      `${ENDPOINT}    era: moderm\n`,
      '5:10: mcp_servers.far.era: expected one of auto, legacy, modern, got "moderm" (did you mean "modern"?)',
    ],
  ])('(%s) is refused at its place', (_mistake, lines, says) => {
    expect(problems(lines)).toEqual([says]);
    expect(problems(lines).join()).not.toContain('s3cr3t');
  });

  it('of a header value that would break a request is refused without showing it', () => {
    const [says] = problems(`${ENDPOINT}    auth: {type: bearer, token: "s3cr3t\\r\\nX: y"}\n`);
    expect(says).toMatch(/auth\.token: expected printable ASCII text .* got \[secret\]/);
  });
});
