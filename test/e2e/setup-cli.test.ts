/** `mcp-hangar init`, `import` and `connect`: from the files of clients into ours, into theirs, and back. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientHome, type Outcome } from '../support/client-home.ts';
import { COMMAND } from '../support/gateway.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';
import { needs } from '../../scripts/requirements.ts';

const script = needs('script', () =>
  spawnSync('script', ['--version']).stdout?.includes('util-linux'),
);

const CONFIG = '.config/mcp-hangar/config.yaml';
const SECRETS = '.config/mcp-hangar/secrets.env';
/** Every value of the fixtures that nobody may see. */
const HIDDEN = [
  'ghp_fixtureFixtureFixture0000000000000001',
  'ghp_fixtureFixtureFixture0000000000000002',
  's3cr3t-pa55',
  'ntn_fixture',
  'sk_test_fixture',
  'Zm94dHVyZTEyMzQ1',
  'fixture-kagi-key-0001',
];

const homes: ClientHome[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) home[Symbol.dispose]();
});
function kept(home: ClientHome): ClientHome {
  homes.push(home);
  return home;
}
const full = (): ClientHome => kept(ClientHome.full());
const empty = (): ClientHome => kept(ClientHome.empty());

/** @throws unless it went well, and showed no secret and no stack trace */
function good(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ code: 0 });
  quiet(outcome);
  return outcome;
}
function quiet({ stdout, stderr }: Outcome): void {
  for (const secret of HIDDEN) expect(stdout + stderr).not.toContain(secret);
  expect(stderr).not.toMatch(/^ +at /m);
}

interface Report {
  readonly servers: readonly {
    readonly client: string;
    readonly name: string;
    readonly outcome: string;
    readonly id: string | null;
    readonly reason: string | null;
    readonly notes: readonly string[];
  }[];
  readonly clients: readonly Record<string, unknown>[];
  readonly files: readonly {
    readonly path: string;
    readonly change: string;
    readonly diff: string;
  }[];
  readonly [member: string]: unknown;
}
const report = (outcome: Outcome): Report => JSON.parse(good(outcome).stdout) as Report;

