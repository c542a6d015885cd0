/** `mcp-hangar init`: from the files of clients into ours, into theirs, and back. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientHome } from '../support/client-home.ts';
import { COMMAND } from '../support/gateway.ts';
import { CONFIG, good, HIDDEN, report, SECRETS } from '../support/setup-outcome.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

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

  it('starts nothing unasked that the file of a folder names', async () => {
    const home = empty();
    const servers = { x: { command: 'touch', args: [home.at('ran')] } };
    home.write('.mcp.json', JSON.stringify({ mcpServers: servers }));
    const done = good(await home.run('init', '-y', '--bundle', 'none'));
    expect(done.stdout).toContain('.mcp.json is not taken over unasked');
    expect(home.has('ran')).toBe(false);
    expect(home.read(CONFIG)).not.toContain('touch');
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
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(reason);
    expect(refused.stderr).toContain('repair the file');
  });
});

/** As clients write it. */
const command = ({ command: words, args }: Record<string, unknown>): Record<string, unknown> => {
  const [program, ...rest] = words as string[];
  return { command: program, args: [...rest, ...(args as string[])] };
};

describe('A file that cannot be written', () => {
  it('ends the command with exit code 2, and what was written before can be undone', async () => {
    const home = full();
    const before = home.snapshot();
    // As long as it stands there, another command is writing the file.
    home.write('.gemini/.settings.json.lock', '');
    const { code, stderr } = await home.run('init', '-y', '--no-test');
    rmSync(home.at('.gemini/.settings.json.lock'));
    expect(code).toBe(2);
    expect(stderr).toContain(`another command is changing ${home.at('.gemini/settings.json')}`);
    expect(home.json('.cursor/mcp.json')).toHaveProperty('mcpServers.hangar');
    good(await home.run('init', '--undo'));
    expect(home.snapshot()).toEqual(before);
  });

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
