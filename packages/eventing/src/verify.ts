/** Whether a file holds a whole, readable event log. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import {
  Findings,
  FINDINGS_MAX,
  missing,
  placeOf,
  reportOf,
  verifyEvent,
  verifyStep,
  type Counts,
  type Place,
  type VerifyReport,
} from './findings.ts';
import { positionOf } from './position.ts';
import { openToRead } from './sqlite-file.ts';
import { problemOf } from './sqlite-problem.ts';
import { integerIn, textIn } from './stored-row.ts';

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
  return reportOf(existsSync(path), counts, findings);
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
