/** What a log does when its server, its disk, a connection or another user of it gets in its way. */
import { randomBytes } from 'node:crypto';
import { statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Secret } from '@mcp-hangar/kernel/secret';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { until, within } from '../../../test/support/until.ts';
import { event, numberedUpTo, readWhole } from '../test-kit/events.ts';
import { hasPostgres, PostgresCluster } from '../test-kit/postgres-cluster.ts';
import { canMount, SmallDisk } from '../test-kit/small-disk.ts';
import { PostgresEventStore } from './postgres-event-store.ts';
import { verifyPostgresEventLog } from './postgres-verify.ts';

const WRITERS = 16;
const ANSWER_MS = 1_500;
const FREE_BYTES = 2_097_152;
const TEST_MS_MAX = 40_000;
const UNAVAILABLE = { name: 'Fault', code: 'EVENT_STORE_UNAVAILABLE' };
const BUSY = { name: 'Fault', code: 'EVENT_STORE_BUSY' };

const APPEND_BY_HAND = `select hangar.append_events(array['x'], array[1], array[-1], array[1], array[1],
  array['x'], array['id'], array['T'], array[1], array[1], array['p'], array['{}'])`;

const postgres = needs('postgresql', hasPostgres);
const mounts = needs('mounts', canMount);

let cluster: PostgresCluster;

const appendOne = (store: PostgresEventStore, stream = 'a'): Promise<unknown> =>
  store.append({ stream, expected: 'any', events: [event()] });

const databaseOf = (url: Secret): string => new URL(url.reveal()).pathname.slice(1);

/** A connection of somebody else, which does something and then waits. */
async function somebodyElse(url: Secret, sql: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url.reveal() });
  client.on('error', () => undefined); // the server is stopped in some tests
  await client.connect();
  await client.query(sql);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** Writers that go on whatever happens, until they are told to stop. */
class Writing {
  readonly stored = new Map<string, number>();
  readonly failed: unknown[] = [];
  #isOver = false;
  readonly #writers: Promise<unknown>;

  constructor(store: PostgresEventStore) {
    this.#writers = Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => this.#write(store, writer)),
    );
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#writers;
  }

  async #write(store: PostgresEventStore, writer: number): Promise<void> {
    for (let n = 0; !this.#isOver; n += 1) {
      const batch = `${writer}-${n}`;
      const size = 1 + (n % 5);
      const events = Array.from({ length: size }, () => event({ data: { batch } }));
      try {
        await store.append({ stream: `s${n % 7}`, expected: 'any', events });
        this.stored.set(batch, size);
      } catch (error) {
        this.failed.push(error);
        await setImmediate();
      }
    }
  }
}

describe.skipIf(postgres.isMissing)(`a server ${postgres.mark}`, () => {
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  describe('that ends', () => {
    serverEnds();
  });
  describe('that hangs', () => {
    serverHangs();
  });
  describe('that others use', () => {
    others();
  });
  describe('and the queue before it', () => {
    queue();
  });
  describe.skipIf(mounts.isMissing)(`on a small disk ${mounts.mark}`, () => {
    smallDisk();
  });
});

function serverEnds(): void {
  it.each(['SIGQUIT', 'SIGINT'] as const)(
    'by %s loses nothing that was acknowledged, and the store goes on by itself',
    async (signal) => {
      const url = await cluster.createDatabase();
      await using store = new PostgresEventStore({ url });
      await store.open();
      const writing = new Writing(store);
      await until('something is stored', () => writing.stored.size > 100);
      await cluster.stop(signal);
      await until('appends fail', () => writing.failed.length > WRITERS);
      const before = writing.stored.size;
      await cluster.start();
      await until('appends succeed again', () => writing.stored.size > before + 100);
      await writing.stop();
      for (const error of writing.failed) expect(error).toMatchObject(UNAVAILABLE);
      const stored = new Map<unknown, number>();
      for (const { data } of await readWhole(store)) {
        stored.set(data['batch'], (stored.get(data['batch']) ?? 0) + 1);
      }
      const lost = [...writing.stored].filter(([batch, size]) => stored.get(batch) !== size);
      expect(lost).toEqual([]);
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it('a connection that was idle is replaced, and one that is used is told', async () => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url });
    await appendOne(store);
    await store.version('a');
    const end = `select count(*)::int as count from (select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'mcp-hangar' and datname = '${databaseOf(url)}') ended`;
    expect(await cluster.query('postgres', end)).toEqual([{ count: 2 }]);
    await until('it is stored', () => appendOne(store).catch(() => false as const));
    await using lock = await somebodyElse(url, 'begin; lock table hangar.event in exclusive mode');
    const waiting = appendOne(store);
    waiting.catch(() => undefined); // it is looked at below
    const blocked = `select 1 from pg_stat_activity
      where wait_event_type = 'Lock' and datname = '${databaseOf(url)}'`;
    await until('it waits', async () => (await cluster.query('postgres', blocked)).length > 0);
    await cluster.query('postgres', end);
    await expect(waiting).rejects.toMatchObject({ ...UNAVAILABLE, data: { outcome: 'unknown' } });
    await lock.end();
    await until('it is stored', () => appendOne(store).catch(() => false as const));
    expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
  });
}

