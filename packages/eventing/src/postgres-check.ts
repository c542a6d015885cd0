/** Whether a database can hold an event log, and lets this user keep it there; nothing is changed. */
import type { ClientBase } from 'pg';
import { logName, PostgresConnections } from './postgres-connections.ts';
import type { PostgresEventStoreOptions } from './postgres-event-store.ts';
import { ForeignDatabase, problemOf } from './postgres-problem.ts';
import {
  checkEncoding,
  checkKnown,
  checkSchemaName,
  inSchema,
  MIGRATIONS,
  rowOf,
  schemaVersion,
} from './postgres-schema.ts';
import { integerIn, textIn, type UntrustedRow } from './stored-row.ts';

const ANSWER_MS_MAX = 5_000;
const SERVER_VERSION_MIN = 150_000;

/** What a gateway needs of each table; its functions may be used by anybody who may use the schema. */
const NEEDED = {
  migration: ['select'],
  event: ['select', 'insert', 'delete'],
  event_log: ['select', 'update'],
  lease: ['select', 'insert', 'update'],
  snapshot: ['select', 'insert', 'update'],
} as const;

export type DatabaseFinding =
  | { readonly kind: 'unreachable' | 'unusable'; readonly problem: string }
  /** What has to be granted to whom, as SQL. */
  | { readonly kind: 'forbidden'; readonly problem: string; readonly grant: string };

export interface DatabaseReport {
  /** Host, port, database and schema; nothing secret. */
  readonly name: string;
  /** Undefined where all is well. */
  readonly finding: DatabaseFinding | undefined;
}

/** @throws Fault CONFIG_INVALID where the URL is none; TypeError where the name of the schema is none */
export async function checkPostgres({
  url,
  schema = 'hangar',
}: Pick<PostgresEventStoreOptions, 'url' | 'schema'>): Promise<DatabaseReport> {
  const name = logName(url, checkSchemaName(schema));
  const options = { url, connectionsMax: 2, answerMsMax: ANSWER_MS_MAX };
  const connections = new PostgresConnections(options);
  try {
    return { name, finding: await connections.ask((client) => findingIn(client, schema)) };
  } catch (error) {
    return { name, finding: { kind: 'unreachable', problem: problemOf(error) } };
  } finally {
    await connections.close();
  }
}

async function findingIn(client: ClientBase, schema: string): Promise<DatabaseFinding | undefined> {
  try {
    return await rightsIn(client, schema, await knownVersion(client, schema));
  } catch (error) {
    if (!(error instanceof ForeignDatabase)) throw error;
    return { kind: 'unusable', problem: error.message };
  }
}

/** @throws ForeignDatabase */
async function knownVersion(client: ClientBase, schema: string): Promise<number> {
  const server = await rowOf(
    client,
    `select current_setting('server_version_num')::int as number, pg_is_in_recovery()::int as standby`,
  );
  if (integerIn(server, 'number') < SERVER_VERSION_MIN)
    throw new ForeignDatabase('it is older than PostgreSQL 15');
  if (integerIn(server, 'standby') === 1)
    throw new ForeignDatabase('it is a standby, which takes no events');
  await checkEncoding(client);
  // Where the version cannot be read, what is lacking is said by the next question.
  const closed = await rowOf(
    client,
    `select (exists (select 1 from pg_namespace where nspname = $1
       and not has_schema_privilege(oid, 'usage')))::int as schema`,
    [schema],
  );
  if (integerIn(closed, 'schema') === 1) return 0;
  const notes = await rowOf(
    client,
    `select coalesce((not has_table_privilege(to_regclass($1), 'select'))::int, 0) as closed`,
    [inSchema(schema, 'migration')],
  );
  if (integerIn(notes, 'closed') === 1) return MIGRATIONS.length;
  const version = await schemaVersion(client, schema);
  checkKnown(version, schema, MIGRATIONS.length);
  return version;
}

async function rightsIn(
  client: ClientBase,
  schema: string,
  version: number,
): Promise<DatabaseFinding | undefined> {
  const who = await rowOf(
    client,
    `select quote_ident(current_user) as user, quote_ident(current_database()) as database,
       quote_ident($1) as schema,
       (select count(*)::int from pg_namespace where nspname = $1) as schemas,
       has_database_privilege(current_database(), 'create')::int as creates,
       coalesce((select has_schema_privilege(oid, 'usage')::int from pg_namespace where nspname = $1), 0) as uses,
       coalesce((select has_schema_privilege(oid, 'create')::int from pg_namespace where nspname = $1), 0) as extends`,
    [schema],
  );
  const [user, database, quoted] = ['user', 'database', 'schema'].map((column) =>
    textIn(who, column),
  );
  const has = (right: string): boolean => integerIn(who, right) === 1;
  const lacks = (what: string, right: string, on: string): DatabaseFinding => ({
    kind: 'forbidden',
    problem: `user ${user} may not ${what}`,
    grant: `grant ${right} on ${on} to ${user}`,
  });
  if (!has('schemas')) {
    if (has('creates')) return undefined;
    return lacks(`make schema ${quoted}`, 'create', `database ${database}`);
  }
  if (!has('uses') || (version < MIGRATIONS.length && !has('extends')))
    return lacks(`make tables in schema ${quoted}`, 'usage, create', `schema ${quoted}`);
  if (version < MIGRATIONS.length) return undefined;
  const missing = await missingRights(client, schema);
  if (missing.length === 0) return undefined;
  const problem = `user ${user} lacks rights in schema ${quoted}: ${missing.join(', ')}`;
  const grant = `grant select, insert, update, delete on all tables in schema ${quoted} to ${user}`;
  return { kind: 'forbidden', problem, grant };
}

async function missingRights(client: ClientBase, schema: string): Promise<readonly string[]> {
  const wanted = Object.entries(NEEDED).flatMap(([table, rights]) =>
    rights.map((right) => ({ table, right })),
  );
  const { rows } = await client.query<UntrustedRow>(
    `select w.name || ' ' || w.wanted as lacking
     from unnest($1::text[], $2::text[], $3::text[]) w(path, name, wanted)
     where not has_table_privilege(w.path, w.wanted)`,
    [
      wanted.map(({ table }) => inSchema(schema, table)),
      wanted.map(({ table }) => table),
      wanted.map(({ right }) => right),
    ],
  );
  return rows.map((lacking) => textIn(lacking, 'lacking'));
}