describe('A home folder with the files of eight clients', () => {
  it('is shown as a diff, imported, left alone the second time, and restored byte for byte', async () => {
    const home = full();
    const before = home.snapshot();

    const dry = good(await home.run('init', '--dry-run'));
    expect(home.snapshot()).toEqual(before);
    expect(home.has('.local')).toBe(false);
    for (const path of Object.keys(before).filter((name) => name.startsWith('.')))
      expect(dry.stdout).toContain(`--- ${home.at(path)}\n+++ ${home.at(path)}\n@@`);
    expect(dry.stdout).toContain(`--- /dev/null\n+++ ${home.at(CONFIG)}\n@@`);
    expect(dry.stdout).toMatch(/^\+ {2}github:$/m);
    expect(dry.stdout).toContain('GITHUB_PERSONAL_ACCESS_TOKEN=•••');
    expect(dry.stdout).toContain('11 files would be written. Nothing was.');

    const first = good(await home.run('init', '-y', '--no-test'));
    expect(first.stdout).toContain('22 MCP servers into');
    expect(first.stdout).toContain('mcp-hangar init --undo takes this back');
    const after = home.snapshot();
    expect(after[SECRETS]).toMatch(/^600 /);
    expect(good(await home.run('config', 'check')).stdout).toContain('valid, 22 MCP servers');

    const second = good(await home.run('init', '-y', '--no-test'));
    expect(second.stdout).toMatch(/Nothing to do\.\n$/);
    expect(home.snapshot()).toEqual(after);

    good(await home.run('init', '--undo'));
    expect(home.snapshot()).toEqual(before);
    expect(good(await home.run('init', '--undo')).stdout).toBe('Nothing to undo.\n');
  });

  it('becomes a configuration with every server once', async () => {
    const home = full();
    const { servers, secrets, clients } = report(
      await home.run('init', '-y', '--no-test', '--json'),
    );
    const said = servers.map(({ client, name, outcome, id }) => [client, name, outcome, id]);
    expect(said).toEqual([
      ['claude-desktop', 'filesystem', 'imported', 'filesystem'],
      ['claude-desktop', 'github', 'imported', 'github'],
      ['claude-desktop', 'literal', 'imported', 'literal'],
      ['claude-code', 'github', 'already_there', 'github'],
      ['claude-code', 'sentry', 'imported', 'sentry'],
      ['claude-code', 'linear', 'imported', 'linear'],
      ['claude-code', 'shop-db', 'imported', 'shop-db'],
      ['claude-code', 'old', 'skipped', null],
      ['cursor', 'filesystem', 'imported', 'filesystem-cursor'],
      ['cursor', 'figma', 'imported', 'figma'],
      ['cursor', 'notion', 'imported', 'notion'],
      ['cursor', 'postgres', 'imported', 'postgres'],
      ['vscode', 'microsoft/playwright-mcp', 'imported', 'microsoft-playwright-mcp'],
      ['vscode', 'perplexity', 'imported', 'perplexity'],
      ['vscode', 'workspace-files', 'skipped', null],
      ['vscode', 'context7', 'imported', 'context7'],
      ['windsurf', 'context7', 'already_there', 'context7'],
      ['windsurf', 'stripe', 'imported', 'stripe'],
      ['windsurf', 'zapier', 'imported', 'zapier'],
      ['windsurf', 'socket', 'skipped', null],
      ['zed', 'mcp-server-github', 'skipped', null],
      ['zed', 'hexdocs', 'imported', 'hexdocs'],
      ['zed', 'kagi', 'imported', 'kagi'],
      ['codex', 'context7', 'imported', 'context7-codex'],
      ['codex', 'figma', 'imported', 'figma-codex'],
      ['codex', 'browser tools', 'imported', 'browser-tools'],
      ['gemini', 'maps', 'imported', 'maps'],
      ['gemini', 'search', 'imported', 'search'],
      ['gemini', 'hangar', 'gateway', null],
    ]);
    for (const { outcome, reason } of servers) expect(reason !== null).toBe(outcome === 'skipped');
    expect(secrets).toEqual({
      file: home.at(SECRETS),
      variables: [
        'GITHUB_PERSONAL_ACCESS_TOKEN',
        'SHOP_DB_DSN',
        'NOTION_TOKEN',
        'STRIPE_API_KEY',
        'ZAPIER_URL_KEY',
        'KAGI_API_KEY',
      ],
    });
    expect(clients.every((client) => client['is_connected'])).toBe(true);
    const config = home.read(CONFIG);
    expect(config).toMatch(/^# yaml-language-server: \$schema=\.\/config\.schema\.json\n/);
    expect(config).toContain('env_file: secrets.env\n');
    expect(home.json('.config/mcp-hangar/config.schema.json')).toHaveProperty('properties');
    const theirs = home.read('.config/zed/settings.json');
    expect(theirs).toContain('"light": "One Light", // by day');
    expect(theirs).toContain('// Installed by an extension.');
    expect(home.read('.cursor/mcp.json')).toContain('\t\t"hangar": {\r\n\t\t\t"command"');
    expect(home.read('.codeium/windsurf/mcp_config.json').startsWith('\uFEFF{')).toBe(true);
  });

  it('keeps what the user has written since, unless that is forced away', async () => {
    const home = full();
    const before = home.snapshot();
    good(await home.run('init', '-y', '--no-test'));
    const done = home.snapshot();
    home.write('.gemini/settings.json', '{ "mine": true }');
    const refused = await home.run('init', '--undo');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`${home.at('.gemini/settings.json')} was changed since`);
    expect(refused.stderr).toContain('--force restores all the same');
    expect(home.snapshot()).toEqual({ ...done, '.gemini/settings.json': expect.anything() });
    const forced = JSON.parse(good(await home.run('init', '--undo', '--force', '--json')).stdout);
    expect(forced).toEqual({
      undone: 'init',
      made_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      files: expect.arrayContaining([home.at('.gemini/settings.json')]),
    });
    expect(home.snapshot()).toEqual(before);
  });

  it('is restored also where the command was killed in the middle', async () => {
    const home = full();
    const before = home.snapshot();
    const options = { env: home.environment(), cwd: home.folder };
    const child = execFile(process.execPath, [COMMAND, 'init', '-y', '--no-test'], options);
    await until('it has written the first client', () => {
      if (!home.read('.claude.json').includes('mcp-hangar.mjs')) return false;
      return child.kill('SIGKILL');
    });
    await once(child, 'exit');
    // It may have left a lock, which is old after ten seconds.
    const undone = async (): Promise<boolean> => (await home.run('init', '--undo')).code === 0;
    await until('what it has written is taken back', undone, 30_000);
    expect(home.snapshot()).toEqual(before);
  });

  it('keeps its servers in the clients where that is asked for', async () => {
    const home = full();
    good(await home.run('init', '-y', '--no-test', '--no-replace'));
    expect(home.read('.cursor/mcp.json')).toContain('ntn_fixture');
    expect(home.json('.cursor/mcp.json')).toHaveProperty('mcpServers.hangar');
    const after = home.snapshot();
    const again = good(await home.run('init', '-y', '--no-test', '--no-replace'));
    expect(again.stdout).toMatch(/Nothing to do\.\n$/);
    expect(home.snapshot()).toEqual(after);
  });
});

