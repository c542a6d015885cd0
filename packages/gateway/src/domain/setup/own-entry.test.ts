import { expect, test } from 'vitest';
import { isOwnEntry } from './own-entry.ts';

const URLS = ['http://127.0.0.1:8000/mcp'];

test.each([
  [['mcp-hangar']],
  [['/usr/local/bin/mcp-hangar', '--config', 'x.yaml']],
  [['C:\\Tools\\mcp-hangar.cmd']],
  [['npx', '-y', 'mcp-hangar@1.2.3', 'serve']],
  [['npx', '--yes', '--package=mcp-hangar', 'mcp-hangar']],
  [['uvx', 'mcp-hangar']],
  [['python3', '-m', 'mcp_hangar']],
  [['/opt/node/bin/node', '/srv/hangar/packages/gateway/bin/mcp-hangar.mjs', '--config', 'x']],
  [['cmd', '/c', 'npx', '-y', 'mcp-hangar']],
  [['sh', '-c', 'exec mcp-hangar --config x']],
  [['npx', '-y', 'mcp-remote', 'http://localhost:8000/mcp/github']],
])('%j is this gateway', (words) => {
  expect(isOwnEntry(words, undefined, URLS)).toBe(true);
});

test.each([
  [['npx', '-y', '@modelcontextprotocol/server-filesystem', '/home/ada/mcp-hangar']],
  [['uvx', 'mcp-server-git', '--repository', '/home/ada/mcp-hangar']],
  [['npx', '-y', 'mcp-hangar-client']],
  [['node', 'server.js', 'mcp-hangar']],
  [['npx', '-y', 'mcp-remote', 'http://localhost:8001/mcp']],
  [[]],
])('%j is not', (words) => {
  expect(isOwnEntry(words, undefined, URLS)).toBe(false);
});

test.each([
  ['http://127.0.0.1:8000/mcp', true],
  ['http://localhost:8000/mcp', true],
  ['http://[::1]:8000/mcp/github', true],
  ['http://127.0.0.1:8000/mcpx', false],
  ['http://127.0.0.1:80001/mcp', false],
  ['https://127.0.0.1:8000/mcp', false],
])('the URL %s: %s', (url, isOwn) => {
  expect(isOwnEntry([], url, URLS)).toBe(isOwn);
});
