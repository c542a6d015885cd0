/**
 * One gateway owns a state folder: the one that holds an exclusive transaction on `owner.db`. The system ends the
 * transaction with the process, however that ends, so there is no stale lock and nothing to clean up.
 *
 * Invariants:
 * 1. Nothing else ever opens `owner.db`: where locks belong to the process (POSIX), closing a second descriptor of the
 *    file would let go of the first one's.
 * 2. The transaction writes nothing: a full disk does not stop it, and no journal is left behind.
 */
import { join } from 'node:path';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { isOurs, lookAt } from './state-folder.ts';

const FILE = 'owner.db';
/** SQLITE_BUSY: somebody else holds it. */
const BUSY = 5;

export interface OwnerLock {
  /** Lets the next gateway have the folder. Calling it again changes nothing. */
  release(): void;
}

/**
 * Takes the lock of a folder, or answers `held` at once where another gateway (of this process, too) has it.
 * @throws Error where the file cannot be opened or locked
 */
export async function takeOwnerLock(folder: string): Promise<OwnerLock | 'held'> {
  const path = join(folder, FILE);
  const existing = lookAt(path);
  if (existing !== undefined && (!existing.isFile() || !isOurs(existing)))
    throw new Error(`its ${FILE} is not a file of this user`);
  // Loaded only where a lock is wanted: a bridge needs none.
  const { DatabaseSync } = await import('node:sqlite');
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (isBusy(error)) return 'held';
    throw new Error(`its ${FILE} cannot be locked: ${messageOf(error)}`, { cause: error });
  }
  const held = database;
  return {
    release() {
      if (held.isOpen) held.close();
    },
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === BUSY;
