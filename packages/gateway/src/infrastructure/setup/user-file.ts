/** Files of the user as they are found: read with bounds, and never more than read. */
import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Fault } from '@mcp-hangar/kernel/errors';

/** Claude Code keeps more than its settings in its file. Bytes. */
const FILE_BYTES_MAX = 32 * 1024 * 1024;

export type UserFile =
  | { readonly kind: 'absent' }
  /** The text as it stands, with its byte order mark. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'broken'; readonly reason: string };

const broken = (reason: string): UserFile => ({ kind: 'broken', reason });

/** Never rejects. A link is followed. */
export async function readUserFile(path: string): Promise<UserFile> {
  try {
    // Opening a pipe would wait for somebody to write.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const about = await file.stat();
    if (about.isDirectory()) return broken('it is a folder');
    if (!about.isFile()) return broken('it is no regular file');
    if (about.size > FILE_BYTES_MAX) return broken('it is larger than 32 MiB');
    const bytes = await file.readFile();
    return {
      kind: 'text',
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch (error) {
    return explained(path, error);
  }
}

function explained(path: string, error: unknown): UserFile {
  if (error instanceof TypeError) return broken('it is not UTF-8 text');
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return isLink(path) ? broken('it is a link to nothing') : { kind: 'absent' };
    case 'ELOOP':
      return broken('it is a link to itself');
    case 'EACCES':
    case 'EPERM':
      return broken(`it may not be read (${code})`);
    case 'EISDIR':
      return broken('it is a folder');
    case 'ENXIO':
      return broken('it is no regular file');
    default:
      return broken(`it cannot be read (${code})`);
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    return false;
  }
}

/** For a file that has to be readable. @throws Fault of the given code */
export async function requireText(path: string): Promise<string | undefined> {
  const file = await readUserFile(path);
  if (file.kind === 'absent') return undefined;
  if (file.kind === 'text') return file.text;
  throw new Fault('FILE_NOT_WRITTEN', `cannot use ${path}: ${file.reason}`, {
    data: { fix: 'repair or remove it, and try again' },
  });
}
