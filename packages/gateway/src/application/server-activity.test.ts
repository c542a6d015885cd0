import { Secret } from '@mcp-hangar/kernel/secret';
import { expect, test } from 'vitest';
import { specOf } from '../../test-kit/scripted-launcher.ts';
import { targetOf } from './server-activity.ts';

const stdio = (...args: readonly string[]): string | undefined =>
  targetOf({
    ...specOf({}),
    launch: { kind: 'stdio', command: 'npx', args, env: {}, cwd: undefined },
    secrets: [new Secret('from-the-environment')],
  });

test.each([
  [
    ['-y', 'server', '/data'],
    ['-y', 'server', '/data'],
  ],
  [
    ['--token', 'abc', '-v'],
    ['--token', '[secret]', '-v'],
  ],
  [
    ['--api-key=abc', 'x'],
    ['--api-key=[secret]', 'x'],
  ],
  [
    ['--key', '--verbose'],
    ['--key', '--verbose'],
  ],
  [['postgres://me:pass@host/db'], ['postgres://[secret]@host/db']],
  [
    ['--header', 'X: from-the-environment'],
    ['--header', 'X: [secret]'],
  ],
])('the arguments %j are shown as %j', (given, shown) => {
  expect(stdio(...given)).toBe(`npx ${shown.join(' ')}`);
});
