/** Lets old events go, in steps of one statement each; appends do not wait for them. */
import type { ClientBase } from 'pg';
import { inSchema } from './postgres-schema.ts';
import { integerIn, type UntrustedRow } from './stored-row.ts';
import type { Prunable, PruneLimits, PruneStep } from './writer-messages.ts';

/** Positions that one step looks at. */
const STEP_POSITIONS_MAX = 5_000;

async function numberFrom(
  client: ClientBase,
  sql: string,
  values: readonly number[] = [],
): Promise<number | undefined> {
  const { rows } = await client.query<UntrustedRow>(sql, [...values]);
  return rows[0] === undefined ? undefined : integerIn(rows[0], 'n');
}

/**
 * Deletes what the limits let go among the next positions from `from` on, and never the newest event of a stream.
 * Another process may append or prune meanwhile: what is the newest of its stream when the statement begins stays.
 */
export async function pruneStep(
  client: ClientBase,
  schema: string,
  from: number,
  limits: PruneLimits,
): Promise<PruneStep> {
  const event = inSchema(schema, 'event');
  const first = `select position as n from ${event} where position >= $1 order by position limit 1`;
  const newest = `select position as n from ${event} order by position desc limit 1`;
  const begin = await numberFrom(client, first, [from]);
  const last = await numberFrom(client, newest);
  if (begin === undefined || last === undefined) return { deletedCount: 0, next: undefined };
  const end = Math.min(begin + STEP_POSITIONS_MAX, last + 1);
  const { keepEventsMax, occurredBeforeMs } = limits;
  const byCount = keepEventsMax === undefined ? 0 : last + 1 - keepEventsMax;
  // Among the positions of this step: where the first event is that is not old.
  const young = `select position as n from ${event}
    where position >= $1 and position < $2 and occurred_at_ms >= $3 order by position limit 1`;
  const byAge =
    occurredBeforeMs === undefined
      ? 0
      : ((await numberFrom(client, young, [begin, end, occurredBeforeMs])) ?? end);
  const until = Math.min(Math.max(byCount, byAge), end);
  if (until <= begin) return { deletedCount: 0, next: undefined };
  const deletedCount = await deleteBetween(client, schema, begin, until);
  const isDone = until < end || end > last;
  return { deletedCount, next: isDone ? undefined : until };
}

async function deleteBetween(
  client: ClientBase,
  schema: string,
  begin: number,
  until: number,
): Promise<number> {
  const event = inSchema(schema, 'event');
  const count = await numberFrom(
    client,
    `with gone as (
       delete from ${event} old where old.position >= $1 and old.position < $2 and old.version <
         (select newer.version from ${event} newer where newer.stream = old.stream
          order by newer.version desc limit 1)
       returning 1
     ), noted as (
       update ${inSchema(schema, 'event_log')} set value = greatest(value, $2) where name = 'pruned_below'
     )
     select count(*) as n from gone`,
    [begin, until],
  );
  return count ?? 0;
}

/** How many events all steps together would delete. */
export async function prunable(
  client: ClientBase,
  schema: string,
  { keepEventsMax, occurredBeforeMs }: PruneLimits,
): Promise<Prunable> {
  const event = inSchema(schema, 'event');
  const eventsCount = (await numberFrom(client, `select count(*) as n from ${event}`)) ?? 0;
  const newest = `select position as n from ${event} order by position desc limit 1`;
  const last = await numberFrom(client, newest);
  if (last === undefined) return { prunableCount: 0, eventsCount };
  const byCount = keepEventsMax === undefined ? 0 : last + 1 - keepEventsMax;
  const young = `select position as n from ${event}
    where occurred_at_ms >= $1 order by position limit 1`;
  const byAge =
    occurredBeforeMs === undefined
      ? 0
      : ((await numberFrom(client, young, [occurredBeforeMs])) ?? last + 1);
  const prunableCount = await numberFrom(
    client,
    `select count(*) as n from ${event} old where old.position < $1 and old.version <
       (select newer.version from ${event} newer where newer.stream = old.stream
        order by newer.version desc limit 1)`,
    [Math.max(byCount, byAge)],
  );
  return { prunableCount: prunableCount ?? 0, eventsCount };
}
