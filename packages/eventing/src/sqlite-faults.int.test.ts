/** What a log does when the disk, the file, another process or its own worker fails. */
import { once } from 'node:events';
import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { until } from '../../../test/support/until.ts';
import { event, numberedUpTo } from '../test-kit/events.ts';
import { canMount, SmallDisk } from '../test-kit/small-disk.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { verifyEventLog } from './verify.ts';

const MIB = 1_048_576;
/** Some of them are looked at in the very moment that matters. */
const NEW_LOGS = 20;
/** A worker starts within this on a machine that does much else. */
const SILENT_MS_MAX = 2_000;
const TEST_MS_MAX = 60_000;
const LOCK_TEST_MS_MAX = 30_000;
const UNAVAILABLE = { name: 'Fault', code: 'EVENT_STORE_UNAVAILABLE' };

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-faults-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const appendOne = (store: EventStore): Promise<unknown> =>
  store.append({ stream: 'a', expected: 'any', events: [event()] });

/** The worker that the next append of this process starts. */
async function nextWorker(): Promise<Worker> {
  const [worker] = (await once(process, 'worker')) as [Worker]; // what Node gives with this event
  return worker;
}

describe('the file', () => {
  it('is made by the first append, and only its owner may read it', async () => {
    const path = join(folder, 'mode.db');
    await using store = new SqliteEventStore({ path });
    expect(await store.version('a')).toBe(0);
    expect(await store.prune({ keepEventsMax: 1 })).toBe(0);
    expect(existsSync(path)).toBe(false);
    await appendOne(store);
    await store.version('a');
    for (const end of ['', '-wal', '-shm']) expect(statSync(path + end).mode & 0o777).toBe(0o600);
  });

  it('is read also where its writer was killed amid a transaction before it was in WAL mode', async () => {
    const path = join(folder, 'killed.db');
    using alive = new DatabaseSync(path);
    alive.exec(`
      pragma cache_size = 1;
      create table begun (text text) strict;
      begin;
      insert into begun select hex(randomblob(2000)) from (${'select 1 union all '.repeat(199)}select 1);
    `);
    const left = join(folder, 'left.db');
    for (const end of ['', '-journal']) await copyFile(path + end, left + end);
    expect(verifyEventLog(left).findings.map(({ message }) => message)).toEqual([
      expect.stringContaining('a database of another program'),
    ]);
    expect(existsSync(`${left}-journal`)).toBe(false);
  });

  it(
    'can be read at every moment while it is being made',
    async () => {
      for (let round = 0; round < NEW_LOGS; round += 1) {
        const path = join(folder, `new-${round}.db`);
        await using writer = new SqliteEventStore({ path });
        await using reader = new SqliteEventStore({ path });
        const appended = appendOne(writer);
        // In every turn of the loop, until the append or a failure ends it.
        while ((await reader.version('a')) === 0) await setImmediate();
        await appended;
        expect(verifyEventLog(path)).toMatchObject({ eventsCount: 1, findings: [] });
      }
    },
    TEST_MS_MAX,
  );

  it('is one file after closing', async () => {
    const path = join(folder, 'closed.db');
    {
      await using store = new SqliteEventStore({ path });
      await appendOne(store);
      await store.readAll(undefined, 1);
    }
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it.each<readonly [string, (path: string) => void, RegExp]>([
    ['is no database', (path) => writeFileSync(path, 'x'.repeat(5_000)), /not a database/],
    [
      'is a database of another program',
      (path) => {
        using db = new DatabaseSync(path);
        db.exec('create table event (a)');
      },
      /a database of another program/,
    ],
    [
      'is a log of a later version',
      (path) => {
        using db = new DatabaseSync(path);
        db.exec(`pragma application_id = ${0x68616e67}; pragma user_version = 3`);
      },
      /version 3 of the format, and this program knows 2/,
    ],
  ])('that %s is left as it is, and said to be', async (what, make, message) => {
    const path = join(folder, `${what}.db`);
    make(path);
    const before = await readFile(path);
    await using store = new SqliteEventStore({ path });
    await expect(appendOne(store)).rejects.toMatchObject(UNAVAILABLE);
    await expect(appendOne(store)).rejects.toThrow(message);
    await expect(store.readAll(undefined, 1)).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.streams('')).rejects.toThrow(message);
    expect((await readFile(path)).equals(before)).toBe(true);
    expect(verifyEventLog(path).findings).toMatchObject([{ kind: 'file' }]);
  });

  it('that somebody removes is made anew by the next append, and so is its folder missed', async () => {
    const place = await mkdtemp(join(folder, 'removed-'));
    const path = join(place, 'events.db');
    await using store = new SqliteEventStore({ path });
    await appendOne(store);
    for (const end of ['', '-wal', '-shm']) await rm(path + end, { force: true });
    await appendOne(store);
    expect(verifyEventLog(path)).toMatchObject({ eventsCount: 1, findings: [] });
    await rm(place, { recursive: true });
    await expect(appendOne(store)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('in a folder that does not exist can be appended to as soon as that does', async () => {
    const late = await mkdtemp(join(folder, 'late-'));
    await rm(late, { recursive: true });
    await using store = new SqliteEventStore({ path: join(late, 'events.db') });
    const refused = appendOne(store);
    await expect(refused).rejects.toMatchObject(UNAVAILABLE);
    await expect(refused).rejects.toThrow(/ENOENT/);
    await mkdir(late);
    await appendOne(store);
    expect(await store.version('a')).toBe(1);
  });
});

describe('the queue', () => {
  it('is bounded: more than it holds is refused at once, and what it holds is stored', async () => {
    const path = join(folder, 'queue.db');
    await using store = new SqliteEventStore({ path, queueEventsMax: 10 });
    const appends = Array.from({ length: 12 }, () => appendOne(store));
    const settled = await Promise.allSettled(appends);
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(2);
    expect(refused).toMatchObject([
      { reason: { name: 'Fault', code: 'EVENT_STORE_BUSY' } },
      { reason: { name: 'Fault', code: 'EVENT_STORE_BUSY' } },
    ]);
    await appendOne(store);
    expect(await store.version('a')).toBe(11);
  });

  it('is bounded in characters too', async () => {
    await using store = new SqliteEventStore({ path: join(folder, 'c.db'), queueCharsMax: 1_000 });
    const large = [event({ data: { text: 'x'.repeat(900) } })];
    const first = store.append({ stream: 'a', expected: 'any', events: large });
    const second = store.append({ stream: 'a', expected: 'any', events: [event()] });
    await expect(second).rejects.toMatchObject({ code: 'EVENT_STORE_BUSY' });
    await first;
  });

  it('takes an append that is larger than itself when it is empty', async () => {
    await using store = new SqliteEventStore({ path: join(folder, 'big.db'), queueEventsMax: 10 });
    await store.append({ stream: 'a', expected: 'none', events: numberedUpTo(2_000) });
    expect(await store.version('a')).toBe(2_000);
  });
});

describe('the worker', () => {
  it('starts with the first append', async () => {
    const started = nextWorker();
    let hasStarted = false;
    void started.then(() => {
      hasStarted = true;
    });
    await using store = new SqliteEventStore({ path: join(folder, 'lazy.db') });
    await store.readAll(undefined, 1);
    expect(hasStarted).toBe(false);
    await appendOne(store);
    await started;
  });

  it('that dies is told to all who wait, and started again by the next append', async () => {
    const path = join(folder, 'dies.db');
    await using store = new SqliteEventStore({ path });
    const started = nextWorker();
    await appendOne(store);
    const worker = await started;
    const written = store.append({ stream: 'b', expected: 'any', events: numberedUpTo(10_000) });
    await setImmediate();
    const waiting = Promise.allSettled(Array.from({ length: 5 }, () => appendOne(store)));
    void worker.terminate();
    await expect(written).rejects.toMatchObject({ ...UNAVAILABLE, data: { outcome: 'unknown' } });
    for (const outcome of await waiting) expect(outcome).toMatchObject({ reason: UNAVAILABLE });
    await appendOne(store);
    expect(await store.version('a')).toBe(2);
    expect([0, 10_000]).toContain(await store.version('b'));
    expect(verifyEventLog(path).findings).toEqual([]);
  });

  it(
    'that does not answer is given up, and another one goes on',
    async () => {
      const path = join(folder, 'silent.db');
      await using store = new SqliteEventStore({ path, answerMsMax: SILENT_MS_MAX });
      using other = new DatabaseSync(path);
      other.exec('begin exclusive');
      const refused = appendOne(store);
      await expect(refused).rejects.toMatchObject({ ...UNAVAILABLE, data: { outcome: 'unknown' } });
      await expect(refused).rejects.toThrow(`no answer for ${SILENT_MS_MAX} ms`);
      other.exec('rollback');
      await until('it is written', () => appendOne(store).catch(() => false as const), TEST_MS_MAX);
    },
    TEST_MS_MAX,
  );

  it('survives the largest append that is accepted', async () => {
    await using store = new SqliteEventStore({ path: join(folder, 'largest.db') });
    const text = '界'.repeat(16 * MIB - 1_000);
    await store.append({ stream: 'a', expected: 'none', events: [event({ data: { text } })] });
    const [stored] = await store.read('a');
    expect(stored?.data['text'] === text).toBe(true);
  });

  it(
    'gives up on a log that another process keeps locked, and goes on afterwards',
    async () => {
      const path = join(folder, 'locked.db');
      await using store = new SqliteEventStore({ path });
      await appendOne(store);
      using other = new DatabaseSync(path);
      other.exec('begin immediate');
      const refused = appendOne(store);
      await expect(refused).rejects.toMatchObject(UNAVAILABLE);
      await expect(refused).rejects.toThrow(/locked/);
      other.exec('rollback');
      await appendOne(store);
      expect(await store.version('a')).toBe(2);
    },
    LOCK_TEST_MS_MAX,
  );
});

const mounts = needs('mounts', canMount);

describe.skipIf(mounts.isMissing)(`the disk ${mounts.mark}`, () => {
  it('that is full refuses appends, keeps what was stored, and takes more when it has room', async () => {
    using disk = SmallDisk.mount('3m');
    const path = join(disk.folder, 'events.db');
    const ballast = join(disk.folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(MIB));
    const stored: string[] = [];
    {
      await using store = new SqliteEventStore({ path });
      const appendLarge = async (): Promise<void> => {
        const large = Array.from({ length: 3 }, () =>
          event({ data: { text: 'x'.repeat(20_000) } }),
        );
        await store.append({ stream: 'a', expected: 'any', events: large });
        stored.push(...large.map(({ id }) => id));
      };
      const untilFull = async (): Promise<void> => {
        for (;;) await appendLarge();
      };
      await expect(untilFull()).rejects.toMatchObject(UNAVAILABLE);
      await expect(appendLarge()).rejects.toThrow(/full/);
      expect(stored.length).toBeGreaterThan(3);
      expect((await store.read('a')).map(({ id }) => id)).toEqual(stored);
      unlinkSync(ballast);
      await appendLarge();
      expect((await store.read('a')).map(({ id }) => id)).toEqual(stored);
    }
    expect(verifyEventLog(path)).toMatchObject({ findings: [], eventsCount: stored.length });
  });

  it('that is full before the log exists refuses appends until there is room', async () => {
    using disk = SmallDisk.mount('1m');
    const ballast = join(disk.folder, 'ballast');
    const fill = (): void => writeFileSync(ballast, Buffer.alloc(2 * MIB));
    expect(fill).toThrow(/ENOSPC/);
    await using store = new SqliteEventStore({ path: join(disk.folder, 'events.db') });
    await expect(appendOne(store)).rejects.toMatchObject(UNAVAILABLE);
    unlinkSync(ballast);
    await appendOne(store);
    expect(await store.version('a')).toBe(1);
  });

  it('that cannot be written refuses appends, can be read, and takes more when it can be', async () => {
    using disk = SmallDisk.mount('4m');
    const path = join(disk.folder, 'events.db');
    {
      await using store = new SqliteEventStore({ path });
      await appendOne(store);
    }
    disk.makeReadOnly();
    await using store = new SqliteEventStore({ path });
    const refused = appendOne(store);
    await expect(refused).rejects.toMatchObject(UNAVAILABLE);
    await expect(refused).rejects.toThrow(/EROFS|read.?only/i);
    expect(await store.version('a')).toBe(1);
    expect(verifyEventLog(path)).toMatchObject({ findings: [], eventsCount: 1 });
    disk.makeWritable();
    await appendOne(store);
    expect(await store.version('a')).toBe(2);
  });
});
