/** How the schema of a log comes to be, and what is done where it is another one. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Secret } from '@mcp-hangar/kernel/secret';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { event, numberedUpTo } from '../test-kit/events.ts';
import { hasPostgres, PostgresCluster } from '../test-kit/postgres-cluster.ts';
import { retentionContract } from '../test-kit/retention-contract.ts';
import { positionOf } from './position.ts';
import { PostgresEventStore } from './postgres-event-store.ts';
import { migrate, MIGRATIONS, type Migration } from './postgres-schema.ts';
import { verifyPostgresEventLog } from './postgres-verify.ts';

const SCRIPT = fileURLToPath(new URL('../test-kit/writing-process.ts', import.meta.url));
const MIGRATE_MS_MAX = 10_000;
const TEST_MS_MAX = 40_000;
const UNAVAILABLE = { name: 'Fault', code: 'EVENT_STORE_UNAVAILABLE' };

const postgres = needs('postgresql', hasPostgres);

let cluster: PostgresCluster;
let count = 0;

const nextSchema = (): string => {
  count += 1;
  return `log_${count}`;
};

async function migrateTo(
  url: Secret,
  schema: string,
  migrations: readonly Migration[],
): Promise<number> {
  const client = new Client({ connectionString: url.reveal() });
  await client.connect();
  try {
    return await migrate(client, schema, MIGRATE_MS_MAX, migrations);
  } finally {
    await client.end();
  }
}

/** A version to come: a column that the events of before have too. */
const later: Migration = {
  name: 'later',
  sql: (schema) => `alter table ${schema}.event add column tenant text not null default 'all'`,
};

describe.skipIf(postgres.isMissing)(`a server ${postgres.mark}`, () => {
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  describe('migrations', () => {
    migrations();
  });
  describe('a schema that is another one', () => {
    otherSchemas();
  });
  describe('verifying', () => {
    verifying();
  });
  describe('retention', () => {
    retentionContract(async () => {
      const log = { url: cluster.urlOf('postgres'), schema: nextSchema() };
      return { store: new PostgresEventStore(log), verify: () => verifyPostgresEventLog(log) };
    });
  });
});

function migrations(): void {
  it(
    'are made once where several processes start at once on an empty database, and each of them stores',
    async () => {
      const url = await cluster.createDatabase();
      const argv = ['--conditions=source', SCRIPT, url.reveal(), 'versions', '5'];
      const processes = Array.from({ length: 6 }, () =>
        spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] }),
      );
      const stores = Array.from({ length: 10 }, () => new PostgresEventStore({ url }));
      await Promise.all(stores.map((store) => store.open()));
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      const printed = await Promise.all(processes.map(async ({ stdout }) => text(stdout)));
      for (const line of printed) expect(JSON.parse(line).stored).toBeGreaterThanOrEqual(5);
      const database = new URL(url.reveal()).pathname.slice(1);
      const made = await cluster.query(database, 'select version, name from hangar.migration');
      expect(made).toEqual(MIGRATIONS.map(({ name }, index) => ({ version: index + 1, name })));
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it.each(MIGRATIONS.map((_, version) => version))(
    'go on from version %i, by several at once',
    async (version) => {
      const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
      expect(await migrateTo(url, schema, MIGRATIONS.slice(0, version))).toBe(version);
      const stores = Array.from({ length: 4 }, () => new PostgresEventStore({ url, schema }));
      const appends = stores.map((store) =>
        store.append({ stream: 'a', expected: 'any', events: numberedUpTo(3) }),
      );
      await Promise.all(appends);
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      const report = await verifyPostgresEventLog({ url, schema });
      expect(report).toMatchObject({ findings: [], eventsCount: 12 });
    },
  );

  it('keep what is stored, and each is made by one of many who try', async () => {
    const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
    {
      await using store = new PostgresEventStore({ url, schema });
      await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(10) });
    }
    const list = [...MIGRATIONS, later];
    const made = await Promise.all(Array.from({ length: 8 }, () => migrateTo(url, schema, list)));
    expect(made.toSorted((one, other) => one - other)).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    const rows = await cluster.query(
      'postgres',
      `select count(*)::int as count, min(tenant) as tenant from ${schema}.event`,
    );
    expect(rows).toEqual([{ count: 10, tenant: 'all' }]);
  });

  it('that fail leave the version that was there', async () => {
    const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
    await migrateTo(url, schema, MIGRATIONS);
    const broken: Migration = {
      name: 'broken',
      sql: (quoted) => `create table ${quoted}.half (a int); select 1 / 0`,
    };
    const list = [...MIGRATIONS, later, broken];
    await expect(migrateTo(url, schema, list)).rejects.toThrow(/division by zero/);
    await using store = new PostgresEventStore({ url, schema });
    await store.append({ stream: 'a', expected: 'none', events: [event()] });
    const [row] = await cluster.query('postgres', `select to_regclass('${schema}.half') as half`);
    expect(row).toEqual({ half: null });
  });
}

