/** `mcp-hangar import` and `connect`, and what the three commands for a set-up refuse. */
import { mkdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientHome } from '../support/client-home.ts';
import { CONFIG, good, quiet, report, SECRETS } from '../support/setup-outcome.ts';
import { CTRL_C, ENTER, needsScript, Terminal } from '../support/terminal.ts';

const script = needsScript();

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
    expect(JSON.parse(inJson.stdout)).toMatchObject({ error: { code: 'INPUT_INVALID' } });
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
