/**
 * The one connection of a process that writes. It is opened when something is to be written and there is none; after
 * a failure that may have hurt it, or when its file is gone, it is closed. Blocks: for worker threads only.
 *
 * Invariants
 * 1. One call of `append` commits one transaction, and its outcomes are told after it was committed.
 * 2. An append that ends in a conflict or a duplicate leaves nothing behind and does not hurt its neighbours.
 * 3. A prune takes the oldest events of a stream and never its newest; positions from `pruned_below` on have no gap.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isExpected, type EncodedAppend } from './encoded-append.ts';
import { openToWrite } from './sqlite-file.ts';
import { acquireLease, leaseGeneration, releaseLease, renewLease } from './sqlite-lease.ts';
import { isPassing, isUniqueViolation } from './sqlite-problem.ts';
import { pruneStep } from './sqlite-prune.ts';
import { saveSnapshots } from './sqlite-snapshot.ts';
import { integerIn } from './stored-row.ts';
import type { AppendOutcome, TaskResults, WriterTask } from './writer-messages.ts';

/** A statement for many rows costs two thirds of as many statements. */
const ROWS = 32;
/** No row of a statement goes back alone: the pages that it changes need not be kept for that. */
const INSERT =
  'insert or fail into event (stream, version, id, type, schema_version, occurred_at_ms, produced_by, data) values';
const ROW = '(?, ?, ?, ?, ?, ?, ?, ?)';

interface Connection {
  readonly db: DatabaseSync;
  readonly file: number | undefined;
  readonly versionOf: StatementSync;
  readonly idOf: StatementSync;
  readonly insert: StatementSync;
  /** Of `ROWS` events. */
  readonly insertMany: StatementSync;
}

function connect(path: string): Connection {
  const db = openToWrite(path);
  return {
    db,
    file: fileAt(path),
    versionOf: db.prepare(
      'select version from event where stream = ? order by version desc limit 1',
    ),
    idOf: db.prepare('select 1 from event where id = ?'),
    insert: db.prepare(`${INSERT} ${ROW}`),
    insertMany: db.prepare(`${INSERT} ${Array.from({ length: ROWS }, () => ROW).join(', ')}`),
  };
}

/** Which file is at a path; undefined where none is. */
const fileAt = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

export class SqliteWriter {
  readonly #path: string;
  #connection: Connection | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws errors of SQLite and of the file system, ForeignFile; nothing was stored then */
  append(appends: readonly EncodedAppend[]): readonly AppendOutcome[] {
    try {
      return this.#appendAll(appends, insertEvents);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // Rare: nothing was stored; now each of them can go back alone.
      return this.#appendAll(appends, insertOrGoBack);
    }
  }

  #appendAll(appends: readonly EncodedAppend[], insert: Insert): readonly AppendOutcome[] {
    return this.#inTransaction((connection) => {
      const versions = new Map<string, number>();
      return appends.map((append) => appendOne(connection, append, { versions, insert }));
    });
  }

  /**
   * Something else than an append, as one transaction; a prune looks at as many positions as one may.
   * @throws as `append`
   */
  run(task: WriterTask): TaskResults[WriterTask['kind']] {
    return this.#inTransaction(({ db }) => {
      switch (task.kind) {
        case 'prune':
          return pruneStep(db, task.from, task.limits);
        case 'acquire':
          return acquireLease(db, task.name, task.holder, task.ttlMs);
        case 'renew':
          return renewLease(db, task.lease, task.ttlMs);
        case 'release':
          releaseLease(db, task.lease);
          return undefined;
        case 'save-snapshots':
          saveSnapshots(db, task.snapshots);
          return undefined;
      }
    });
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.db.close();
  }

  #inTransaction<T>(work: (connection: Connection) => T): T {
    // What is written to a file that somebody removed is lost, and SQLite does not tell.
    if (this.#connection !== undefined && this.#connection.file !== fileAt(this.#path))
      this.close();
    const connection = (this.#connection ??= connect(this.#path));
    const { db } = connection;
    try {
      db.exec('begin immediate');
      const result = work(connection);
      db.exec('commit');
      return result;
    } catch (error) {
      this.#abandon(db, error);
      throw error;
    }
  }

  #abandon(db: DatabaseSync, cause: unknown): void {
    try {
      if (db.isTransaction) db.exec('rollback');
      if (isPassing(cause) || isUniqueViolation(cause)) return;
    } catch {
      // It cannot even roll back: closing does.
    }
    this.close();
  }
}

/** Stores events behind `version`; answers the position of the last one, or undefined where they cannot be there. */
type Insert = (
  connection: Connection,
  append: EncodedAppend,
  version: number,
) => number | undefined;

function appendOne(
  connection: Connection,
  append: EncodedAppend,
  how: { readonly versions: Map<string, number>; readonly insert: Insert },
): AppendOutcome {
  const { stream, expected, events, guard } = append;
  if (guard !== undefined) {
    const generation = leaseGeneration(connection.db, guard.name);
    if (generation !== guard.generation) return { kind: 'fenced', actual: generation };
  }
  const actual = how.versions.get(stream) ?? versionOf(connection, stream);
  if (!isExpected(expected, actual)) return refusal(connection, events, actual);
  const position = how.insert(connection, append, actual);
  if (position === undefined) return refusal(connection, events, versionOf(connection, stream));
  const version = actual + events.length;
  how.versions.set(stream, version);
  return { kind: 'stored', version, position };
}

/** @throws where one of them is there already; those before it are stored then */
function insertEvents(
  { insert, insertMany }: Connection,
  { stream, events }: EncodedAppend,
  before: number,
): number {
  let [version, position, at] = [before, 0, 0];
  for (; events.length - at >= ROWS; at += ROWS) {
    const rows = events.slice(at, at + ROWS).flatMap((event) => [stream, (version += 1), ...event]);
    position = Number(insertMany.run(...rows).lastInsertRowid);
  }
  for (const event of events.slice(at)) {
    version += 1;
    position = Number(insert.run(stream, version, ...event).lastInsertRowid);
  }
  return position;
}

/** All of them or none. */
function insertOrGoBack(
  connection: Connection,
  append: EncodedAppend,
  before: number,
): number | undefined {
  const { db } = connection;
  db.exec('savepoint append');
  try {
    const position = insertEvents(connection, append, before);
    db.exec('release append');
    return position;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    db.exec('rollback to append; release append');
    return undefined;
  }
}

/** An append that was made before is a duplicate first of all: its writer learns that it is stored. */
function refusal(
  { idOf }: Connection,
  events: EncodedAppend['events'],
  actual: number,
): AppendOutcome {
  const ids = new Set<string>();
  for (const [id] of events) {
    if (ids.has(id) || idOf.get(id) !== undefined) return { kind: 'duplicate', id };
    ids.add(id);
  }
  return { kind: 'conflict', actual };
}

function versionOf(connection: Connection, stream: string): number {
  const row = connection.versionOf.get(stream);
  return row === undefined ? 0 : integerIn(row, 'version');
}
