/**
 * The file of an event log: how it is opened, and how one knows it. Several processes may do so at once.
 */
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { LEASE_TABLE } from './sqlite-lease.ts';
import { isBusy, isUnfinished } from './sqlite-problem.ts';
import { SNAPSHOT_TABLE } from './sqlite-snapshot.ts';
import { integerIn, type UntrustedRow } from './stored-row.ts';

/** "hang", the first four bytes of the name: which program a SQLite file belongs to. */
const APPLICATION_ID = 0x68_61_6e_67;
/** 1: events; 2: leases and snapshots. */
const SCHEMA_VERSION = 2;

const FILE_MODE = 0o600;
/** How long a writer waits for another process that is writing. */
const WRITE_LOCK_MS_MAX = 5_000;
/** A reader only waits while another process recovers the log after a crash; it blocks the event loop. */
const READ_LOCK_MS_MAX = 1_000;
/** The change to WAL does not wait by itself. */
const WAL_TRIES_MAX = 200;
const WAL_TRY_MS = 25;
const WAL_PAGES = 4_000;
const WAL_BYTES_KEPT_MAX = 33_554_432;

/** `position` is given by the log and never again (autoincrement); `event_log` has facts about the log itself. */
const SCHEMA = `
  create table event (
    position integer primary key autoincrement,
    stream text not null,
    version integer not null check (version > 0),
    id text not null unique,
    type text not null,
    schema_version integer not null,
    occurred_at_ms integer not null,
    produced_by text not null,
    data text not null,
    unique (stream, version)
  ) strict;
  create table event_log (name text primary key, value integer not null) strict, without rowid;
  insert into event_log (name, value) values ('pruned_below', 1);
  pragma application_id = ${APPLICATION_ID};
  pragma user_version = 1;
`;

/** From the version before. What a released program made never changes; readers know every version. */
const MIGRATIONS: readonly string[] = [
  SCHEMA,
  `${LEASE_TABLE} ${SNAPSHOT_TABLE} pragma user_version = 2;`,
];

/** What is wrong with a file that can be read. */
export class ForeignFile extends Error {
  override readonly name = 'ForeignFile';
}

function first(db: DatabaseSync, sql: string): UntrustedRow {
  return db.prepare(sql).get() ?? {};
}

/**
 * The version of the log in the file; 0 where it is empty.
 * @throws ForeignFile
 */
function logVersion(db: DatabaseSync): number {
  if (db.isTransaction) return versionSeen(db);
  // One look: another process may be making the log just now.
  db.exec('begin');
  try {
    return versionSeen(db);
  } finally {
    if (db.isTransaction) db.exec('rollback');
  }
}

function versionSeen(db: DatabaseSync): number {
  const application = integerIn(first(db, 'pragma application_id'), 'application_id');
  const version = integerIn(first(db, 'pragma user_version'), 'user_version');
  if (application === APPLICATION_ID && version >= 1 && version <= SCHEMA_VERSION) return version;
  if (application === APPLICATION_ID) {
    throw new ForeignFile(
      `version ${version} of the format, and this program knows ${SCHEMA_VERSION}`,
    );
  }
  const count = integerIn(first(db, 'select count(*) as n from sqlite_schema'), 'n');
  if (application === 0 && count === 0) return 0;
  throw new ForeignFile('a database of another program');
}

/** Whether an opened log has leases and snapshots: a writer brings it there. */
export const hasLeases = (db: DatabaseSync): boolean =>
  integerIn(first(db, 'pragma user_version'), 'user_version') >= 2;

function enterWal(db: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 1; ; tries += 1) {
    try {
      db.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || tries === WAL_TRIES_MAX) throw error;
      Atomics.wait(pause, 0, 0, WAL_TRY_MS);
    }
  }
}

/**
 * The connection of a writer; makes the file where there is none. Blocks: for worker threads only.
 * @throws ForeignFile; errors of SQLite and of the file system
 */
export function openToWrite(path: string): DatabaseSync {
  // SQLite gives its other files the mode of this one.
  closeSync(openSync(path, 'a', FILE_MODE));
  const db = new DatabaseSync(path, {
    timeout: WRITE_LOCK_MS_MAX,
    enableForeignKeyConstraints: true,
  });
  try {
    // Before anything is written: a file of another program stays as it is.
    const isCurrent = logVersion(db) === SCHEMA_VERSION;
    enterWal(db);
    db.exec(`
      pragma synchronous = full;
      pragma wal_autocheckpoint = ${WAL_PAGES};
      pragma journal_size_limit = ${WAL_BYTES_KEPT_MAX};
    `);
    if (!isCurrent) migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** All that is missing in one transaction: who is killed leaves the version that was there. */
function migrate(db: DatabaseSync): void {
  db.exec('begin immediate');
  try {
    for (const migration of MIGRATIONS.slice(logVersion(db))) db.exec(migration);
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}

export interface ReadableLog {
  readonly db: DatabaseSync;
  /** It does not see what is appended later: to be closed soon. */
  readonly isSnapshot: boolean;
}

/**
 * A connection that only reads; undefined where there is no log yet.
 * @throws ForeignFile; errors of SQLite and of the file system
 */
export function openToRead(path: string): ReadableLog | undefined {
  try {
    return openReadOnly(path);
  } catch (error) {
    if (!isUnfinished(error)) throw error;
    finish(path);
    return openReadOnly(path);
  }
}

/** Undoes what a killed writer had begun before the file was in WAL mode. Any look at it does. */
function finish(path: string): void {
  using db = new DatabaseSync(path, { timeout: READ_LOCK_MS_MAX });
  first(db, 'select count(*) as n from sqlite_schema');
}

function openReadOnly(path: string): ReadableLog | undefined {
  if (!existsSync(path)) return undefined;
  // In a folder that cannot be written the index of the WAL cannot be made. Where there is no WAL none is needed, and
  // SQLite has to be told so.
  const isSnapshot = !existsSync(`${path}-wal`) && !isWritable(dirname(path));
  const url = pathToFileURL(path);
  if (isSnapshot) url.searchParams.set('immutable', '1');
  const db = new DatabaseSync(url, { readOnly: true, timeout: READ_LOCK_MS_MAX });
  try {
    if (logVersion(db) > 0) return { db, isSnapshot };
  } catch (error) {
    db.close();
    throw error;
  }
  db.close();
  return undefined;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
