/** Where the owner of a state folder listens, and how others find it. */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isOurs, lookAt, preparePrivateFolder } from './state-folder.ts';

/** `sun_path` has 108 bytes on Linux and 104 on macOS, one of them for the end. */
const SOCKET_PATH_BYTES_MAX = 103;
const SOCKET = 'hangar.sock';
const RECORD = 'owner.json';
const RECORD_BYTES_MAX = 16_384;
const PIPE_PREFIX = '\\\\.\\pipe\\mcp-hangar-';

/** Folders for short-lived things, the first that is set is used. Chosen by whoever reads the environment. */
export type ShortFolders = readonly (string | undefined)[];

/**
 * The path to listen at: in the folder, or where that path is too long for a socket, in a private folder below one of
 * `shortFolders`.
 * @throws Error where no place is private
 */
export function chooseSocketPath(folder: string, shortFolders: ShortFolders): string {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  // Names of pipes belong to nobody: one that can be guessed could be taken by another user. The record tells it.
  if (process.platform === 'win32') return `${PIPE_PREFIX}${randomUUID()}`;
  const inside = join(folder, SOCKET);
  if (fits(inside)) return inside;
  const user = process.getuid?.() ?? 0;
  for (const base of shortFolders) {
    if (base === undefined || base === '') continue;
    const place = join(base, `mcp-hangar-${user}`);
    const path = join(place, `${digest}.sock`);
    if (!fits(path)) continue;
    try {
      preparePrivateFolder(place);
      return path;
    } catch {
      // Whoever was there first must not keep us from the next one.
    }
  }
  throw new Error(
    `the path of "${folder}" is too long for a socket, and no temporary folder is short enough`,
  );
}

const fits = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;

/**
 * Writes down where the owner listens. Only the owner does.
 * @throws Error of the system: the folder is read-only, the disk full
 */
export function recordOwner(folder: string, socketPath: string): void {
  const record = { socket: socketPath, pid: process.pid };
  const file = join(folder, RECORD);
  const fresh = `${file}.new`; // one name: what a kill left is written over
  try {
    writeFileSync(fresh, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: 'w' });
    renameSync(fresh, file); // a reader sees the whole of one record
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

/** Where the owner of a folder listens; undefined where there is no record, or one that may not be trusted. */
export function recordedSocket(folder: string): string | undefined {
  const file = join(folder, RECORD);
  const found = lookAt(file);
  if (found === undefined || !found.isFile() || !isOurs(found) || found.size > RECORD_BYTES_MAX)
    return undefined;
  const path = socketOf(readFileSync(file, 'utf8'));
  if (path === undefined || process.platform === 'win32') return path;
  const socket = lookAt(path);
  const place = lookAt(dirname(path));
  if (socket === undefined || place === undefined) return undefined;
  // In a folder of somebody else a socket could have been put in the place of ours.
  return socket.isSocket() && isOurs(socket) && isOurs(place) && place.isDirectory()
    ? path
    : undefined;
}

function socketOf(text: string): string | undefined {
  try {
    const record: unknown = JSON.parse(text);
    return typeof record === 'object' &&
      record !== null &&
      'socket' in record &&
      typeof record.socket === 'string'
      ? record.socket
      : undefined;
  } catch {
    return undefined; // not written by us
  }
}

/** Removes what a gateway that was killed left at our path. @throws Error where it is no socket of ours */
export function removeStaleSocket(path: string): void {
  if (process.platform === 'win32') return;
  const found = lookAt(path);
  if (found === undefined) return;
  if (!found.isSocket() || !isOurs(found))
    throw new Error(`its ${SOCKET} is not a socket of this user`);
  unlinkSync(path);
}
