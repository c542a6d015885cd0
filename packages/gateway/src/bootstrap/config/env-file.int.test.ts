import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, assert, beforeAll, describe, expect, it } from 'vitest';
import { readEnvFile, writtenEnvFile } from './env-file.ts';
import { loadGatewayConfig, readGatewayConfig } from './load-config.ts';
import { formatProblem } from './problem.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-env-file-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
function put(name: string, text: string, mode = 0o600): void {
  writeFileSync(at(name), text);
  chmodSync(at(name), mode);
}
const SERVER = 'mcp_servers:\n  a:\n    command: x\n    env: { TOKEN: "${TOKEN}" }\n';

async function problems(env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const result = await readGatewayConfig(at('config.yaml'), { env });
  return result.ok ? [] : result.error.map(formatProblem);
}

/** What the server would get. */
async function token(env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const result = await readGatewayConfig(at('config.yaml'), { env });
  assert(result.ok, result.ok ? '' : result.error.map(formatProblem).join('\n'));
  const [server] = result.value.servers;
  assert(server?.launch.kind === 'stdio');
  expect(server.secrets.map((secret) => secret.reveal())).toContain(
    server.launch.env['TOKEN']?.reveal(),
  );
  return server.launch.env['TOKEN']?.reveal();
}

describe('The file that env_file names', () => {
  it.skipIf(process.platform === 'win32')(
    'is no pipe, which nobody may ever write to',
    async () => {
      execFileSync('mkfifo', ['-m', '600', at('pipe.env')]);
      put('config.yaml', `env_file: pipe.env\n${SERVER}`);
      expect(await problems()).toEqual([expect.stringContaining('env_file is no regular file')]);
    },
  );

  it('has the variables that the environment has not', async () => {
    put('secrets.env', 'TOKEN=from-file\nMCP_HTTP_PORT=9999\n');
    put('config.yaml', `env_file: secrets.env # beside this\n${SERVER}`);
    expect(await token({})).toBe('from-file');
    expect(await token({ TOKEN: 'from-environment' })).toBe('from-environment');
    const result = await readGatewayConfig(at('config.yaml'), { env: {} });
    // It is looked into for references only.
    expect(result).toMatchObject({ value: { http: { port: 8000 } } });
  });

  it.each([
    ['env_file: none.env\n', 'none.env: there is no such env_file (ENOENT) (create it'],
    ['env_file: open.env\n', 'open.env: other users can read this env_file (type: chmod 600'],
    ['env_file: .\n', 'env_file is no regular file (name a file'],
    ['env_file: bad.env\n', 'bad.env:2:1: not NAME=value (write NAME=value'],
  ])('%j is refused with what to do', async (line, part) => {
    put('open.env', 'TOKEN=hunter2\n', 0o640);
    put('bad.env', 'A=1\nhunter2\n');
    put('config.yaml', line + SERVER);
    const found = await problems();
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(part);
    expect(found[0]).not.toContain('hunter2');
  });

  it.each([
    ['env_file: "${HOME}/x"\n'],
    ['env_file: !!str secrets.env\n'],
    ['env_file:\n  secrets.env\n'],
    ['env_file: &name secrets.env\n'],
  ])('%j is not found where it is looked for, and that is said', async (line) => {
    put('config.yaml', line + SERVER);
    const found = (await problems({ HOME: folder, TOKEN: 'x' })).join('\n');
    expect(found).toMatch(/env_file/);
  });

  it('is not read for a text without a file', () => {
    const result = loadGatewayConfig({
      text: `env_file: secrets.env\n${SERVER}`,
      env: { TOKEN: 'x' },
    });
    assert(!result.ok);
    expect(result.error.map(({ path }) => path)).toEqual(['env_file']);
  });

  it.each([
    ['env_file: a.env\n', 'a.env'],
    ['\uFEFF"env_file": \'a b.env\' # x\r\nhttp: {}\r\n', 'a b.env'],
    ['# env_file: no.env\nenv_file: a.env\n', 'a.env'],
    ['mcp_servers:\n  env_file: no.env\n', undefined],
    ['{"env_file": "a.env", "mcp_servers": {}}', 'a.env'],
    ['{"mcp_servers": {"env_file": "no.env"}}', undefined],
    ['{"env_file": 1', undefined],
    ['env_file:\n', undefined],
  ])('is found in %j', (text, name) => {
    expect(writtenEnvFile(text)).toBe(name);
  });

  it('makes another digest where one of its values is another', async () => {
    const { configDigest } = await import('../config-identity.ts');
    const text = `env_file: secrets.env\n${SERVER}`;
    const digest = async (): Promise<string> => {
      const { variables } = await readEnvFile(at('config.yaml'), text);
      return configDigest(text, at('config.yaml'), { ...variables });
    };
    put('secrets.env', 'TOKEN=1\nOTHER=1\n');
    const first = await digest();
    put('secrets.env', 'TOKEN=1\nOTHER=2\n');
    expect(await digest()).toBe(first);
    put('secrets.env', 'TOKEN=2\nOTHER=2\n');
    expect(await digest()).not.toBe(first);
  });
});