function otherSchemas(): void {
  it('of a later version is left as it is, and said to be', async () => {
    const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
    await migrateTo(url, schema, [...MIGRATIONS, later]);
    await using store = new PostgresEventStore({ url, schema });
    const version = MIGRATIONS.length + 1;
    const message = new RegExp(`schema "${schema}" has version ${version} of the format`);
    const uses: readonly (() => Promise<unknown>)[] = [
      () => store.append({ stream: 'a', expected: 'any', events: [event()] }),
      () => store.open(),
      () => store.readAll(undefined, 1),
      () => store.version('a'),
    ];
    for (const use of uses) {
      const refused = use();
      await expect(refused).rejects.toMatchObject(UNAVAILABLE);
      await expect(refused).rejects.toThrow(message);
    }
    expect((await verifyPostgresEventLog({ url, schema })).findings).toMatchObject([
      { kind: 'file' },
    ]);
  });

  it('of an earlier version is not migrated by who only reads', async () => {
    const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
    await migrateTo(url, schema, MIGRATIONS.slice(0, 1));
    await using store = new PostgresEventStore({ url, schema });
    await expect(store.readAll(undefined, 1)).rejects.toThrow(/has version 1 of the format/);
    await store.open();
    expect(await store.readAll(undefined, 1)).toMatchObject({ events: [], isHead: true });
  });

  it('of another program is left as it is', async () => {
    const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
    await cluster.query(
      'postgres',
      `create schema ${schema}; create table ${schema}.event (a int)`,
    );
    await using store = new PostgresEventStore({ url, schema });
    await expect(store.open()).rejects.toThrow(/table "event" of another program/);
    await expect(store.version('a')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('does not exist for who reads, and is made by who appends, again where somebody removed it', async () => {
    const [url, schema] = [cluster.urlOf('postgres'), nextSchema()];
    await using store = new PostgresEventStore({ url, schema });
    expect(await store.version('a')).toBe(0);
    expect(await store.prune({ keepEventsMax: 1 })).toBe(0);
    const spaces = `select 1 from pg_namespace where nspname = '${schema}'`;
    expect(await cluster.query('postgres', spaces)).toEqual([]);
    expect(await verifyPostgresEventLog({ url, schema })).toMatchObject({
      exists: false,
      findings: [],
    });
    await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(2) });
    await cluster.query('postgres', `drop schema ${schema} cascade`);
    expect(await store.readAll(undefined, 5)).toMatchObject({ events: [], isHead: true });
    await store.append({ stream: 'a', expected: 'none', events: [event()] });
    await cluster.query('postgres', `drop schema ${schema} cascade`);
    await store.append({ stream: 'a', expected: 'none', events: [event()] });
    expect(await store.version('a')).toBe(1);
  });

  it('is one log beside others in one database', async () => {
    const url = cluster.urlOf('postgres');
    await using one = new PostgresEventStore({ url, schema: nextSchema() });
    await using other = new PostgresEventStore({ url, schema: nextSchema() });
    const same = event();
    for (const store of [one, other]) {
      await store.append({ stream: 'a', expected: 'none', events: [same] });
      expect((await store.readAll(undefined, 10)).events).toHaveLength(1);
    }
  });

  it.each(['', 'Upper', 'a"b', 'pg_mine', 'x'.repeat(64)])('cannot be called %j', (schema) => {
    const url = cluster.urlOf('postgres');
    expect(() => new PostgresEventStore({ url, schema })).toThrow(TypeError);
  });
}

function verifying(): void {
  const makeLog = async (): Promise<{ readonly url: Secret; readonly schema: string }> => {
    const log = { url: cluster.urlOf('postgres'), schema: nextSchema() };
    await using store = new PostgresEventStore(log);
    await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(10) });
    await store.append({ stream: 'b', expected: 'none', events: numberedUpTo(10) });
    return log;
  };

  it('finds nothing in a whole log, and counts what is in it', async () => {
    expect(await verifyPostgresEventLog(await makeLog())).toEqual({
      exists: true,
      eventsCount: 20,
      streamsCount: 2,
      prunedStreamsCount: 0,
      lastPosition: positionOf(20),
      findings: [],
      isCut: false,
    });
  });

  it.each<readonly [string, (schema: string) => string, readonly object[]]>([
    [
      'an event that is gone from the middle of its stream',
      (schema) => `delete from ${schema}.event where position = 5`,
      [
        { kind: 'position-gap', position: positionOf(5) },
        { kind: 'version-gap', stream: 'a', version: 6, position: positionOf(6) },
      ],
    ],
    [
      'the first of a stream that nobody pruned',
      (schema) => `delete from ${schema}.event where position in (11, 12)`,
      [{ kind: 'position-gap', message: 'Positions 11 to 12 are missing and were never pruned' }],
    ],
    [
      'data that is not JSON',
      (schema) => `update ${schema}.event set data = '{"n":' where position = 3`,
      [{ kind: 'event', position: positionOf(3), message: 'The event has data that is not JSON' }],
    ],
    [
      'positions that do not follow the versions',
      (schema) => `update ${schema}.event set position = 100 where position = 1;
        update ${schema}.event set position = 1 where position = 2;
        update ${schema}.event set position = 2 where position = 100`,
      [{ kind: 'position', stream: 'a', version: 2, position: positionOf(1) }],
    ],
    [
      'versions and ids that are there twice, where the table no longer forbids it',
      (schema) => `alter table ${schema}.event drop constraint event_id_key,
          drop constraint event_stream_version_key;
        update ${schema}.event set id = (select id from ${schema}.event where position = 1)
          where position = 20;
        update ${schema}.event set version = 3 where position = 4`,
      [
        { kind: 'double', stream: 'a', version: 3, position: positionOf(4) },
        { kind: 'version-gap', stream: 'a', version: 5, position: positionOf(5) },
        { kind: 'double', position: positionOf(20) },
      ],
    ],
  ])('finds %s', async (_what, sql, findings) => {
    const log = await makeLog();
    await cluster.query('postgres', sql(log.schema));
    const report = await verifyPostgresEventLog(log);
    expect(report.findings).toMatchObject(findings);
    expect(report.isCut).toBe(false);
  });

  it('a reader names the position of an event that it cannot read', async () => {
    const log = await makeLog();
    await cluster.query('postgres', `update ${log.schema}.event set data = 'x' where position = 7`);
    await using store = new PostgresEventStore(log);
    await expect(store.readAll(undefined, 100)).rejects.toThrow(/event at position 7 has data/);
    expect(await store.readAll(undefined, 6)).toMatchObject({ isHead: false });
  });

  it('lists a hundred findings and says that there are more', async () => {
    const log = await makeLog();
    {
      await using store = new PostgresEventStore(log);
      await store.append({ stream: 'c', expected: 'none', events: numberedUpTo(300) });
    }
    await cluster.query('postgres', `update ${log.schema}.event set data = 'x' where stream = 'c'`);
    const { findings, isCut } = await verifyPostgresEventLog(log);
    expect(findings).toHaveLength(100);
    expect(isCut).toBe(true);
  });
}
