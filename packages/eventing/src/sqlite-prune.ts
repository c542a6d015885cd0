/** Lets old events go, a bounded number of positions in one transaction: appends wait for it. */
import type { DatabaseSync } from 'node:sqlite';
import { integerIn } from './stored-row.ts';
import type { Prunable, PruneLimits, PruneStep } from './writer-messages.ts';

const PRUNE_POSITIONS_MAX = 1_000;

/** The first column of the first row; undefined where it is null or there is none. */
function numberFrom(db: DatabaseSync, sql: string, ...values: number[]): number | undefined {
  const row = db.prepare(sql).get(...values);
  return row === undefined || row['n'] === null ? undefined : integerIn(row, 'n');
}

/** Deletes what the limits let go among the next positions from `from` on, and never the newest event of a stream. */
export function pruneStep(db: DatabaseSync, from: number, limits: PruneLimits): PruneStep {
  const begin = numberFrom(db, 'select min(position) as n from event where position >= ?', from);
  const last = numberFrom(db, 'select max(position) as n from event');
  if (begin === undefined || last === undefined) return { deletedCount: 0, next: undefined };
  const end = Math.min(begin + PRUNE_POSITIONS_MAX, last + 1);
  const cut = Math.max(cutByCount(last, limits), cutByAge(db, [begin, end], limits));
  const until = Math.min(cut, end);
  if (until <= begin) return { deletedCount: 0, next: undefined };
  const { changes } = db
    .prepare(
      `delete from event where position >= ? and position < ? and exists
         (select 1 from event newer where newer.stream = event.stream and newer.version > event.version)`,
    )
    .run(begin, until);
  db.prepare(`update event_log set value = max(value, ?) where name = 'pruned_below'`).run(until);
  const isDone = until < end || end > last;
  return { deletedCount: Number(changes), next: isDone ? undefined : until };
}

/** Events before this position are more than `keepEventsMax`. */
const cutByCount = (last: number, { keepEventsMax }: PruneLimits): number =>
  keepEventsMax === undefined ? 0 : last + 1 - keepEventsMax;

/** Among the positions of a range: where the first event is that is not old. */
function cutByAge(
  db: DatabaseSync,
  [begin, end]: readonly [number, number],
  { occurredBeforeMs }: PruneLimits,
): number {
  if (occurredBeforeMs === undefined) return 0;
  const sql = `select position as n from event
    where position >= ? and position < ? and occurred_at_ms >= ? order by position limit 1`;
  return numberFrom(db, sql, begin, end, occurredBeforeMs) ?? end;
}

/** How many events all steps together would delete. Reads all that are older than the limits. */
export function prunable(db: DatabaseSync, limits: PruneLimits): Prunable {
  const eventsCount = numberFrom(db, 'select count(*) as n from event') ?? 0;
  const last = numberFrom(db, 'select max(position) as n from event');
  if (last === undefined) return { prunableCount: 0, eventsCount };
  const cut = Math.max(cutByCount(last, limits), cutByAge(db, [1, last + 1], limits));
  const sql = `select count(*) as n from event where position < ? and exists
    (select 1 from event newer where newer.stream = event.stream and newer.version > event.version)`;
  return { prunableCount: numberFrom(db, sql, cut) ?? 0, eventsCount };
}
