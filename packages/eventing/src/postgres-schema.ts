/**
 * The schema of an event log in PostgreSQL, as a list of migrations. A migration that was released never changes.
 *
 * Invariants
 * 1. All missing migrations and the notes that they were made are one transaction, under one lock: several processes
 *    may start at once, and one that is killed leaves the version that was there.
 * 2. A schema of a later version than this program knows is left as it is.
 * 3. Every version of `append_events` takes the same lock, first of all (`appendLock`).
 */
import { createHash } from 'node:crypto';
import { escapeIdentifier, type ClientBase } from 'pg';
import { ForeignDatabase } from './postgres-problem.ts';
import { integerIn, textIn, type UntrustedRow } from './stored-row.ts';

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

export interface Migration {
  readonly name: string;
  /** Statements; `schema` is quoted. */
  readonly sql: (schema: string, name: string) => string;
}

/** What is locked, as the key of an advisory lock: the same in every process and every version of this program. */
const lockKey = (what: string, name: string): string =>
  createHash('sha256').update(`mcp-hangar ${what} ${name}`).digest().readBigInt64BE().toString();

/** Held from before a position is chosen until what has it is visible to all. */
const appendLock = (name: string): string => lockKey('append', name);

/** @throws TypeError where the name is none for a schema of ours */
export function checkSchemaName(name: string): string {
  if (SCHEMA_NAME.test(name) && !name.startsWith('pg_')) return name;
  throw new TypeError(`"${name}" is no name for a schema: use a-z, 0-9 and _, at most 63 of them`);
}

/** The name of something in the schema, as SQL. */
export const inSchema = (schema: string, what: string): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(what)}`;

const events: Migration['sql'] = (schema) => `
  create table ${schema}.event (
    position bigint primary key check (position > 0),
    stream text collate "C" not null,
    version bigint not null check (version > 0),
    id text collate "C" not null unique,
    type text not null,
    schema_version bigint not null,
    occurred_at_ms bigint not null,
    produced_by text not null,
    data text not null,
    unique (stream, version)
  );
  create table ${schema}.event_log (name text primary key, value bigint not null);
  insert into ${schema}.event_log (name, value) values ('pruned_below', 1);
`;

/** What is stored now; after the lock, so that it is all there is. */
const looking = (schema: string): string => `
  select coalesce((select e.position from ${schema}.event e order by e.position desc limit 1), 0)
    into last_position;
  select array_agg(coalesce((select e.version from ${schema}.event e where e.stream = s.stream
                             order by e.version desc limit 1), 0) order by s.n)
    into versions from unnest(streams) with ordinality s(stream, n);
  select array_agg(i.n order by i.n)
    into taken from unnest(event_id) with ordinality i(id, n)
    where (select e.position from ${schema}.event e where e.id = i.id) is not null;
`;

/** What becomes of each append: those that are stored get the version, position and event that they begin behind. */
const DECIDING = `
  for a in 1 .. appends_count loop
    actual := versions[append_stream[a]];
    duplicate := null;
    if taken is not null then
      select min(t.n) into duplicate from unnest(taken) t(n)
        where t.n > before and t.n <= before + append_size[a];
    end if;
    if duplicate is not null then
      kinds[a] := 2;
      numbers[a] := duplicate;
    elsif append_expected[a] <> -1 and append_expected[a] <> actual then
      kinds[a] := 1;
      numbers[a] := actual;
    else
      base_version[a] := actual;
      base_position[a] := last_position;
      base_event[a] := before;
      last_position := last_position + append_size[a];
      versions[append_stream[a]] := actual + append_size[a];
      numbers[a] := actual + append_size[a];
      positions[a] := last_position;
    end if;
    before := before + append_size[a];
  end loop;
`;

const storing = (schema: string): string => `
  insert into ${schema}.event
    (position, stream, version, id, type, schema_version, occurred_at_ms, produced_by, data)
  select base_position[e.append] + e.n - base_event[e.append], e.stream,
    base_version[e.append] + e.n - base_event[e.append],
    e.id, e.type, e.schema_version, e.occurred_at_ms, e.produced_by, e.data
  from unnest(event_append, event_stream, event_id, event_type, event_schema_version,
              event_occurred_at_ms, event_produced_by, event_data)
    with ordinality e(append, stream, id, type, schema_version, occurred_at_ms, produced_by, data, n)
  where base_position[e.append] >= 0;
