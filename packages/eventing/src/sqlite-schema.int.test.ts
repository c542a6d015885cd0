/** A file of the version before is brought to this one by whoever writes, and read by whoever reads. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { event } from '../test-kit/events.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { verifyEventLog } from './verify.ts';

/** As the first release made it: a copy on purpose, which stays as it is whatever becomes of the schema. */
const VERSION_1 = `
  create table event (
    position integer primary key autoincrement,
    stream text not null,
    version integer not null check (version > 0),
    id text not null unique,
    type text not null,
    schema_version integer not null,
    occurred_at_ms integer not null,
    produced_by text not null,
    data text not null,
    unique (stream, version)
  ) strict;
  create table event_log (name text primary key, value integer not null) strict, without rowid;
  insert into event_log (name, value) values ('pruned_below', 1);
  insert into event (stream, version, id, type, schema_version, occurred_at_ms, produced_by, data)
    values ('a', 1, 'one', 'SomethingHappened', 1, 1, 'host-1', '{"n":1}');
  pragma application_id = 1751215719;
  pragma user_version = 1;
`;

let path = '';
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-format-'));
  path = join(folder, 'events.db');
});

afterEach(() => rm(folder, { recursive: true }));

function make(sql: string): void {
  using db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal');
  db.exec(sql);
}

const versionOf = (): unknown => {
  using db = new DatabaseSync(path, { readOnly: true });
  return db.prepare('pragma user_version').get()?.['user_version'];
};

it('reading changes nothing, and the first write brings it to the version of this program', async () => {
  make(VERSION_1);
  await using store = new SqliteEventStore({ path });
  expect((await store.read('a')).map(({ id }) => id)).toEqual(['one']);
  expect(await store.snapshots('')).toEqual([]);
  expect(await store.heldLeases('')).toEqual([]);
  expect(versionOf()).toBe(1);
  await store.append({ stream: 'a', expected: 1, events: [event()] });
  expect(versionOf()).toBe(2);
  expect(await store.acquire('timers', 'one', 1_000)).toMatchObject({ generation: 1 });
  await store.saveSnapshots([{ stream: 'a', version: 2, schemaVersion: 1, state: {} }]);
  expect(await store.snapshots('')).toHaveLength(1);
  expect(verifyEventLog(path)).toMatchObject({ findings: [], eventsCount: 2 });
});

it('a lease is the first thing that several stores of such a file may want at once', async () => {
  make(VERSION_1);
  const stores = Array.from({ length: 4 }, () => new SqliteEventStore({ path }));
  const leases = await Promise.all(
    stores.map((store, at) => store.acquire('timers', String(at), 60_000)),
  );
  expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
  await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
});

it('a version to come is left as it is', async () => {
  make(VERSION_1.replace('user_version = 1', 'user_version = 3'));
  await using store = new SqliteEventStore({ path });
  const refused = store.acquire('timers', 'one', 1_000);
  await expect(refused).rejects.toMatchObject({
    code: 'EVENT_STORE_UNAVAILABLE',
    message: expect.stringContaining('version 3 of the format, and this program knows 2'),
  });
  expect(versionOf()).toBe(3);
});

it('a clock that was set back does not make a lease last', async () => {
  await using store = new SqliteEventStore({ path });
  const lease = await store.acquire('timers', 'one', 60_000);
  expect(lease).toBeDefined();
  {
    using db = new DatabaseSync(path);
    // As if the hour in which it was taken were still to come.
    db.exec('update lease set expires_at_ms = expires_at_ms + 3600000');
  }
  expect(await store.acquire('timers', 'two', 60_000)).toMatchObject({ generation: 2 });
});
