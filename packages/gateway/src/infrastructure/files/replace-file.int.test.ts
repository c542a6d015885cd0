import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDeadTurn, replaceFile } from './replace-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-replace-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('A file', () => {
  it('is replaced as a whole, with its mode kept and nothing left beside it', async () => {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, 'old');
    chmodSync(path, 0o640);
    await replaceFile(path, 'new', { expectedOld: 'old' });
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(modeOf(path)).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('is made private, in private folders, where there is none', async () => {
    const path = join(folder, 'a', 'b', 'config.yaml');
    await replaceFile(path, 'new', { expectedOld: undefined });
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect([modeOf(path), modeOf(join(folder, 'a', 'b')), modeOf(join(folder, 'a'))]).toEqual([
      0o600, 0o700, 0o700,
    ]);
  });

  it('is followed where it is a link, which stays one', async () => {
    mkdirSync(join(folder, 'dotfiles'));
    const real = join(folder, 'dotfiles', 'hangar.yaml');
    const link = join(folder, 'config.yaml');
    writeFileSync(real, 'old');
    symlinkSync(join('dotfiles', 'hangar.yaml'), link);
    await replaceFile(link, 'new', { expectedOld: 'old' });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'utf8')).toBe('new');
    expect(readdirSync(folder).toSorted()).toEqual(['config.yaml', 'dotfiles']);
  });

  it('with a byte order mark is compared with it', async () => {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, '\uFEFFold');
    await replaceFile(path, '\uFEFFnew', { expectedOld: '\uFEFFold' });
    expect(readFileSync(path, 'utf8')).toBe('\uFEFFnew');
  });
});

describe('A file that somebody else changes', () => {
  it.each([
    ['was changed', 'theirs', 'old'],
    ['exists now', 'theirs', undefined],
    ['was removed', undefined, 'old'],
  ])('%s: it stays what it is', async (what, current, expectedOld) => {
    const path = join(folder, 'config.yaml');
    if (current !== undefined) writeFileSync(path, current);
    await expect(replaceFile(path, 'new', { expectedOld })).rejects.toMatchObject({
      code: 'FILE_CHANGED',
      message: `${path} ${what} meanwhile; nothing was written`,
    });
    expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(current);
    expect(readdirSync(folder)).toEqual(current === undefined ? [] : ['config.yaml']);
  });

  it('gets exactly one of many writers that have read the same', async () => {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, 'old');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        replaceFile(path, `new ${index}`, { expectedOld: 'old' }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(readFileSync(path, 'utf8')).toBe(`new ${winner}`);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('is replaced at once where the process that had its turn is gone', async () => {
    const path = join(folder, 'config.yaml');
    const lock = join(folder, '.config.yaml.lock');
    writeFileSync(path, 'old');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(lock, `${pid} ${hostname()}`);
    const beganAtMs = performance.now();
    await replaceFile(path, 'new', { expectedOld: 'old' });
    expect(performance.now() - beganAtMs).toBeLessThan(2_000);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('keeps the turn of a process that runs, or that cannot be looked for', async () => {
    const path = join(folder, 'config.yaml');
    const lock = join(folder, '.config.yaml.lock');
    for (const name of [`${process.pid} ${hostname()}`, '999999999 another.machine', '', 'x']) {
      writeFileSync(lock, name);
      expect(await removeDeadTurn(path)).toBe(false);
      expect(readdirSync(folder)).toEqual(['.config.yaml.lock']);
    }
  });

  it('is not waited for where a killed writer has left its lock', async () => {
    const path = join(folder, 'config.yaml');
    const lock = join(folder, '.config.yaml.lock');
    writeFileSync(path, 'old');
    writeFileSync(lock, '');
    utimesSync(lock, new Date(0), new Date(0));
    await replaceFile(path, 'new', { expectedOld: 'old' });
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });
});

describe('What cannot be written', () => {
  it('is told with the reason and what to do', async () => {
    const blocked = join(folder, 'file');
    writeFileSync(blocked, '');
    await expect(
      replaceFile(join(blocked, 'config.yaml'), 'new', { expectedOld: undefined }),
    ).rejects.toMatchObject({ code: 'FILE_NOT_WRITTEN', data: { fix: 'check the path' } });
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'nothing'), link);
    await expect(replaceFile(link, 'new', { expectedOld: undefined })).rejects.toMatchObject({
      code: 'FILE_NOT_WRITTEN',
      message: `cannot write ${link}: it is a link to nothing`,
    });
  });
});