`;

/**
 * Appends of one group, each with the stream that it goes to (a number in `streams`), what it expects (-1 = any)
 * and how many of the events are its own; they follow each other. Answers for each: 0 = stored, with version and
 * position of its last event; 1 = conflict, with the version of the stream; 2 = duplicate, with the number of the
 * event that is stored already. No event may be twice in one group.
 *
 * Positions have no gap: who inserts n + 1 has seen n committed, so no reader can see n + 1 without n. The lock is
 * given back when what was inserted is visible; without it, two who saw the same n would collide.
 */
const appending: Migration['sql'] = (schema, name) => `
  create function ${schema}.append_events(
    streams text[], append_stream int[], append_expected bigint[], append_size int[],
    event_append int[], event_stream text[], event_id text[], event_type text[],
    event_schema_version bigint[], event_occurred_at_ms bigint[], event_produced_by text[], event_data text[],
    out kinds int[], out numbers bigint[], out positions bigint[]
  ) language plpgsql as $$
  declare
    appends_count int := array_length(append_stream, 1);
    versions bigint[];
    taken int[];
    last_position bigint;
    base_version bigint[] := array_fill(0::bigint, array[appends_count]);
    base_position bigint[] := array_fill(-1::bigint, array[appends_count]);
    base_event int[] := array_fill(0, array[appends_count]);
    before int := 0;
    actual bigint;
    duplicate int;
  begin
    if current_setting('transaction_isolation') <> 'read committed' then
      raise exception 'append_events needs transactions that are read committed';
    end if;
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'on', true);
    end if;
    kinds := array_fill(0, array[appends_count]);
    numbers := array_fill(0::bigint, array[appends_count]);
    positions := array_fill(0::bigint, array[appends_count]);
    perform pg_advisory_xact_lock(${appendLock(name)});
    ${looking(schema)} ${DECIDING} ${storing(schema)}
  end
  $$;
`;

const APPEND_PARAMETERS = `
    streams text[], append_stream int[], append_expected bigint[], append_size int[],
    event_append int[], event_stream text[], event_id text[], event_type text[],
    event_schema_version bigint[], event_occurred_at_ms bigint[], event_produced_by text[], event_data text[]`;

/**
 * Leases, snapshots, and appends of whoever has a lease. The row of the lease is locked until what was appended is
 * visible: who acquires it next sees all that was stored under the generation before, and nothing of it comes later.
 * Answers like `append_events`; 3 for each append where the lease is at another generation, with that one.
 */
const leases: Migration['sql'] = (schema, name) => `
  create table ${schema}.lease (
    name text collate "C" primary key,
    holder text not null,
    generation bigint not null check (generation > 0),
    expires_at timestamptz not null,
    ttl_ms bigint not null
  );
  create table ${schema}.snapshot (
    stream text collate "C" primary key,
    version bigint not null check (version > 0),
    schema_version bigint not null,
    state text not null
  );
  create function ${schema}.append_guarded(
    guard_name text, guard_generation bigint, ${APPEND_PARAMETERS},
    out kinds int[], out numbers bigint[], out positions bigint[]
  ) language plpgsql as $$
  declare
    actual bigint;
  begin
    perform pg_advisory_xact_lock(${appendLock(name)});
    select generation into actual from ${schema}.lease where lease.name = guard_name for share;
    if actual is distinct from guard_generation then
      kinds := array_fill(3, array[array_length(append_stream, 1)]);
      numbers := array_fill(coalesce(actual, 0), array[array_length(append_stream, 1)]);
      positions := array_fill(0::bigint, array[array_length(append_stream, 1)]);
      return;
    end if;
    select a.kinds, a.numbers, a.positions into kinds, numbers, positions
    from ${schema}.append_events(
      streams, append_stream, append_expected, append_size, event_append, event_stream, event_id,
      event_type, event_schema_version, event_occurred_at_ms, event_produced_by, event_data) a;
  end
  $$;