function serverHangs(): void {
  it(
    'settles every append and every question within the limits, and the store goes on afterwards',
    async () => {
      const url = await cluster.createDatabase();
      await using store = new PostgresEventStore({ url, answerMsMax: ANSWER_MS, waitMsMax: 500 });
      await store.open();
      await appendOne(store);
      await store.version('a');
      cluster.signalAll('SIGSTOP');
      try {
        const under = appendOne(store, 'under');
        under.catch(() => undefined); // it is looked at below
        await setImmediate();
        await setImmediate();
        const waiting = appendOne(store, 'waiting');
        waiting.catch(() => undefined);
        const question = store.version('a');
        question.catch(() => undefined);
        await expect(within('it waits no longer', waiting, 1_200)).rejects.toMatchObject(BUSY);
        await expect(within('it settles', under, 3_000)).rejects.toMatchObject({
          ...UNAVAILABLE,
          data: { outcome: 'unknown' },
        });
        await expect(under).rejects.toThrow(/no answer for 1500 ms/);
        await expect(within('it answers', question, 3_000)).rejects.toMatchObject(UNAVAILABLE);
      } finally {
        cluster.signalAll('SIGCONT');
      }
      await until('it is stored', () => appendOne(store).catch(() => false as const));
      expect(await store.version('waiting')).toBe(0);
      expect([0, 1]).toContain(await store.version('under'));
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it('lets a store close in time', async () => {
    const url = await cluster.createDatabase();
    const store = new PostgresEventStore({ url, answerMsMax: ANSWER_MS });
    await store.open();
    await appendOne(store);
    cluster.signalAll('SIGSTOP');
    try {
      const under = appendOne(store);
      under.catch(() => undefined); // it is looked at below
      await within('it is closed', store[Symbol.asyncDispose](), 6_000);
      await expect(under).rejects.toMatchObject(UNAVAILABLE);
    } finally {
      cluster.signalAll('SIGCONT');
    }
  });
}

function others(): void {
  it.each([
    ['the table', 'lock table hangar.event in exclusive mode'],
    ['the turn to append', APPEND_BY_HAND],
  ])('refuses an append while somebody keeps %s, and goes on afterwards', async (_what, sql) => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url, answerMsMax: ANSWER_MS });
    await appendOne(store);
    {
      await using _lock = await somebodyElse(url, `begin; ${sql}`);
      await expect(appendOne(store)).rejects.toMatchObject(BUSY);
      expect(await store.version('a')).toBe(1);
    }
    await appendOne(store);
    expect(await store.version('a')).toBe(2);
  });

  it('never looks through the whole log, also where it was small when a plan was made', async () => {
    const url = await cluster.createDatabase();
    const name = databaseOf(url);
    /** What the server counts, it tells late: when as many looks at an index were counted. */
    const scansWhen = async (looksMin: number): Promise<unknown> =>
      until('the server has counted', async () => {
        const [row] = await cluster.query(
          name,
          `select seq_scan::int as scans, (idx_scan >= ${looksMin})::int as counted
           from pg_stat_user_tables where relname = 'event'`,
        );
        return row?.['counted'] === 1 && row['scans'];
      });
    {
      await using store = new PostgresEventStore({ url });
      await appendOne(store);
      await cluster.query(name, 'analyze hangar.event');
    }
    const before = await scansWhen(1);
    {
      await using store = new PostgresEventStore({ url });
      for (let n = 0; n < 10; n += 1) {
        await appendOne(store, `s${n}`);
        await store.readAll(undefined, 2);
        await store.readAllBackward(undefined, 2);
        await store.read('s0');
        await store.streams('s');
        await store.prune({ keepEventsMax: 100 - n });
      }
    }
    expect(await scansWhen(100)).toBe(before);
  });

  it('shows what is stored though somebody keeps a transaction open that writes', async () => {
    const url = await cluster.createDatabase();
    await using _other = await somebodyElse(
      url,
      'create table mine (a int); begin; insert into mine values (1)',
    );
    await using store = new PostgresEventStore({ url });
    await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(5) });
    expect((await store.readAll(undefined, 10)).events).toHaveLength(5);
  });

  it('stores durably and in order whatever the database sets by default', async () => {
    const url = await cluster.createDatabase();
    const name = databaseOf(url);
    for (const setting of [
      `default_transaction_isolation = 'serializable'`,
      'default_transaction_read_only = on',
      'synchronous_commit = off',
      `search_path = ''`,
    ]) {
      await cluster.query('postgres', `alter database ${name} set ${setting}`);
    }
    await using one = new PostgresEventStore({ url });
    await using other = new PostgresEventStore({ url });
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => appendOne(n % 2 === 0 ? one : other, `s${n % 3}`)),
    );
    const [row] = await cluster.query(
      name,
      `begin read write; set transaction isolation level read committed; ${APPEND_BY_HAND}; show synchronous_commit`,
    );
    expect(row).toEqual({ synchronous_commit: 'on' });
    await expect(cluster.query(name, `begin read write; ${APPEND_BY_HAND}`)).rejects.toThrow(
      /committed/,
    );
    expect(await verifyPostgresEventLog({ url })).toMatchObject({ findings: [], eventsCount: 100 });
  });

  it('lets a role that may only read do so, and tells it that it may not append', async () => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url });
    await appendOne(store);
    await cluster.query(
      databaseOf(url),
      `create role reader login password 'r';
       grant usage on schema hangar to reader;
       grant select on all tables in schema hangar to reader`,
    );
    const readerUrl = cluster.tcpUrlOf(databaseOf(url), 'reader', 'r');
    await using reader = new PostgresEventStore({ url: readerUrl });
    expect(await reader.version('a')).toBe(1);
    expect((await verifyPostgresEventLog({ url: readerUrl })).eventsCount).toBe(1);
    const refused = appendOne(reader);
    await expect(refused).rejects.toMatchObject(UNAVAILABLE);
    await expect(refused).rejects.toThrow(/permission denied for table event/);
  });

  it('refuses a database that cannot hold every text', async () => {
    const url = await cluster.createDatabase(`encoding 'SQL_ASCII' template template0`);
    await using store = new PostgresEventStore({ url });
    await expect(store.open()).rejects.toThrow(/encoding SQL_ASCII, and a log needs UTF8/);
  });

  it('that gives no further connection is used through the one that rests', async () => {
    const url = await cluster.createDatabase();
    const name = databaseOf(url);
    await cluster.query(
      name,
      `create role frugal login password 'f' connection limit 1;
       grant create on database ${name} to frugal`,
    );
    await using store = new PostgresEventStore({ url: cluster.tcpUrlOf(name, 'frugal', 'f') });
    expect(await store.version('a')).toBe(0);
    for (let n = 1; n <= 3; n += 1) {
      await appendOne(store);
      expect(await readWhole(store)).toHaveLength(n);
    }
  });

  it('is used over a bounded number of connections', async () => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url, connectionsMax: 3 });
    await appendOne(store);
    await Promise.all(Array.from({ length: 200 }, () => store.readAll(undefined, 10)));
    const [row] = await cluster.query(
      'postgres',
      `select count(*)::int as count from pg_stat_activity where datname = '${databaseOf(url)}'`,
    );
    expect(row).toEqual({ count: 3 });
  });
}

