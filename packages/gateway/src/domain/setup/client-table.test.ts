import { expect, test } from 'vitest';
import { CLIENTS, type Places } from './client-table.ts';

const at = (platform: string): Places => ({
  platform,
  home: '/home',
  configHome: '/xdg',
  appData: '/roaming',
  localAppData: '/local',
  codexHome: undefined,
  claudeHome: undefined,
});

/** The file of the user on each system, as the documents of each client name it. */
test.each([
  ['claude-desktop', 'linux', '/xdg/Claude/claude_desktop_config.json'],
  [
    'claude-desktop',
    'darwin',
    '/home/Library/Application Support/Claude/claude_desktop_config.json',
  ],
  ['claude-desktop', 'win32', '/roaming/Claude/claude_desktop_config.json'],
  ['claude-code', 'linux', '/home/.claude.json'],
  ['cursor', 'darwin', '/home/.cursor/mcp.json'],
  ['vscode', 'linux', '/xdg/Code/User/mcp.json'],
  ['vscode', 'darwin', '/home/Library/Application Support/Code/User/mcp.json'],
  ['vscode', 'win32', '/roaming/Code/User/mcp.json'],
  ['windsurf', 'win32', '/home/.codeium/windsurf/mcp_config.json'],
  ['zed', 'linux', '/xdg/zed/settings.json'],
  ['zed', 'darwin', '/home/.config/zed/settings.json'],
  ['zed', 'win32', '/roaming/Zed/settings.json'],
  ['codex', 'linux', '/home/.codex/config.toml'],
  ['gemini', 'linux', '/home/.gemini/settings.json'],
])('%s on %s keeps its servers in %s', (id, platform, path) => {
  const client = CLIENTS.find((candidate) => candidate.id === id);
  expect(client?.userFiles(at(platform))[0]).toBe(path);
});

test('variables of two clients move their files', () => {
  const moved = { ...at('linux'), codexHome: '/c', claudeHome: '/d' };
  const paths = CLIENTS.flatMap((client) => client.userFiles(moved));
  expect(paths).toContain('/c/config.toml');
  expect(paths).toContain('/d/.claude.json');
});

test('every client starts the gateway in its own way', () => {
  const gateway = { command: '/node', args: ['/hangar'], env: { PATH: '/bin' } };
  for (const client of CLIENTS) {
    const entry = client.stdioEntry(gateway);
    expect(entry).toMatchObject({ command: '/node', args: ['/hangar'], env: { PATH: '/bin' } });
  }
  const url = 'http://127.0.0.1:8000/mcp';
  expect(CLIENTS.map(({ id, httpEntry }) => [id, httpEntry?.(url)])).toEqual([
    ['claude-desktop', undefined],
    ['claude-code', { type: 'http', url }],
    ['cursor', { url }],
    ['vscode', { type: 'http', url }],
    ['windsurf', { serverUrl: url }],
    ['zed', { url }],
    ['codex', { url }],
    ['gemini', { httpUrl: url }],
  ]);
});
