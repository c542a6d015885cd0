/** Whether a file holds a whole, readable event log. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '@mcp-hangar/kernel/event-store';
import { positionOf } from './position.ts';
import { openToRead } from './sqlite-file.ts';
import { problemOf } from './sqlite-problem.ts';
import { eventOf, integerIn, RowProblem, textIn, type UntrustedRow } from './stored-row.ts';

const FINDINGS_MAX = 100;

export type FindingKind =
  /** The file cannot be read, is no log, or fails SQLite's own check. */
  | 'file'
  /** An event does not have the form of one. */
  | 'event'
  /** Versions of a stream are missing. */
  | 'version-gap'
  /** A version of a stream, or an id, is there twice. */
  | 'double'
  /** Positions do not grow with the versions, or are beyond what the log ever gave. */
  | 'position'
  /** Events are missing that were never pruned. */
  | 'position-gap';

export interface Finding {
  readonly kind: FindingKind;
  /** A sentence without full stop. */
  readonly message: string;
  readonly position?: Position;
  readonly stream?: string;
  readonly version?: number;
}

export interface VerifyReport {
  /** False where there is no log: nothing was ever appended. */
  readonly exists: boolean;
  readonly eventsCount: number;
  readonly streamsCount: number;
  /** Streams whose oldest events retention has deleted. */
  readonly prunedStreamsCount: number;
  readonly lastPosition: Position | undefined;
  readonly findings: readonly Finding[];
  /** There were more findings than are listed. */
  readonly isCut: boolean;
}

class Findings {
  readonly list: Finding[] = [];
  isCut = false;

  add(kind: FindingKind, message: string, at: Omit<Finding, 'kind' | 'message'> = {}): void {
    if (this.list.length < FINDINGS_MAX) this.list.push({ kind, message, ...at });
    else this.isCut = true;
  }
}

interface Counts {
  eventsCount: number;
  streamsCount: number;
  prunedStreamsCount: number;
  lastPosition: number;
}

interface Place {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
}

/**
 * Reads the whole log and answers what is wrong with it. Blocks for as long as that takes: for a process of its own.
 * What cannot be opened or read is a finding too, nothing is thrown.
 */
export function verifyEventLog(path: string): VerifyReport {
  const findings = new Findings();
  const counts = { eventsCount: 0, streamsCount: 0, prunedStreamsCount: 0, lastPosition: 0 };
  try {
    const log = openToRead(path);
    if (log !== undefined) verifyAll(log.db, findings, counts);
  } catch (error) {
    findings.add('file', `Cannot read event log "${path}": ${problemOf(error)}`);
  }
  const { lastPosition, ...rest } = counts;
  return {
    exists: existsSync(path),
    ...rest,
    lastPosition: lastPosition === 0 ? undefined : positionOf(lastPosition),
    findings: findings.list,
    isCut: findings.isCut,
  };
}

function verifyAll(opened: DatabaseSync, findings: Findings, counts: Counts): void {
  using db = opened;
  // One transaction, so that what others append meanwhile is not half seen.
  db.exec('begin');
  verifyFile(db, findings);
  verifyStreams(db, findings, counts);
  verifyPositions(db, findings, counts);
  verifyIds(db, findings);
}

function verifyFile(db: DatabaseSync, findings: Findings): void {
  for (const row of db.prepare(`pragma integrity_check(${FINDINGS_MAX})`).iterate()) {
    const text = textIn(row, 'integrity_check');
    if (text !== 'ok') findings.add('file', `SQLite: ${text}`);
  }
}

/** Every event, stream by stream. */
function verifyStreams(db: DatabaseSync, findings: Findings, counts: Counts): void {
  let last: Place | undefined;
  for (const row of db
    .prepare('select * from event order by stream, version, position')
    .iterate()) {
    counts.eventsCount += 1;
    const place = placeOf(row, findings);
    if (place === undefined) continue;
    verifyEvent(row, place, findings);
    if (last?.stream !== place.stream) {
      counts.streamsCount += 1;
      if (place.version > 1) counts.prunedStreamsCount += 1;
    } else verifyStep(last, place, findings);
    last = place;
  }
}

function placeOf(row: UntrustedRow, findings: Findings): Place | undefined {
  try {
    const position = integerIn(row, 'position');
    return { position, stream: textIn(row, 'stream'), version: integerIn(row, 'version') };
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error;
    findings.add('event', `An event ${error.message}`);
    return undefined;
  }
}

const at = ({ position, stream, version }: Place): Omit<Finding, 'kind' | 'message'> =>
  position > 0 ? { position: positionOf(position), stream, version } : { stream, version };

function verifyEvent(row: UntrustedRow, place: Place, findings: Findings): void {
  try {
    eventOf(row);
  } catch (error) {
    const message = error instanceof RowProblem ? error.message : problemOf(error);
    findings.add('event', `The event ${message}`, at(place));
  }
}

/** Between two neighbours of one stream. */
function verifyStep(last: Place, place: Place, findings: Findings): void {
  if (place.version === last.version) {
    findings.add('double', `Version ${place.version} is there twice`, at(place));
  } else if (place.version !== last.version + 1) {
    const message = `Version ${last.version} is followed by version ${place.version}`;
    findings.add('version-gap', message, at(place));
  }
  if (place.position > last.position) return;
  findings.add('position', `Position is not after that of version ${last.version}`, at(place));
}

/** Retention leaves gaps below the position that it notes; above it every position has its event. */
function verifyPositions(db: DatabaseSync, findings: Findings, counts: Counts): void {
  const prunedBelow = factOf(db, `select value as n from event_log where name = 'pruned_below'`);
  const given = factOf(db, `select seq as n from sqlite_sequence where name = 'event'`);
  let last: number | undefined;
  const rows = db.prepare('select position from event order by position').iterate();
  for (const row of rows) {
    const position = integerIn(row, 'position');
    const expected = Math.max(last === undefined ? 1 : last + 1, prunedBelow);
    if (position > expected) missing(findings, expected, position - 1);
    last = position;
  }
  counts.lastPosition = last ?? 0;
  if (counts.lastPosition < given) missing(findings, counts.lastPosition + 1, given);
  if (counts.lastPosition > given) {
    const message = `Positions up to ${given} were given, and there is a later one`;
    findings.add('position', message, { position: positionOf(counts.lastPosition) });
  }
}

function missing(findings: Findings, from: number, to: number): void {
  const message = `Positions ${from} to ${to} are missing and were never pruned`;
  findings.add('position-gap', message, { position: positionOf(from) });
}

function factOf(db: DatabaseSync, sql: string): number {
  const row = db.prepare(sql).get();
  return row === undefined ? 0 : integerIn(row, 'n');
}

function verifyIds(db: DatabaseSync, findings: Findings): void {
  const sql = `select id, max(position) as n from event group by id having count(*) > 1`;
  for (const row of db.prepare(sql).iterate()) {
    const position = positionOf(integerIn(row, 'n'));
    findings.add('double', `Event id "${textIn(row, 'id')}" is there twice`, { position });
  }
}