function queue(): void {
  it('is bounded: more than it holds is refused at once, and what it holds is stored', async () => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url, queueEventsMax: 10 });
    const settled = await Promise.allSettled(Array.from({ length: 12 }, () => appendOne(store)));
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: BUSY }, { reason: BUSY }]);
    await appendOne(store);
    expect(await store.version('a')).toBe(11);
  });

  it('stores what is in it once, also where an id comes again in the same group', async () => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url });
    const [one, other] = [event(), event()];
    const settled = await Promise.allSettled([
      store.append({ stream: 'a', expected: 'none', events: [one] }),
      store.append({ stream: 'b', expected: 'none', events: [other, one] }),
      store.append({ stream: 'b', expected: 'none', events: [other] }),
      store.append({ stream: 'a', expected: 1, events: [event()] }),
    ]);
    expect(settled).toMatchObject([
      { value: { version: 1 } },
      { reason: { name: 'DuplicateEvent', id: one.id } },
      { value: { version: 1 } },
      { value: { version: 2 } },
    ]);
  });

  it('takes an append that is larger than itself when it is empty', async () => {
    const url = await cluster.createDatabase();
    await using store = new PostgresEventStore({ url, queueEventsMax: 10 });
    await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(2_000) });
    expect(await store.version('a')).toBe(2_000);
  });
}

function smallDisk(): void {
  it(
    'that is full refuses appends, keeps what was stored, and takes more when it has room',
    async () => {
      using disk = SmallDisk.mount('100m');
      await using server = await PostgresCluster.startIn(disk.folder, '--wal-segsize=1');
      const url = server.urlOf('postgres');
      await using store = new PostgresEventStore({ url });
      await store.open();
      const { bavail, bsize } = statfsSync(disk.folder);
      const ballast = join(disk.folder, 'ballast');
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - FREE_BYTES));
      const stored: string[] = [];
      const appendLarge = async (): Promise<void> => {
        // Nothing that could be packed.
        const text = randomBytes(20_000).toString('base64');
        const large = [event({ data: { text } }), event({ data: { text } })];
        await store.append({ stream: 'a', expected: 'any', events: large });
        stored.push(...large.map(({ id }) => id));
      };
      const untilFull = async (): Promise<void> => {
        for (;;) await appendLarge();
      };
      await expect(untilFull()).rejects.toMatchObject(UNAVAILABLE);
      unlinkSync(ballast);
      await server.startAgain();
      await until('it is stored', () =>
        appendLarge()
          .then(() => true)
          .catch(() => false),
      );
      const ids = (await readWhole(store)).map(({ id }) => id);
      expect(stored.filter((id) => !ids.includes(id))).toEqual([]);
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );
}
