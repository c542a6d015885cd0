import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, assert, beforeAll, describe, expect, it } from 'vitest';

import { readGatewayConfig } from './load-config.ts';
import { locateConfig } from './locate.ts';
import { formatProblem } from './problem.ts';

const product = fileURLToPath(new URL('../../../../../test/fixtures/product/', import.meta.url));
const env = { LANGFUSE_PUBLIC_KEY: 'pk', LANGFUSE_SECRET_KEY: 'sk', HOME: '/home/ada' };
const filesystem = {
  id: 'filesystem',
  launch: {
    kind: 'stdio',
    command: 'npx',
    args: ['-y', '@anthropic/mcp-server-filesystem', '/Users/you/Documents'],
  },
  startupTimeoutMs: 120_000,
};
const math = { id: 'math', launch: { command: 'python', args: ['-m', 'my_math_server'] } };
const notActive = (...keys: readonly string[]): readonly string[] =>
  keys.map((key) => `\`${key}\` is not active in this build`);

describe('the files of the product documents load', () => {
  it.each([
    ['000-agent-connection.yaml', [filesystem], notActive('cloud')],
    ['000-production-server.yaml', [filesystem], notActive('cloud')],
    ['000-development-machine.yaml', [filesystem], notActive('cloud')],
    [
      '002-quick-start.yaml',
      [math, { id: 'sqlite', launch: { kind: 'inactive', mode: 'container' } }],
      notActive('image', 'volumes'),
    ],
    ['002-observability.yaml', [math], notActive('observability')],
  ])('%s', async (file, servers, notices) => {
    const path = join(product, file);
    const result = await readGatewayConfig(path, { env });
    assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
    expect(result.value.path).toBe(path);
    expect(result.value.servers).toMatchObject(servers);
    expect(result.value.notices).toEqual(notices);
  });

  it('002-observability.yaml not without its variables', async () => {
    const path = join(product, '002-observability.yaml');
    const result = await readGatewayConfig(path, { env: {} });
    assert(!result.ok);
    expect(result.error.map(formatProblem)).toEqual([
      `${path}:5:17: observability.langfuse.public_key: environment variable "LANGFUSE_PUBLIC_KEY" is not set (set LANGFUSE_PUBLIC_KEY, or write \${LANGFUSE_PUBLIC_KEY:-default})`,
      `${path}:6:17: observability.langfuse.secret_key: environment variable "LANGFUSE_SECRET_KEY" is not set (set LANGFUSE_SECRET_KEY, or write \${LANGFUSE_SECRET_KEY:-default})`,
    ]);
  });
});

describe('files', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hangar-config-'));
    await mkdir(join(directory, 'xdg', 'mcp-hangar'), { recursive: true });
    await mkdir(join(directory, 'empty'));
    await writeFile(join(directory, 'config.yaml'), 'mcp_servers: {}\n');
    await writeFile(join(directory, 'named.yaml'), 'mcp_servers: {}\n');
    await writeFile(join(directory, 'xdg', 'mcp-hangar', 'config.yaml'), 'mcp_servers: {}\n');
    await writeFile(join(directory, 'latin1.yaml'), Uint8Array.of(0x61, 0x3a, 0x20, 0xe9));
    await writeFile(join(directory, 'large.yaml'), '#'.repeat(4 * 1024 * 1024 + 1));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each([
    ['none.yaml', 'there is no such file (ENOENT) (check the path)'],
    ['empty', 'this is a directory (EISDIR) (name the file in it)'],
    ['latin1.yaml', 'the file is not UTF-8 text (save it as UTF-8)'],
    ['large.yaml', 'the file is larger than 4 MiB (check that this is the configuration)'],
  ])('that cannot be read are named: %s', async (name, says) => {
    const path = join(directory, name);
    const result = await readGatewayConfig(path, { env: {} });
    assert(!result.ok);
    expect(result.error.map(formatProblem)).toEqual([`${path}: ${says}`]);
  });

  const locate = (
    rest: Partial<Parameters<typeof locateConfig>[0]>,
  ): ReturnType<typeof locateConfig> =>
    locateConfig({
      flag: undefined,
      env: { HOME: join(directory, 'empty') },
      workingDirectory: directory,
      fromTerminal: true,
      ...rest,
    });
  const both = (): Record<string, string> => ({
    MCP_CONFIG: 'named.yaml',
    XDG_CONFIG_HOME: join(directory, 'xdg'),
    HOME: join(directory, 'empty'),
  });
  const ofUser = (): Record<string, string> => ({ ...both(), MCP_CONFIG: '' });

  it('are chosen in order: flag, variable, working directory of a terminal, user', () => {
    const chosen = (file: string, chosenBy: string): unknown => ({
      ok: true,
      value: { path: join(directory, file), chosenBy },
    });
    expect(locate({ flag: 'config.yaml', env: both() })).toEqual(chosen('config.yaml', '--config'));
    expect(locate({ env: both() })).toEqual(chosen('named.yaml', 'MCP_CONFIG'));
    expect(locate({ env: ofUser() })).toEqual(chosen('config.yaml', './config.yaml'));
    expect(locate({ env: ofUser(), fromTerminal: false })).toEqual(
      chosen('xdg/mcp-hangar/config.yaml', 'user configuration'),
    );
    expect(locate({ fromTerminal: false })).toEqual({ ok: true, value: undefined });
  });

  it('that are named and missing are an error that says so', () => {
    const flag = locate({ flag: 'none.yaml', env: both() });
    const variable = locate({ env: { MCP_CONFIG: '/none.yaml' } });
    assert(!flag.ok && !variable.ok);
    expect([formatProblem(flag.error), formatProblem(variable.error)]).toEqual([
      `command line: --config: there is no file "${join(directory, 'none.yaml')}" (check the path, or leave --config out)`,
      'environment: MCP_CONFIG: there is no file "/none.yaml" (check the path, or leave MCP_CONFIG out)',
    ]);
  });
});