describe('init', () => {
  it('makes a configuration with which a client reaches its servers', async () => {
    const home = empty();
    home.write('.cursor/mcp.json', JSON.stringify({ mcpServers: { up: command(upstream()) } }));
    const done = report(await home.run('init', '-y', '--json'));
    expect(done['smoke_test']).toEqual([
      { id: 'up', is_ready: true, ms: expect.any(Number), tools: expect.any(Number), error: null },
    ]);
    const { mcpServers } = home.json('.cursor/mcp.json') as {
      mcpServers: Record<string, { command: string; args: string[]; env?: Record<string, string> }>;
    };
    expect(Object.keys(mcpServers)).toEqual(['hangar']);
    const entry = mcpServers['hangar'];
    await using client = StdioClient.at({
      command: entry?.command ?? '',
      args: entry?.args ?? [],
      cwd: '/',
      env: { HOME: home.folder, PATH: '/usr/bin:/bin', ...entry?.env },
    });
    await client.initialize();
    const listed = await client.request('tools/list', {});
    expect(JSON.stringify(listed.result)).toContain('up__');
    expect(await client.end()).toBe(0);
  });

  it('says what keeps a server from starting', async () => {
    const home = empty();
    home.write('.cursor/mcp.json', '{"mcpServers":{"gone":{"command":"no-such-program-9"}}}');
    const { stdout } = good(await home.run('init', '-y'));
    expect(stdout).toContain(
      'gone: Cannot start MCP server "gone": command "no-such-program-9" not',
    );
  });

  it('gives servers to who has none', async () => {
    const home = empty();
    mkdirSync(home.at('Documents'));
    mkdirSync(home.at('bin'));
    for (const name of ['npx', 'uvx'])
      writeFileSync(home.at(`bin/${name}`), '#!/bin/sh\necho 1.2.3\n', { mode: 0o755 });
    const path = { ...home.environment(), PATH: `${home.at('bin')}:/usr/bin:/bin` };
    home.environment = () => path;
    const done = report(await home.run('init', '-y', '--no-test', '--json'));
    expect(done['added']).toEqual(['filesystem', 'fetch', 'memory']);
    expect(done['runtimes']).toContainEqual({
      name: 'uvx',
      path: home.at('bin/uvx'),
      version: '1.2.3',
    });
    expect(home.read(CONFIG)).toContain(home.at('Documents'));
    rmSync(home.at('bin/uvx'));
    good(await home.run('init', '--undo'));
    const less = good(await home.run('init', '-y', '--no-test', '--bundle', 'developer'));
    expect(less.stdout).toContain('git is left out: it needs uvx, which is not on the PATH');
    good(await home.run('init', '--undo'));
    expect(home.has(CONFIG)).toBe(false);
    good(await home.run('init', '-y', '--bundle', 'none'));
    expect(good(await home.run('config', 'check')).stdout).toContain('valid, 0 MCP servers');
  });

  it('leaves a client out whose file cannot be edited, and says so', async () => {
    const home = empty();
    home.write('.codex/config.toml', 'mcp_servers = { a = { command = "x" } }\n');
    home.write('.gemini/settings.json', '{}');
    const { stdout } = good(await home.run('init', '-y', '--no-test'));
    expect(stdout).toContain(
      `cannot edit ${home.at('.codex/config.toml')} of Codex: it is written in`,
    );
    expect(home.read(CONFIG)).toContain('  a:\n    command: x\n');
    expect(home.json('.gemini/settings.json')).toHaveProperty('mcpServers.hangar');
    expect(home.read('.codex/config.toml')).toBe('mcp_servers = { a = { command = "x" } }\n');
  });

  it('adds to a configuration that is there, and changes nothing else of it', async () => {
    const home = full();
    const mine = '# mine\nhttp:\n  port: 8123 # a port\nmcp_servers:\n  hexdocs:\n    command: x\n';
    home.write(CONFIG, mine, 0o640);
    const before = home.snapshot();
    good(await home.run('init', '-y', '--no-test'));
    const now = home.read(CONFIG);
    expect(now).toContain('# mine\nenv_file: secrets.env\n\nhttp:\n  port: 8123 # a port\n');
    expect(now).toContain('  hexdocs:\n    command: x\n');
    expect(now).toContain('  hexdocs-zed:\n');
    good(await home.run('init', '--undo'));
    expect(home.snapshot()).toEqual(before);
  });

  it('reads secrets that are there, and adds to them', async () => {
    const home = full();
    home.write(SECRETS, 'GITHUB_PERSONAL_ACCESS_TOKEN=another\n', 0o600);
    home.write(CONFIG, 'env_file: secrets.env\nmcp_servers: {}\n');
    good(await home.run('init', '-y', '--no-test'));
    const secrets = home.read(SECRETS);
    expect(secrets).toContain('GITHUB_PERSONAL_ACCESS_TOKEN=another\n');
    expect(secrets).toContain(`GITHUB_PERSONAL_ACCESS_TOKEN_2=${HIDDEN[0]}\n`);
    expect(home.read(CONFIG)).toContain('${GITHUB_PERSONAL_ACCESS_TOKEN_2}');
  });

  it.each([
    [
      'invalid',
      (home: ClientHome) => home.write('.cursor/mcp.json', '{"mcpServers":'),
      'it is no valid JSON (line 1)',
    ],
    [
      'a folder',
      (home: ClientHome) => mkdirSync(home.at('.cursor/mcp.json'), { recursive: true }),
      'it is a folder',
    ],
    [
      'a link to nothing',
      (home: ClientHome) => {
        mkdirSync(home.at('.cursor'));
        symlinkSync('nothing', home.at('.cursor/mcp.json'));
      },
      'it is a link to nothing',
    ],
  ])('leaves a file alone that is %s', async (_what, make, reason) => {
    const home = empty();
    make(home);
    home.write('.gemini/settings.json', '{"mcpServers":{"a":{"command":"x"}}}');
    const { stdout } = good(await home.run('init', '-y', '--no-test'));
    expect(stdout).toContain(`Cursor: ${home.at('.cursor/mcp.json')}: ${reason}`);
    expect(home.json('.gemini/settings.json')).toHaveProperty('mcpServers.hangar');
    const refused = await home.run('connect', 'cursor');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(reason);
    expect(refused.stderr).toContain('repair the file');
  });
});

