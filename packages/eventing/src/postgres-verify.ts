/** Whether a database holds a whole, readable event log. */
import type { ClientBase } from 'pg';
import {
  Findings,
  FINDINGS_MAX,
  missing,
  placeOf,
  reportOf,
  verifyEvent,
  verifyStep,
  type Counts,
  type VerifyReport,
} from './findings.ts';
import { PAGE_CHARS_MAX } from './page.ts';
import { positionOf } from './position.ts';
import { logName, PostgresConnections } from './postgres-connections.ts';
import type { PostgresEventStoreOptions } from './postgres-event-store.ts';
import { problemOf } from './postgres-problem.ts';
import { pageOf } from './postgres-reader.ts';
import { checkCurrent, checkSchemaName, inSchema, schemaVersion } from './postgres-schema.ts';
import { integerIn, textIn, type UntrustedRow } from './stored-row.ts';

const PAGE_ROWS = 5_000;
const VERIFY_MS_MAX = 3_600_000;

interface Log {
  readonly client: ClientBase;
  readonly schema: string;
  readonly findings: Findings;
  readonly counts: Counts;
}

/**
 * Reads the whole log, as it is at one moment, and answers what is wrong with it. What cannot be reached or read is a
 * finding too. That the newest events are gone cannot be seen: their positions are given again.
 * @throws Fault CONFIG_INVALID; TypeError where the name of the schema is none
 */
export async function verifyPostgresEventLog({
  url,
  schema = 'hangar',
}: Pick<PostgresEventStoreOptions, 'url' | 'schema'>): Promise<VerifyReport> {
  const findings = new Findings();
  const counts = { eventsCount: 0, streamsCount: 0, prunedStreamsCount: 0, lastPosition: 0 };
  const name = logName(url, checkSchemaName(schema));
  const options = { url, connectionsMax: 1, answerMsMax: VERIFY_MS_MAX };
  const connections = new PostgresConnections(options);
  let exists = false;
  try {
    exists = await connections.ask((client) => verifyAll({ client, schema, findings, counts }));
  } catch (error) {
    findings.add('file', `Cannot read event log "${name}": ${problemOf(error)}`);
  } finally {
    await connections.close();
  }
  return reportOf(exists, counts, findings);
}

/** Whether there is a log. */
async function verifyAll(log: Log): Promise<boolean> {
  // One snapshot, so that what others append meanwhile is not half seen.
  await log.client.query(
    'begin isolation level repeatable read read only; set local enable_seqscan = on',
  );
  const version = await schemaVersion(log.client, log.schema);
  if (version > 0) {
    checkCurrent(version, log.schema);
    await verifyEvents(log);
    await verifyStreams(log);
    await verifyIds(log);
  }
  await log.client.query('commit');
  return version > 0;
}

async function rowsOf(
  client: ClientBase,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly UntrustedRow[]> {
  const { rows } = await client.query<UntrustedRow>(sql, [...values]);
  return rows;
}

/** Retention leaves gaps below the position that it notes; above it every position has its event. */
async function verifyEvents({ client, schema, findings, counts }: Log): Promise<void> {
  const noted = `select value from ${inSchema(schema, 'event_log')} where name = 'pruned_below'`;
  const [fact] = await rowsOf(client, noted);
  const prunedBelow = fact === undefined ? 0 : integerIn(fact, 'value');
  const page = pageOf(`${inSchema(schema, 'event')} where position > $1`, 'position');
  for (;;) {
    const rows = await rowsOf(client, page, [counts.lastPosition, PAGE_ROWS, PAGE_CHARS_MAX]);
    for (const row of rows) {
      const position = integerIn(row, 'position');
      const expected = Math.max(counts.lastPosition + 1, prunedBelow);
      if (position > expected) missing(findings, expected, position - 1);
      counts.lastPosition = position;
      counts.eventsCount += 1;
      const place = placeOf(row, findings);
      if (place !== undefined) verifyEvent(row, place, findings);
    }
    const last = rows.at(-1);
    if (last === undefined || integerIn(last, 'has_next') === 0) return;
  }
}

/** Neighbours of one stream that do not follow each other. */
async function verifyStreams({ client, schema, findings, counts }: Log): Promise<void> {
  const event = inSchema(schema, 'event');
  const [counted] = await rowsOf(
    client,
    `select count(*) as streams, count(*) filter (where first > 1) as pruned
     from (select min(version) as first from ${event} group by stream) stream`,
  );
  counts.streamsCount = integerIn(counted ?? {}, 'streams');
  counts.prunedStreamsCount = integerIn(counted ?? {}, 'pruned');
  const steps = await rowsOf(
    client,
    `select * from (
       select stream, position, version,
         lag(position) over w as last_position, lag(version) over w as last_version
       from ${event} window w as (partition by stream order by version, position)
     ) step
     where last_version is not null and (version <> last_version + 1 or position <= last_position)
     order by stream, version, position limit $1`,
    [FINDINGS_MAX + 1],
  );
  for (const row of steps) {
    const stream = textIn(row, 'stream');
    verifyStep(
      {
        stream,
        position: integerIn(row, 'last_position'),
        version: integerIn(row, 'last_version'),
      },
      { stream, position: integerIn(row, 'position'), version: integerIn(row, 'version') },
      findings,
    );
  }
}

async function verifyIds({ client, schema, findings }: Log): Promise<void> {
  const doubled = await rowsOf(
    client,
    `select id, max(position) as position from ${inSchema(schema, 'event')}
     group by id having count(*) > 1 order by id limit $1`,
    [FINDINGS_MAX + 1],
  );
  for (const row of doubled) {
    const position = positionOf(integerIn(row, 'position'));
    findings.add('double', `Event id "${textIn(row, 'id')}" is there twice`, { position });
  }
}
