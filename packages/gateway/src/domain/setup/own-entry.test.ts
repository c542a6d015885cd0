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
  [['npx', '-y', 'mcp-remote', 'http://0.0.0.0:8000/mcp?x=1']],
  [['node', '-r', 'dotenv/config', '/srv/hangar/bin/mcp-hangar.mjs']],
  [['docker', 'run', '-i', '-v', '/a:/b', 'ghcr.io/x/mcp-hangar:latest']],
  [['nice', '-n', '5', 'mcp-hangar']],
  [['timeout', '5m', 'mcp-hangar']],
])('%j is this gateway', (words) => {
  expect(isOwnEntry(words, undefined, URLS)).toBe(true);
});

test.each([
  [['npx', '-y', '@modelcontextprotocol/server-filesystem', '/home/ada/mcp-hangar']],
  [['uvx', 'mcp-server-git', '--repository', '/home/ada/mcp-hangar']],
  [['npx', '-y', 'mcp-hangar-client']],
  [['docker', 'run', '--name', 'mcp-hangar', '-v', '/a:/mcp-hangar', 'mcp/git']],
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
  ['HTTP://LOCALHOST:8000/mcp?x=1', true],
  ['http://127.1:8000/mcp', true],
  ['http://0.0.0.0:8000/mcp#x', true],
  ['http://me:pw@localhost:8000/mcp', true],
  ['http://127.0.0.1:8000/mcpx', false],
  ['http://example.com:8000/mcp', false],
  ['http://127.0.0.1:80001/mcp', false],
  ['https://127.0.0.1:8000/mcp', false],
])('the URL %s: %s', (url, isOwn) => {
  expect(isOwnEntry([], url, URLS)).toBe(isOwn);
});