`;

export const MIGRATIONS: readonly Migration[] = [
  { name: 'events', sql: events },
  { name: 'appending', sql: appending },
  { name: 'leases', sql: leases },
];

/** The first row of the answer. */
export async function rowOf(
  client: ClientBase,
  sql: string,
  values: readonly unknown[] = [],
): Promise<UntrustedRow> {
  const { rows } = await client.query<UntrustedRow>(sql, [...values]);
  return rows[0] ?? {};
}

/**
 * The version that the schema has; 0 where there is none.
 * @throws ForeignDatabase; what the driver throws
 */
export async function schemaVersion(client: ClientBase, name: string): Promise<number> {
  const found = await rowOf(
    client,
    `select (to_regclass($1) is not null)::int as notes, (to_regclass($2) is not null)::int as events`,
    [inSchema(name, 'migration'), inSchema(name, 'event')],
  );
  if (integerIn(found, 'notes') === 1) {
    const notes = `select coalesce(max(version), 0) as version from ${inSchema(name, 'migration')}`;
    return integerIn(await rowOf(client, notes), 'version');
  }
  if (integerIn(found, 'events') === 0) return 0;
  throw new ForeignDatabase(`schema "${name}" has a table "event" of another program`);
}

/** @throws ForeignDatabase where this program cannot read that version: readers migrate nothing */
export function checkCurrent(version: number, name: string): void {
  checkKnown(version, name, MIGRATIONS.length);
  if (version === MIGRATIONS.length) return;
  throw new ForeignDatabase(
    `schema "${name}" has version ${version} of the format, and a gateway of this version brings it to ${MIGRATIONS.length}`,
  );
}

/** @throws ForeignDatabase where a later program has written it */
export function checkKnown(version: number, name: string, known: number): void {
  if (version <= known) return;
  throw new ForeignDatabase(
    `schema "${name}" has version ${version} of the format, and this program knows ${known}`,
  );
}

/** @throws ForeignDatabase */
export async function checkEncoding(client: ClientBase): Promise<void> {
  const encoding = textIn(await rowOf(client, 'show server_encoding'), 'server_encoding');
  if (encoding === 'UTF8') return;
  throw new ForeignDatabase(`the database has encoding ${encoding}, and a log needs UTF8`);
}

/**
 * Makes the schema, or brings it from an earlier version to the last of the list; waits where another process is at
 * it. Answers how many migrations it made.
 * @throws ForeignDatabase; what the driver throws; nothing was changed then
 */
export async function migrate(
  client: ClientBase,
  name: string,
  limitMs: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<number> {
  const version = await schemaVersion(client, name);
  checkKnown(version, name, migrations.length);
  if (version === migrations.length) return 0;
  await checkEncoding(client);
  await client.query(
    `begin;
     set local statement_timeout = ${limitMs};
     set local lock_timeout = ${limitMs};
     set local idle_in_transaction_session_timeout = ${limitMs};
     select pg_advisory_xact_lock(${lockKey('migrate', name)})`,
  );
  try {
    const count = await migrateLocked(client, name, migrations);
    await client.query('commit');
    return count;
  } catch (error) {
    await client.query('rollback').catch(() => undefined); // the end of the connection does it too
    throw error;
  }
}

async function migrateLocked(
  client: ClientBase,
  name: string,
  migrations: readonly Migration[],
): Promise<number> {
  const schema = escapeIdentifier(name);
  const { rows } = await client.query('select 1 from pg_namespace where nspname = $1', [name]);
  // Not `if not exists`: that needs the right to make schemas also where there is one.
  if (rows.length === 0) await client.query(`create schema ${schema}`);
  const version = await schemaVersion(client, name);
  checkKnown(version, name, migrations.length);
  if (version === 0) {
    await client.query(
      `create table if not exists ${schema}.migration (
         version int primary key, name text not null, made_at timestamptz not null default now())`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    await client.query(migration.sql(schema, name));
    await client.query(`insert into ${schema}.migration (version, name) values ($1, $2)`, [
      index + 1,
      migration.name,
    ]);
  }
  return migrations.length - version;
}