/** As clients write it. */
const command = ({ command: words, args }: Record<string, unknown>): Record<string, unknown> => {
  const [program, ...rest] = words as string[];
  return { command: program, args: [...rest, ...(args as string[])] };
};

describe('import', () => {
  it('takes the servers of the clients that are named, and touches no client', async () => {
    const home = full();
    const before = home.snapshot();
    const { servers, files } = report(await home.run('import', 'zed', 'gemini', '-y', '--json'));
    expect(new Set(servers.map(({ client }) => client))).toEqual(new Set(['zed', 'gemini']));
    expect(files.map(({ path, change }) => [path, change])).toEqual([
      [home.at(SECRETS), 'created'],
      [home.at(CONFIG), 'created'],
      [home.at('.config/mcp-hangar/config.schema.json'), 'created'],
    ]);
    const now = home.snapshot();
    for (const [path, bytes] of Object.entries(before)) expect(now[path]).toBe(bytes);
    good(await home.run('init', '--undo'));
    expect(home.snapshot()).toEqual(before);
  });

  it('moves secrets only where somebody has agreed', async () => {
    const home = full();
    const before = home.snapshot();
    const refused = await home.run('import', 'zed');
    quiet(refused);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('-y agrees, --keep-secrets leaves them in the configuration');
    expect(home.snapshot()).toEqual(before);
    good(await home.run('import', 'zed', '--keep-secrets'));
    expect(home.has(SECRETS)).toBe(false);
    expect(home.read(CONFIG)).toContain('KAGI_API_KEY: fixture-kagi-key-0001');
  });

  it('takes a file of any form', async () => {
    const home = empty();
    home.write('a.json', '{"servers":{"one":{"command":"x"}},}');
    home.write('b.toml', '[mcp_servers.two]\ncommand = "y"\n');
    good(await home.run('import', '--from', 'a.json'));
    good(await home.run('import', '--from', 'b.toml'));
    expect(good(await home.run('config', 'check')).stdout).toContain('valid, 2 MCP servers');
  });

  it('takes the files of a folder too, and says where a server runs', async () => {
    const home = empty();
    const servers = { local: { command: 'node', args: ['./server.js'] } };
    home.write('shop/.mcp.json', JSON.stringify({ mcpServers: servers }));
    home.write('shop/.vscode/mcp.json', JSON.stringify({ servers }));
    good(await home.runIn(home.at('shop'), 'import'));
    expect(home.read(CONFIG)).toContain(`cwd: ${home.at('shop')}`);
    expect(good(await home.run('config', 'check')).stdout).toContain('valid, 1 MCP server\n');
  });

  it('prints with --json what is pinned here', async () => {
    const home = empty();
    home.write('.cursor/mcp.json', '{"mcpServers":{"a":{"command":"x","trust":true}}}');
    const done = report(await home.run('import', 'cursor', '--dry-run', '--json'));
    expect(done).toEqual({
      config: home.at(CONFIG),
      dry_run: true,
      servers: [
        {
          client: 'cursor',
          file: home.at('.cursor/mcp.json'),
          name: 'a',
          outcome: 'imported',
          id: 'a',
          reason: null,
          notes: ['"trust" is not taken over: what needs no approval is decided by each client'],
        },
      ],
      added: [],
      clients: expect.arrayContaining([
        {
          id: 'cursor',
          title: 'Cursor',
          file: home.at('.cursor/mcp.json'),
          is_installed: true,
          is_connected: false,
          change: 'none',
          problem: null,
        },
      ]),
      runtimes: expect.arrayContaining([
        { name: 'node', path: process.execPath, version: process.versions.node },
      ]),
      secrets: null,
      files: [
        { path: home.at(CONFIG), change: 'created', diff: expect.stringContaining('+  a:\n') },
        {
          path: home.at('.config/mcp-hangar/config.schema.json'),
          change: 'created',
          diff: expect.stringContaining('generated'),
        },
      ],
      notes: [],
      smoke_test: [],
      undo: null,
    });
    expect(home.has('.config')).toBe(false);
  });
});

