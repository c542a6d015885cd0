/** Reads an event log over a connection of its own, which is opened when it is needed and the log exists. Blocks. */
import type { StatementSync } from 'node:sqlite';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { EventPage, Position, StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { Lease } from '@mcp-hangar/kernel/lease';
import type { Snapshot } from '@mcp-hangar/kernel/snapshot';
import { checkPageSize, PAGE_CHARS_MAX } from './page.ts';
import { countOf } from './position.ts';
import { hasLeases, openToRead, type ReadableLog } from './sqlite-file.ts';
import { heldLeases } from './sqlite-lease.ts';
import { isPassing, problemOf } from './sqlite-problem.ts';
import { readSnapshots } from './sqlite-snapshot.ts';
import { prunable } from './sqlite-prune.ts';
import { integerIn, readRow, RowProblem, textIn, type UntrustedRow } from './stored-row.ts';
import type { Prunable, PruneLimits } from './writer-messages.ts';

interface Connection extends ReadableLog {
  readonly stream: StatementSync;
  readonly forward: StatementSync;
  readonly backward: StatementSync;
  readonly version: StatementSync;
  readonly nextStream: StatementSync;
}

export interface StreamVersion {
  readonly stream: string;
  readonly version: number;
}

const COLUMNS =
  'position, stream, version, id, type, schema_version, occurred_at_ms, produced_by, data';

function prepare(log: ReadableLog): Connection {
  const { db } = log;
  return {
    ...log,
    stream: db.prepare(
      `select ${COLUMNS} from event where stream = ? and version >= ? order by version limit ?`,
    ),
    forward: db.prepare(
      `select ${COLUMNS} from event where position > ? order by position limit ?`,
    ),
    backward: db.prepare(
      `select ${COLUMNS} from event where position < ? order by position desc limit ?`,
    ),
    version: db.prepare('select version from event where stream = ? order by version desc limit 1'),
    // From one stream to the next through the index, however many events they have.
    nextStream: db.prepare(
      `select stream, max(version) as version from event
       where stream = (select min(stream) from event where stream >= ? and stream <> ?) group by stream`,
    ),
  };
}

/** Rows as events, up to `max` or to the bound of a page; `isAll` says that there were no more. */
function collect(
  rows: Iterable<UntrustedRow>,
  max: number,
): { readonly events: StoredEvent[]; readonly isAll: boolean } {
  const events: StoredEvent[] = [];
  let chars = 0;
  for (const row of rows) {
    if (events.length === max || chars >= PAGE_CHARS_MAX) return { events, isAll: false };
    events.push(readRow(row));
    chars += textIn(row, 'data').length;
  }
  return { events, isAll: true };
}

const asPage = (
  { events, isAll }: ReturnType<typeof collect>,
  given: Position | undefined,
): EventPage => ({ events, next: events.at(-1)?.position ?? given, isHead: isAll });

export class SqliteReader {
  readonly #path: string;
  #connection: Connection | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  read(stream: string, from: number, max: number): readonly StoredEvent[] {
    checkPageSize(max);
    return this.#ask([], (log) => collect(log.stream.iterate(stream, from, max), max).events);
  }

  readAll(after: Position | undefined, max: number): EventPage {
    const from = after === undefined ? 0 : countOf(after);
    const nothing = { events: [], next: after, isHead: true };
    const rowsMax = checkPageSize(max) + 1;
    return this.#ask(nothing, (log) =>
      asPage(collect(log.forward.iterate(from, rowsMax), max), after),
    );
  }

  readAllBackward(before: Position | undefined, max: number): EventPage {
    const from = before === undefined ? Number.MAX_SAFE_INTEGER : countOf(before);
    const nothing = { events: [], next: before, isHead: true };
    const rowsMax = checkPageSize(max) + 1;
    return this.#ask(nothing, (log) =>
      asPage(collect(log.backward.iterate(from, rowsMax), max), before),
    );
  }

  version(stream: string): number {
    return this.#ask(0, (log) => {
      const row = log.version.get(stream);
      return row === undefined ? 0 : integerIn(row, 'version');
    });
  }

  /** At most `max` streams whose names begin with `prefix` and come behind `after`. */
  streams(prefix: string, after: string, max: number): readonly StreamVersion[] {
    return this.#ask([], (log) => {
      const found: StreamVersion[] = [];
      let last = after;
      while (found.length < max) {
        const row = log.nextStream.get(last === '' ? prefix : last, last);
        if (row === undefined) break;
        last = textIn(row, 'stream');
        if (!last.startsWith(prefix)) break;
        found.push({ stream: last, version: integerIn(row, 'version') });
      }
      return found;
    });
  }

  prunable(limits: PruneLimits): Prunable {
    const nothing = { prunableCount: 0, eventsCount: 0 };
    return this.#ask(nothing, ({ db }) => prunable(db, limits));
  }

  heldLeases(prefix: string): readonly Lease[] {
    return this.#ask([], ({ db }) => (hasLeases(db) ? heldLeases(db, prefix) : []));
  }

  snapshots(prefix: string): readonly Snapshot[] {
    return this.#ask([], ({ db }) => (hasLeases(db) ? readSnapshots(db, prefix) : []));
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.db.close();
  }

  /** @throws Fault EVENT_STORE_UNAVAILABLE */
  #ask<T>(nothing: T, question: (log: Connection) => T): T {
    try {
      this.#connection ??= this.#open();
      if (this.#connection === undefined) return nothing;
      const answer = question(this.#connection);
      if (this.#connection.isSnapshot) this.close();
      return answer;
    } catch (error) {
      if (!isPassing(error) && !(error instanceof RowProblem)) this.close();
      throw new Fault(
        'EVENT_STORE_UNAVAILABLE',
        `Cannot read event log "${this.#path}": ${problemOf(error)}`,
        { cause: error },
      );
    }
  }

  #open(): Connection | undefined {
    const log = openToRead(this.#path);
    return log && prepare(log);
  }
}
