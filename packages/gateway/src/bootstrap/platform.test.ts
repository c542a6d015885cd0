import { expect, test } from 'vitest';
import { platformNote } from './platform.ts';

test('on Windows one sentence says what is there and what is not', () => {
  const note = platformNote('win32');
  expect(note).toMatch(/^Windows is served by code path and not tested: [^.]+[^.]$/);
  expect(note).toContain('after a hard kill');
});

test.each(['linux', 'darwin', 'freebsd'] as const)('on %s nothing is said', (platform) => {
  expect(platformNote(platform)).toBeUndefined();
});