describe('connect', () => {
  const withConfig = (): ClientHome => {
    const home = empty();
    home.write(CONFIG, 'mcp_servers:\n  a:\n    command: x\n');
    return home;
  };

  it('lists the clients', async () => {
    const home = withConfig();
    home.write('.cursor/mcp.json', '{}');
    const { stdout } = good(await home.run('connect'));
    expect(stdout).toMatch(/^CLIENT +NAME +INSTALLED +CONNECTED +FILE\n/);
    expect(stdout).toMatch(/^cursor +Cursor +yes +no +\S+mcp\.json$/m);
    const { clients } = report(await home.run('connect', '--json'));
    expect(clients.map(({ id }) => id)).toEqual([
      'claude-desktop',
      'claude-code',
      'cursor',
      'vscode',
      'windsurf',
      'zed',
      'codex',
      'gemini',
    ]);
  });

  it('writes a client, changes nothing the second time, and removes what it wrote', async () => {
    const home = withConfig();
    const text = '{\n  // mine\n  "mcpServers": {\n    "b": { "command": "y" }\n  }\n}\n';
    home.write('.cursor/mcp.json', text, 0o640);
    const { stdout } = good(await home.run('connect', 'cursor'));
    expect(stdout).toContain(`Cursor: connected (${home.at('.cursor/mcp.json')})`);
    expect(stdout).toContain('mcp-hangar init --undo takes this back');
    const now = home.snapshot();
    expect(now['.cursor/mcp.json']).toMatch(/^640 /);
    expect(home.read('.cursor/mcp.json')).toContain('// mine');
    expect(good(await home.run('connect', 'cursor')).stdout).toBe('Nothing to do.\n');
    expect(home.snapshot()).toEqual(now);
    good(await home.run('connect', 'cursor', '--remove'));
    expect(home.read('.cursor/mcp.json')).toBe(text);
  });

  it.each([
    [
      'codex',
      '.codex/config.toml',
      /\[mcp_servers\.hangar\]\nurl = "http:\/\/127\.0\.0\.1:8000\/mcp"/,
    ],
    ['claude-code', '.claude.json', /"type": "http",\s+"url": "http:\/\/127\.0\.0\.1:8000\/mcp"/],
  ])('writes the URL for %s', async (id, path, pattern) => {
    const home = withConfig();
    good(await home.run('connect', id, '--transport', 'http'));
    expect(home.read(path)).toMatch(pattern);
    expect(good(await home.run('connect', id, '--transport', 'http')).stdout).toBe(
      'Nothing to do.\n',
    );
    good(await home.run('connect', id, '--transport', 'stdio'));
    expect(home.read(path)).toContain('mcp-hangar.mjs');
    expect(home.read(path)).not.toContain('127.0.0.1');
  });

  it('writes the file of a folder', async () => {
    const home = withConfig();
    mkdirSync(home.at('shop'));
    const { stdout } = good(
      await home.runIn(home.at('shop'), 'connect', 'vscode', '--scope', 'project'),
    );
    expect(stdout).toContain('the file names paths of this machine');
    expect(home.json('shop/.vscode/mcp.json')).toHaveProperty('servers.hangar.type', 'stdio');
  });

  it('takes out what the gateway has too', async () => {
    const home = withConfig();
    home.write('.gemini/settings.json', '{"mcpServers":{"a":{"command":"x"},"b":{"command":"y"}}}');
    good(await home.run('connect', 'gemini', '--replace'));
    const { mcpServers } = home.json('.gemini/settings.json') as { mcpServers: object };
    expect(Object.keys(mcpServers)).toEqual(['b', 'hangar']);
  });

  it('leaves an entry of the same name that is somebody else', async () => {
    const home = withConfig();
    home.write('.gemini/settings.json', '{"mcpServers":{"hangar":{"command":"planes"}}}');
    good(await home.run('connect', 'gemini'));
    expect(home.json('.gemini/settings.json')).toMatchObject({
      mcpServers: { hangar: { command: 'planes' }, 'hangar-2': { command: process.execPath } },
    });
  });
});

