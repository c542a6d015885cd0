import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readUserFile } from './user-file.ts';

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-user-file-'));
  mkdirSync(at('folder'));
  writeFileSync(at('plain'), '\uFEFF{}\r\n');
  writeFileSync(at('latin1'), Uint8Array.of(0x7b, 0xe9, 0x7d));
  writeFileSync(at('huge'), '');
  truncateSync(at('huge'), 32 * 1024 * 1024 + 1);
  symlinkSync(at('plain'), at('link'));
  symlinkSync(at('nothing'), at('dangling'));
  symlinkSync(at('loop'), at('loop'));
  if (process.platform !== 'win32') execFileSync('mkfifo', [at('pipe')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['plain', { kind: 'text', text: '\uFEFF{}\r\n' }],
  ['link', { kind: 'text', text: '\uFEFF{}\r\n' }],
  ['none', { kind: 'absent' }],
  ['folder', { kind: 'broken', reason: 'it is a folder' }],
  ['plain/below', { kind: 'absent' }],
  ['latin1', { kind: 'broken', reason: 'it is not UTF-8 text' }],
  ['huge', { kind: 'broken', reason: 'it is larger than 32 MiB' }],
  ['dangling', { kind: 'broken', reason: 'it is a link to nothing' }],
  ['loop', { kind: 'broken', reason: 'it is a link to itself' }],
])('%s is read as what it is', async (name, found) => {
  expect(await readUserFile(at(name))).toEqual(found);
});

test.skipIf(process.platform === 'win32')('a pipe is not waited for', async () => {
  expect(await readUserFile(at('pipe'))).toEqual({
    kind: 'broken',
    reason: 'it is no regular file',
  });
});
