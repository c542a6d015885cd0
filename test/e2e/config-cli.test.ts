/** `mcp-hangar config …`: what a configuration comes to, its schema, and what differs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EmptyHome, hangar, json, type Outcome } from '../support/command-line.ts';
import type { Config } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { upstream } from '../support/upstream.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
});

const FILE = `mcp_servers:
  files:
    command: [npx, files, --token, hunter2]
    env: { KEY: hunter2, LEVEL: debug, TOKEN: "\${TOKEN}" }
http:
  port: \${PORT:-8123}
`;

function written(text = FILE): { readonly home: EmptyHome; readonly file: string } {
  const home = new EmptyHome();
  opened.push(home);
  const file = join(home.folder, 'hangar.yaml');
  writeFileSync(file, text);
  return { home, file };
}

function household(rest: Config = {}): Household {
  const house = new Household((journal) => ({
    mcp_servers: { up: upstream([journal.option]) },
    ...rest,
  }));
  opened.push(house);
  return house;
}

const jsonOf = ({ stdout }: Outcome): unknown => JSON.parse(stdout);

describe('config show', () => {
  it('prints every value with where it comes from, and no secret', async () => {
    const { home, file } = written();
    const env = { MCP_LOG_LEVEL: 'warn', TOKEN: 'hunter2' };
    const { code, stdout, stderr } = await hangar(
      { folder: home.folder, env },
      'config',
      'show',
      '-c',
      file,
      '--host',
      '::1',
      '--no-defaults',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: `# ${file}\n` });
    expect(stdout).toBe(`KEY                          VALUE                                 FROM
mcp_servers.files.command    ["npx","files","--token","[secret]"]  line 3
mcp_servers.files.env.KEY    [secret]                              line 4
mcp_servers.files.env.LEVEL  debug                                 line 4
mcp_servers.files.env.TOKEN  \${TOKEN}                              line 4
http.host                    ::1                                   --host
http.port                    8123                                  line 6
logging.level                warn                                  MCP_LOG_LEVEL
`);
  });

  it('prints one object; members are added, never renamed or removed', async () => {
    const { home, file } = written();
    const outcome = await hangar(home, 'config', 'show', 'http', '-c', file, '--json');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(jsonOf(outcome)).toEqual({
      file,
      chosen_by: '--config',
      values: [
        { key: 'http.host', value: '127.0.0.1', origin: 'default', line: null, name: null },
        { key: 'http.port', value: '8123', origin: 'file', line: 6, name: null },
      ],
    });
  });

  it('finds a block, a key and a server, and the one that was meant', async () => {
    const { home, file } = written();
    const show = (key: string): Promise<Outcome> => hangar(home, 'config', 'show', '-c', file, key);
    expect((await show('http.port')).stdout).toMatch(/^KEY.*\nhttp\.port .*line 6\n$/);
    expect((await show('files')).stdout).toContain('mcp_servers.files.idle_ttl_s');
    expect(await show('htpp')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'mcp-hangar: nothing is configured at "htpp"\n  did you mean "http"?\n',
    });
  });

  it('shows what there is without a file, and nothing of one that is wrong', async () => {
    const { home, file } = written('mcp_servers:\n  a:\n    comand: x\n');
    const none = await hangar(home, 'config', 'show', 'http.port');
    expect(none).toMatchObject({ code: 0, stderr: 'note: there is no configuration file\n' });
    const wrong = await hangar(home, 'config', 'show', '-c', file);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(
      /unknown key "comand".*\n1 problem in the configuration; nothing is shown\n$/,
    );
  });
});

describe('config check --json', () => {
  it('prints one object for a valid file, and the problems of another', async () => {
    const { home, file } = written();
    const valid = await hangar(
      { folder: home.folder, env: { TOKEN: 'x' } },
      'config',
      'check',
      file,
      '--json',
    );
    expect(valid).toMatchObject({ code: 0, stderr: '' });
    expect(jsonOf(valid)).toEqual({ file, valid: true, servers: ['files'], notes: [] });
    const broken = await hangar(home, 'config', 'check', file, '--json');
    expect(broken.code).toBe(1);
    expect(jsonOf(broken)).toMatchObject({
      error: {
        code: 'CONFIG_INVALID',
        problems: [{ file, line: 4, column: 47, path: 'mcp_servers.files.env.TOKEN' }],
      },
    });
    const { stdout } = await hangar(home, 'config', 'check', '--help');
    expect(stdout).toContain('Examples:\n  $ mcp-hangar config check');
  });
});

describe('config schema', () => {
  it('prints a JSON Schema in which every key is described', async () => {
    const { home } = written();
    const outcome = await hangar(home, 'config', 'schema');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(jsonOf(outcome)).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'MCP Hangar',
      additionalProperties: false,
      properties: {
        mcp_servers: { additionalProperties: { properties: { command: {}, endpoint: {} } } },
        http: {
          properties: {
            port: {
              description: expect.stringContaining('Environment: MCP_HTTP_PORT.'),
              anyOf: [{ type: 'integer', minimum: 0, maximum: 65_535 }, { pattern: '\\$\\{' }],
            },
          },
        },
      },
    });
  });
});

describe('config diff', () => {
  it('tells two files apart by what they come to', async () => {
    const { home, file } = written();
    const other = join(home.folder, 'other.yaml');
    writeFileSync(
      other,
      `${FILE.replace('mcp_servers', '# the same\nproviders').replace('KEY: hunter2', 'KEY: hunter3')}  host: 127.0.0.1\n`.replace(
        'http:',
        '  new: { command: x }\nhttp:',
      ),
    );
    const { code, stdout, stderr } = await hangar(home, 'config', 'diff', file, other);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`--- ${file}
+++ ${other}
+ mcp_servers.new
~ mcp_servers.files.env.KEY: [secret] (with another value)
`);
    const json = await hangar(home, 'config', 'diff', '-c', file, other, '--json', '--exit-code');
    expect(json.code).toBe(1);
    expect(jsonOf(json)).toEqual({
      old: file,
      new: other,
      differs: true,
      servers: { added: ['new'], removed: [], changed: ['files'] },
      values: [{ key: 'mcp_servers.files.env.KEY', old: '[secret]', new: '[secret]' }],
    });
    expect(await hangar(home, 'config', 'diff', file, file, '--exit-code')).toMatchObject({
      code: 0,
      stdout: `${file} and ${file} come to the same\n`,
    });
  });

  it('says what the gateway that runs does not have yet', async () => {
    const house = household({ config_reload: { enabled: false } });
    const diff = (...flags: readonly string[]): Promise<Outcome> =>
      hangar(house, 'config', 'diff', '-c', house.file, ...flags);
    const absent = await diff('--json');
    expect(absent.code).toBe(3);
    expect(jsonOf(absent)).toMatchObject({ error: { code: 'GATEWAY_NOT_RUNNING' } });
    const gateway = await house.http();
    expect((await diff()).stdout).toBe(
      `the gateway that runs and ${house.file} come to the same\n`,
    );
    await hangar(house, 'add', '-q', '-c', house.file, 'new', '--', 'x');
    await hangar(house, 'disable', '-q', '-c', house.file, 'up');
    const changed = await diff();
    expect(changed.stdout).toBe(
      `--- the gateway that runs\n+++ ${house.file}\n+ mcp_servers.new\n~ mcp_servers.up.enabled: true → false\n`,
    );
    expect(changed.stderr).toBe('note: mcp-hangar reload applies it\n');
    expect((await diff('--quiet')).stderr).toBe('');
    expect(await json(house, 'reload', '--json')).toMatchObject({ added: ['new'] });
    expect((await diff()).stdout).toContain('come to the same');
    house.write({
      mcp_servers: {},
      config_reload: { enabled: false },
      limits: { in_flight_max: 7 },
    });
    expect((await diff()).stderr).toMatch(
      /^note: only a restart of the gateway applies limits\.in_flight_max/,
    );
    expect(readFileSync(house.file, 'utf8')).toContain('"enabled": false');
    expect(gateway.stderr()).not.toContain('defect');
  });

  it.each([
    [['a.yaml', 'b.yaml', 'c.yaml'], '3 files are named; two can be compared'],
    [['no-such.yaml'], 'there is no file'],
    [['--exit-cod'], 'Did you mean --exit-code?'],
  ])('of %j is refused with what to do', async (args, part) => {
    const { home, file } = written();
    const { code, stdout, stderr } = await hangar(home, 'config', 'diff', '-c', file, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(part);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});