describe('What is typed wrongly', () => {
  it.each([
    [['connect', 'curser'], 'did you mean "cursor"?'],
    [['connect', 'nobody'], 'known are claude-desktop, claude-code'],
    [['connect', 'cursor', '--scope', 'all'], 'Allowed choices are user, project'],
    [['connect', 'cursor', '--jsn'], 'Did you mean --json?'],
    [['import', 'curser'], 'did you mean "cursor"?'],
    [['import', '--from', 'none.json'], 'there is no such file'],
    [['import', 'cursor', '--from', 'a.json'], 'name one of them'],
    [['init'], '-y takes the defaults; --dry-run shows what they are'],
    [['init', '-y', '--bundle', 'huge'], 'Allowed choices are starter, developer, none'],
  ])('%j is answered with exit code 1 and what to do', async (args, part) => {
    const home = empty();
    const outcome = await home.run(...args);
    quiet(outcome);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(part);
    const inJson = await home.run(...args, '--json');
    if (!args.includes('--jsn'))
      expect(JSON.parse(inJson.stdout)).toMatchObject({
        error: { code: expect.stringMatching(/^(INPUT_INVALID|CLIENT_FILE_UNUSABLE)$/) },
      });
  });

  it.each([
    [['connect', 'claude-desktop', '--transport', 'http'], 'leave --transport http out'],
    [['connect', 'windsurf', '--scope', 'project'], 'leave --scope project out'],
  ])('%j is told apart from what that client can do', async (args, part) => {
    const home = empty();
    home.write(CONFIG, 'mcp_servers: {}\n');
    const { code, stderr } = await home.run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(part);
  });

  it('in a configuration is told before anything is written', async () => {
    const home = full();
    home.write(CONFIG, 'mcp_servers:\n  a:\n    comand: x\n');
    const before = home.snapshot();
    for (const args of [
      ['init', '-y'],
      ['import', '-y'],
      ['connect', 'cursor'],
    ]) {
      const { code, stderr } = await home.run(...args);
      expect(code).toBe(1);
      expect(stderr).toContain('did you mean "command"?');
      expect(stderr).toContain('nothing was written');
    }
    expect(home.snapshot()).toEqual(before);
  });

  it.each([['init'], ['import'], ['connect']])('%s shows examples in its help', async (name) => {
    const { stdout } = good(await empty().run(name, '--help'));
    expect(stdout).toContain(`$ mcp-hangar ${name}`);
    expect(stdout).toContain('Exit codes:');
  });
});

