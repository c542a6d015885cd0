import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { event, numberedUpTo } from '../test-kit/events.ts';
import { positionOf } from './position.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { verifyEventLog } from './verify.ts';

const PAGE_BYTES = 4_096;

let folder = '';
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-verify-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Ten events in `a`, ten in `b`. */
async function makeLog(): Promise<string> {
  count += 1;
  const path = join(folder, `${count}.db`);
  await using store = new SqliteEventStore({ path });
  await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(10) });
  await store.append({ stream: 'b', expected: 'none', events: numberedUpTo(10) });
  return path;
}

function change(path: string, sql: string): void {
  using db = new DatabaseSync(path);
  db.exec(sql);
}

it('finds nothing in a whole log, and counts what is in it', async () => {
  expect(verifyEventLog(await makeLog())).toEqual({
    exists: true,
    eventsCount: 20,
    streamsCount: 2,
    prunedStreamsCount: 0,
    lastPosition: positionOf(20),
    findings: [],
    isCut: false,
  });
});

it('finds nothing where there is no log yet', () => {
  expect(verifyEventLog(join(folder, 'none.db'))).toMatchObject({
    exists: false,
    eventsCount: 0,
    lastPosition: undefined,
    findings: [],
  });
});

it('reads a log that is being written', async () => {
  const path = await makeLog();
  await using store = new SqliteEventStore({ path });
  await store.append({ stream: 'a', expected: 10, events: [event()] });
  expect(verifyEventLog(path)).toMatchObject({ eventsCount: 21, findings: [] });
});

it.each<readonly [string, string, readonly object[]]>([
  [
    'an event that is gone from the middle of its stream',
    `delete from event where position = 5`,
    [
      { kind: 'version-gap', stream: 'a', version: 6, position: positionOf(6) },
      { kind: 'position-gap', position: positionOf(5) },
    ],
  ],
  [
    'the first of a stream that nobody pruned',
    `delete from event where position in (11, 12)`,
    [{ kind: 'position-gap', message: 'Positions 11 to 12 are missing and were never pruned' }],
  ],
  [
    'the newest that are gone',
    'delete from event where position > 18',
    [{ kind: 'position-gap', message: 'Positions 19 to 20 are missing and were never pruned' }],
  ],
  [
    'data that is not JSON',
    `update event set data = '{"n":' where position = 3`,
    [{ kind: 'event', position: positionOf(3), message: 'The event has data that is not JSON' }],
  ],
  [
    'data that is no object',
    `update event set data = '[1]' where position = 3`,
    [{ kind: 'event', position: positionOf(3) }],
  ],
  [
    'positions that do not follow the versions',
    `update event set position = 100 where position = 1;
     update event set position = 1 where position = 2;
     update event set position = 2 where position = 100`,
    [{ kind: 'position', stream: 'a', version: 2, position: positionOf(1) }],
  ],
  [
    'a position that was never given',
    `update sqlite_sequence set seq = 19`,
    [{ kind: 'position', position: positionOf(20) }],
  ],
])('finds %s', async (_what, sql, findings) => {
  const path = await makeLog();
  change(path, sql);
  const report = verifyEventLog(path);
  expect(report.findings).toMatchObject(findings);
  expect(report.isCut).toBe(false);
});

it('finds versions and ids that are there twice, where the file no longer forbids it', async () => {
  const path = await makeLog();
  change(
    path,
    `create table copy (position integer primary key autoincrement, stream, version, id, type, schema_version,
       occurred_at_ms, produced_by, data);
     insert into copy select * from event;
     drop table event;
     alter table copy rename to event;
     update event set id = (select id from event where position = 1) where position = 20;
     update event set version = 3 where position = 4`,
  );
  expect(verifyEventLog(path).findings).toMatchObject([
    { kind: 'double', stream: 'a', version: 3, position: positionOf(4) },
    { kind: 'version-gap', stream: 'a', version: 5, position: positionOf(5) },
    { kind: 'double', position: positionOf(20) },
  ]);
});

it('finds a damaged page, and a reader says so', async () => {
  const path = await makeLog();
  const file = openSync(path, 'r+');
  // The first page keeps the schema; the events are behind it.
  for (let page = 1; page < 8; page += 1) {
    writeSync(file, Buffer.alloc(PAGE_BYTES, 0xa5), 0, PAGE_BYTES, page * PAGE_BYTES);
  }
  closeSync(file);
  const { findings } = verifyEventLog(path);
  expect(findings.length).toBeGreaterThan(0);
  expect(findings[0]).toMatchObject({ kind: 'file' });
  await using store = new SqliteEventStore({ path });
  await expect(store.readAll(undefined, 100)).rejects.toMatchObject({
    code: 'EVENT_STORE_UNAVAILABLE',
  });
  const refused = store.append({ stream: 'a', expected: 'any', events: [event()] });
  await expect(refused).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
});

it('a reader names the position of an event that it cannot read', async () => {
  const path = await makeLog();
  change(path, `update event set data = 'x' where position = 7`);
  await using store = new SqliteEventStore({ path });
  await expect(store.readAll(undefined, 100)).rejects.toThrow(/event at position 7 has data/);
  expect(await store.readAll(undefined, 6)).toMatchObject({ isHead: false });
});

it('lists a hundred findings and says that there are more', async () => {
  const path = await makeLog();
  {
    await using store = new SqliteEventStore({ path });
    await store.append({ stream: 'c', expected: 'none', events: numberedUpTo(300) });
  }
  change(path, `update event set data = 'x' where stream = 'c'`);
  const { findings, isCut } = verifyEventLog(path);
  expect(findings).toHaveLength(100);
  expect(isCut).toBe(true);
});
