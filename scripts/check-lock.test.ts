import { expect, test } from 'vitest';
import { problemsOfLock } from './check-lock.ts';

const INSPECTOR = { integrity: 'sha512-a', version: '1.0.0', hasInstallScript: true };
const lockWith = (entries: Record<string, object>): string =>
  JSON.stringify({
    packages: { '': {}, 'node_modules/@modelcontextprotocol/inspector': INSPECTOR, ...entries },
  });

test('workspaces and packages with an integrity and no address pass', () => {
  const text = lockWith({
    'packages/kernel': { version: '0.1.0' },
    'node_modules/@mcp-hangar/kernel': { link: true, resolved: 'packages/kernel' },
    'node_modules/zod': { version: '4.6.7', integrity: 'sha512-a' },
  });
  expect(problemsOfLock(text)).toEqual([]);
});

test.each([
  ['an install script', { integrity: 'a', hasInstallScript: true }, 'needs an install script'],
  [
    'a registry address',
    { integrity: 'a', resolved: 'https://registry.test/a.tgz' },
    'is resolved to',
  ],
  ['a missing integrity', { version: '1.0.0' }, 'has no integrity'],
  ['a machine path', { integrity: 'a', version: '/home/me/a' }, 'a path of one machine'],
])('%s is refused', (_what, entry, message) => {
  expect(problemsOfLock(lockWith({ 'node_modules/a': entry })).join('\n')).toContain(message);
});

test('an exception that is no longer needed is refused', () => {
  expect(problemsOfLock(JSON.stringify({ packages: {} }))).toEqual([
    expect.stringContaining('for nothing'),
  ]);
});