describe('A file that may not be written', () => {
  it.skipIf(process.getuid?.() === 0)(
    'is told with exit code 2, and the rest can be undone',
    async () => {
      const home = full();
      const before = home.snapshot();
      chmodSync(home.at('.gemini'), 0o500);
      const { code, stderr } = await home.run('init', '-y', '--no-test');
      expect(code).toBe(2);
      expect(stderr).toContain('cannot write');
      chmodSync(home.at('.gemini'), 0o755);
      good(await home.run('init', '--undo'));
      expect(home.snapshot()).toEqual(before);
    },
  );

  it('in the state folder keeps everything as it was', async () => {
    const home = full();
    const before = home.snapshot();
    writeFileSync(join(home.folder, '.local'), 'a file');
    const { code, stderr } = await home.run('init', '-y', '--no-test');
    expect(code).toBe(2);
    expect(stderr).toContain('cannot keep what is needed to undo');
    expect(home.snapshot()).toEqual(before);
  });
});

describe.skipIf(script.isMissing)(`A terminal ${script.mark}`, () => {
  it('is asked, shown what changes, and can say no', async () => {
    const home = empty();
    home.write(
      '.cursor/mcp.json',
      '{"mcpServers":{"mine":{"command":"x","env":{"API_KEY":"k1"}}}}',
    );
    const before = home.snapshot();
    using terminal = await Terminal.run(home, 'init', '--no-test');
    await terminal.answer('Which MCP servers shall the gateway have?', ENTER);
    await terminal.answer('Move 1 secret', ENTER);
    await terminal.answer('Which clients shall use it?', ENTER);
    await terminal.answer('Take these servers out of the clients', ENTER);
    await terminal.answer('Write these 4 files?', CTRL_C);
    expect(await terminal.end()).toBe(130);
    expect(terminal.text()).not.toContain('k1');
    expect(home.snapshot()).toEqual(before);
  });

  it('sees the diff of one client, and agrees', async () => {
    const home = empty();
    home.write(CONFIG, 'mcp_servers: {}\n');
    using terminal = await Terminal.run(home, 'connect', 'codex');
    await terminal.answer('Write this file?', ENTER);
    expect(await terminal.end()).toBe(0);
    expect(terminal.text()).toContain('+[mcp_servers.hangar]');
    expect(home.read('.codex/config.toml')).toContain('[mcp_servers.hangar]');
  });
});

const ENTER = '\r';
const CTRL_C = '\u0003';

/** A command in a terminal, as `script` gives it one. */
class Terminal implements Disposable {
  readonly #child: ReturnType<typeof spawn>;
  readonly #ended: Promise<unknown[]>;
  #text = '';
  #seen = 0;

  private constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    this.#ended = once(child, 'exit');
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#text += chunk;
    });
  }

  static async run(home: ClientHome, ...args: readonly string[]): Promise<Terminal> {
    const words = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
    // Without a size nothing fits into it.
    const line = `stty cols 200 rows 60; exec ${words}`;
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: home.folder,
      env: { ...home.environment(), TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await once(child, 'spawn');
    return new Terminal(child);
  }

  text(): string {
    return this.#text;
  }

  /** Types when the question is there. */
  async answer(question: string, keys: string): Promise<void> {
    this.#seen = await until(`it asks "${question}"`, () => {
      const at = this.#text.indexOf(question, this.#seen);
      return at === -1 ? undefined : at + question.length;
    });
    this.#child.stdin?.write(keys);
  }

  async end(): Promise<unknown> {
    const [code] = await this.#ended;
    return code;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL'); // of one that has ended, nothing
  }
}
