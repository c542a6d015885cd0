/** The folder in which one configuration keeps what outlives the process. Only its user may look into it. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is private: nobody but the user may read, write or search it. */
const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
const PERMISSIONS = 0o777;

/** The folder, or why there is none: then everything is kept in memory. */
export type StateFolder =
  | { readonly kind: 'open'; readonly path: string; readonly isExplicit: boolean }
  | {
      readonly kind: 'unavailable';
      readonly reason: string;
      /** The operator named a folder: being without it is a failure, not a circumstance. */
      readonly isExplicit: boolean;
    };

/**
 * Makes the folder where it is missing and checks that it is ours. Links are not followed: whoever can plant one
 * could make us write elsewhere.
 * @throws Error saying why the folder cannot be used
 */
export function preparePrivateFolder(path: string): void {
  const existing = lookAt(path);
  if (existing === undefined) makeFolders(path);
  // Looked at again, also where it was just made: somebody may have been faster.
  const found = existing ?? lstatSync(path);
  if (found.isSymbolicLink()) throw new Error('it is a symbolic link');
  if (!found.isDirectory()) throw new Error('it is not a folder');
  if (!isOurs(found)) throw new Error(`it belongs to user ${found.uid}`);
  if (process.platform !== 'win32' && (found.mode & OTHERS) !== 0) closeToOthers(path, found);
}

/** What others have put into a folder while they could is not closed in with it, as if it were ours. */
function closeToOthers(path: string, { mode }: Stats): void {
  chmodSync(path, PRIVATE_FOLDER);
  if ((mode & OTHERS_WRITE) === 0 || readdirSync(path).every((name) => isPlain(join(path, name))))
    return;
  chmodSync(path, mode & PERMISSIONS); // the next start is to see it again
  throw new Error('others could write into it, and it holds what is not ours');
}

function isPlain(path: string): boolean {
  const found = lookAt(path);
  return found === undefined || (isOurs(found) && !found.isSymbolicLink());
}

/** Node's own `recursive` never ends where a file system makes no folders but says so with ENOENT, as /proc does. */
function makeFolders(path: string): void {
  const missing: string[] = [];
  for (let at = path; lookAt(at) === undefined && dirname(at) !== at; at = dirname(at))
    missing.push(at);
  for (const folder of missing.toReversed()) {
    try {
      mkdirSync(folder, { mode: PRIVATE_FOLDER });
    } catch (error) {
      // Another gateway starts at the same moment.
      if (lookAt(folder)?.isDirectory() !== true) throw error;
    }
  }
}

/** What is at a path, links not followed; undefined where nothing is. */
export const lookAt = (path: string): Stats | undefined =>
  lstatSync(path, { throwIfNoEntry: false });

/** Whether this user owns it; Windows, where a home is private by default, has no such number. */
export const isOurs = ({ uid }: Stats): boolean =>
  process.getuid === undefined || uid === process.getuid();

/** Why the folder cannot be used, without its path: what says it, says it also to whoever may ask for our health. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EROFS':
      return 'it is on a read-only file system';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'no space is left';
    case 'EACCES':
    case 'EPERM':
      return 'it may not be written';
    case 'ENOENT':
      return 'it cannot be made';
    case 'EEXIST':
    case 'EISDIR':
    case 'ENOTDIR':
      return 'a file is in its way';
    default:
      // Of the system, but none that is expected: its code says enough.
      return typeof code === 'string' && 'syscall' in error ? code : error.message;
  }
}
