/**
 * Replaces a file of the user as a whole or not at all. Writers of this kind take turns (a lock file beside the file),
 * and each looks again whether the file is still what it has read before it puts its own in place.
 */
import { randomUUID } from 'node:crypto';
import {
  chmod,
  chown,
  link,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  type FileHandle,
} from 'node:fs/promises';
import { lstatSync, type Stats } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@mcp-hangar/kernel/errors';

/** How long another writer is waited for. */
const TURN_MS_MAX = 3_000;
const POLL_MS = 10;
/** A lock that is older was left, by a writer that cannot be asked for: a turn takes milliseconds. */
const LOCK_MS_MAX = 10_000;
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const PERMISSIONS = 0o7777;

export interface Replacement {
  /** What the caller has read; undefined: there was no file. */
  readonly expectedOld: string | undefined;
}

/**
 * Puts `text` in the place of the file: its mode and owner are kept, and a link is followed. A new file is private
 * (0600), and so are the folders that are made for it.
 * @throws Fault FILE_CHANGED where the file is not `expectedOld` any more, FILE_NOT_WRITTEN where it cannot be written
 */
export async function replaceFile(
  path: string,
  text: string,
  { expectedOld }: Replacement,
): Promise<void> {
  const target = await targetOf(path);
  await writing(path, () => mkdir(dirname(target), { recursive: true, mode: PRIVATE_FOLDER }));
  await using _turn = await takeTurn(path, target);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  try {
    const old = await writing(path, () => foundAt(target));
    await writing(path, () => writeTemporary(temporary, text, old));
    const current = await writing(path, () => contentOf(target));
    if (current !== expectedOld) throw changed(path, current, expectedOld);
    await writing(path, () => rename(temporary, target));
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined); // after the rename there is none
  }
  await syncFolder(dirname(target));
}

/** The file itself where the path is a link. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw notWritten(path, error);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw new Fault('FILE_NOT_WRITTEN', `cannot write ${path}: it is a link to nothing`, {
        data: { fix: 'make the file that it names, or remove the link' },
      });
    return path;
  }
}

async function foundAt(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** With its byte order mark, so that it is compared as a whole. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeTemporary(path: string, text: string, old: Stats | undefined): Promise<void> {
  await using file = await open(path, 'wx', PRIVATE_FILE);
  await file.writeFile(text);
  await file.sync();
  if (old === undefined) return;
  const isOwn = old.uid === process.getuid?.() && old.gid === process.getgid?.();
  // Only the superuser can give a file back to its owner; for everybody else it becomes theirs, as with an editor.
  if (!isOwn) await chown(path, old.uid, old.gid).catch(() => undefined);
  await chmod(path, old.mode & PERMISSIONS);
}

/** The turn ends with its disposal. */
async function takeTurn(path: string, target: string): Promise<AsyncDisposable> {
  const lock = lockOf(target);
  const deadlineMs = performance.now() + TURN_MS_MAX;
  for (;;) {
    const file = await writing(path, () => openNew(lock));
    if (file !== undefined) {
      await file.writeFile(ownName()).catch(() => undefined); // on a full disk it goes by its age
      await file.close();
      return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
    }
    if (await removeDeadTurn(target)) continue;
    const found = await foundAt(lock);
    if (found !== undefined && Date.now() - found.mtimeMs > LOCK_MS_MAX)
      await rm(lock, { force: true });
    else if (performance.now() > deadlineMs)
      throw new Fault('FILE_CHANGED', `another command is changing ${path}`, {
        data: { fix: `try again; where none runs, remove ${lock}` },
      });
    else await delay(POLL_MS);
  }
}

const lockOf = (target: string): string => join(dirname(target), `.${basename(target)}.lock`);

/** Processes of other machines and containers, which may share a folder, cannot be looked for. */
const ownName = (): string => `${process.pid} ${hostname()}`;

/** Removes what a writer that was killed has left of its turn. Answers whether there was one. Never rejects. */
export async function removeDeadTurn(target: string): Promise<boolean> {
  const lock = lockOf(target);
  const aside = `${lock}.${randomUUID()}.tmp`;
  try {
    const name = await readFile(lock, 'utf8');
    if (!isDead(name)) return false;
    await rename(lock, aside);
    // Another one may have removed it first, and this is the turn of who came next.
    if ((await readFile(aside, 'utf8')) !== name) await link(aside, lock);
    return true;
  } catch {
    return false; // it is over, or cannot be removed
  } finally {
    await rm(aside, { force: true }).catch(() => undefined);
  }
}

function isDead(name: string): boolean {
  const [, pid, host] = /^(\d+) (.+)$/.exec(name) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Undefined where it is there already. */
async function openNew(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', PRIVATE_FILE);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  }
}

/** So that the new name survives a power cut; not every file system lets a folder be synced. */
async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path, 'r');
    await folder.sync();
  } catch {
    // The file itself is whole either way.
  }
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw notWritten(path, error);
  }
}

function changed(
  path: string,
  current: string | undefined,
  expectedOld: string | undefined,
): Fault {
  const what =
    current === undefined
      ? 'was removed'
      : expectedOld === undefined
        ? 'exists now'
        : 'was changed';
  return new Fault('FILE_CHANGED', `${path} ${what} meanwhile; nothing was written`, {
    data: { fix: 'look at it, and try again' },
  });
}

function notWritten(path: string, error: unknown): Fault {
  const [why, fix] = REASONS[codeOf(error)] ?? [
    codeOf(error),
    'check the path and the file system',
  ];
  return new Fault('FILE_NOT_WRITTEN', `cannot write ${path}: ${why}`, {
    data: { fix },
    cause: error,
  });
}

const ALLOW = 'allow this user to write the file and its folder';
const REASONS: Readonly<Record<string, readonly [why: string, fix: string]>> = {
  EACCES: ['it may not be written (EACCES)', ALLOW],
  EPERM: ['it may not be written (EPERM)', ALLOW],
  EROFS: ['it is on a read-only file system (EROFS)', 'use a file that can be written'],
  ENOSPC: ['no space is left (ENOSPC)', 'make room on the file system'],
  EDQUOT: ['the quota of this user is used up (EDQUOT)', 'make room on the file system'],
  EBUSY: [
    'it is mounted as a single file (EBUSY)',
    'mount its folder instead, or change the file where it comes from',
  ],
  ENOTDIR: ['a file is in the way of its folder (ENOTDIR)', 'check the path'],
  EEXIST: ['a file is in the way of its folder (EEXIST)', 'check the path'],
  EISDIR: ['it is a folder (EISDIR)', 'name a file'],
};

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
