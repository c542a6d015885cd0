/** What the state folder and the socket in it are made of, in a real file system. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseSocketPath, recordedSocket, recordOwner, removeStaleSocket } from './socket-path.ts';
import { preparePrivateFolder, reasonOf } from './state-folder.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hangar-state-'));
});
afterEach(() => rmSync(base, { recursive: true }));
const modeOf = (path: string): number => lstatSync(path).mode & 0o777;

describe('The folder', () => {
  test('is made with all that is above it, and is private', () => {
    const path = join(base, 'a', 'b', 'c');
    preparePrivateFolder(path);
    preparePrivateFolder(path);
    expect([path, dirname(path)].map(modeOf)).toEqual([0o700, 0o700]);
  });

  test('is closed to others where it was open', () => {
    chmodSync(base, 0o755);
    preparePrivateFolder(base);
    expect(modeOf(base)).toBe(0o700);
  });

  test('is not used where others could write into it and it holds what may be theirs', () => {
    symlinkSync('/nowhere', join(base, 'catalogs'));
    chmodSync(base, 0o777);
    for (const _start of [1, 2]) {
      expect(() => preparePrivateFolder(base)).toThrow('it holds what is not ours');
      expect(modeOf(base)).toBe(0o777);
    }
    rmSync(join(base, 'catalogs'));
    writeFileSync(join(base, 'events.db'), '');
    preparePrivateFolder(base);
    expect(modeOf(base)).toBe(0o700);
  });

  test('is no link, no file, and not below a file', () => {
    symlinkSync(base, join(base, 'link'));
    writeFileSync(join(base, 'file'), '');
    expect(() => preparePrivateFolder(join(base, 'link'))).toThrow('it is a symbolic link');
    expect(() => preparePrivateFolder(join(base, 'file'))).toThrow('it is not a folder');
    const below = (): unknown => {
      try {
        return preparePrivateFolder(join(base, 'file', 'x'));
      } catch (error) {
        return reasonOf(error);
      }
    };
    expect(below()).toBe('a file is in its way');
  });
});

test.each([
  ['ENOSPC', 'no space is left'],
  ['EROFS', 'it is on a read-only file system'],
  ['EACCES', 'it may not be written'],
  ['EISDIR', 'a file is in its way'],
  ['EIO', 'EIO'],
])('the reason for %s is "%s", and names no path', (code, reason) => {
  const error = Object.assign(new Error('/home/secret'), { code, syscall: 'open' });
  expect(reasonOf(error)).toBe(reason);
});

describe('The socket', () => {
  const listen = (path: string): Promise<() => Promise<void>> =>
    new Promise((resolve) => {
      const server = createServer();
      server.listen(path, () =>
        resolve(() => new Promise((closed) => server.close(() => closed()))),
      );
    });

  test('is in the folder, and found by its record', async () => {
    const path = chooseSocketPath(base, []);
    expect(path).toBe(join(base, 'hangar.sock'));
    expect(recordedSocket(base)).toBeUndefined();
    recordOwner(base, path);
    expect(recordedSocket(base)).toBeUndefined();
    const close = await listen(path);
    expect(recordedSocket(base)).toBe(path);
    await close();
  });

  test('is in a private folder below a short one where the path is too long', () => {
    const long = join(base, 'x'.repeat(120));
    const path = chooseSocketPath(long, [undefined, '', join(base, 'y'.repeat(100)), base]);
    expect(dirname(dirname(path))).toBe(base);
    expect(modeOf(dirname(path))).toBe(0o700);
    expect(chooseSocketPath(`${long}z`, [base])).not.toBe(path);
    expect(() => chooseSocketPath(long, [])).toThrow('too long for a socket');
    writeFileSync(join(base, 'taken'), '');
    expect(chooseSocketPath(long, [join(base, 'taken'), base])).toBe(path);
  });

  test('is not looked for where a record names something else', async () => {
    for (const text of [
      '',
      '{',
      '[]',
      '{"socket":1}',
      '{"socket":"/etc/passwd"}',
      '{"socket":"/nowhere/x"}',
    ]) {
      writeFileSync(join(base, 'owner.json'), text);
      expect(recordedSocket(base)).toBeUndefined();
    }
    const close = await listen(join(base, 'real.sock'));
    symlinkSync(join(base, 'real.sock'), join(base, 'link.sock'));
    recordOwner(base, join(base, 'link.sock'));
    expect(recordedSocket(base)).toBeUndefined();
    rmSync(join(base, 'owner.json'));
    mkdirSync(join(base, 'owner.json'));
    expect(recordedSocket(base)).toBeUndefined();
    await close();
  });

  test('of a gateway that was killed is removed; anything else in its place is not', async () => {
    const path = join(base, 'hangar.sock');
    removeStaleSocket(path);
    writeFileSync(path, '');
    expect(() => removeStaleSocket(path)).toThrow('not a socket of this user');
    rmSync(path);
    const close = await listen(path);
    removeStaleSocket(path);
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
    await close();
  });
});
