/**
 * A process that appends to a log, for tests: `node --conditions=source writing-process.ts LOG TASK NUMBER`. LOG is the path
 * of a file or the URL of a PostgreSQL database.
 *
 * - `versions N`: appends with expected versions to 20 streams until N appends of its own are stored, and prints how
 *   many conflicts there were.
 * - `batches SEED`: appends batches of 1 to 20 events until it is killed, eight at a time; after each that was
 *   acknowledged it prints its name and size.
 * - `guarded TTL`: until it is killed, appends as often as it can under the generation of a lease that it takes, and
 *   goes on with it when it does not renew it any more.
 */
import { randomInt } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { VersionConflict, type EventStore } from '@mcp-hangar/kernel/event-store';
import { Fault } from '@mcp-hangar/kernel/errors';
import { LeaseLost, type Lease, type LeaseStore } from '@mcp-hangar/kernel/lease';
import { Secret } from '@mcp-hangar/kernel/secret';
import { event } from './events.ts';

const STREAMS = 20;
const BATCH_MAX = 20;
const WRITERS = 8;
const RETRY_MS = 5;
const RENEWALS = 20;

const [log = '', task, number] = process.argv.slice(2);

async function appendExpected(store: EventStore): Promise<boolean> {
  const stream = `s${randomInt(STREAMS)}`;
  const expected = await store.version(stream);
  try {
    await store.append({ stream, expected, events: [event({ producedBy: String(process.pid) })] });
    return true;
  } catch (error) {
    if (error instanceof VersionConflict) return false;
    throw error;
  }
}

async function writeVersions(store: EventStore, count: number): Promise<void> {
  let [stored, conflicts] = [0, 0];
  const write = async (): Promise<void> => {
    while (stored < count) {
      if (await appendExpected(store)) stored += 1;
      else conflicts += 1;
    }
  };
  await Promise.all(Array.from({ length: 4 }, write));
  await store[Symbol.asyncDispose]();
  writeSync(1, JSON.stringify({ stored, conflicts }));
}

async function writeBatches(store: EventStore, seed: string): Promise<void> {
  let count = 0;
  const write = async (): Promise<void> => {
    for (;;) {
      count += 1;
      const batch = `${seed}-${count}`;
      const size = randomInt(1, BATCH_MAX + 1);
      const events = Array.from({ length: size }, () => event({ data: { batch, size } }));
      await store.append({ stream: `s${count % STREAMS}`, expected: 'any', events });
      writeSync(1, `${batch} ${size}\n`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

async function writeGuarded(store: EventStore & LeaseStore, ttlMs: number): Promise<void> {
  const holder = String(process.pid);
  for (;;) {
    const guard = await acquired(store, ttlMs);
    if (guard === undefined) {
      await delay(RETRY_MS);
      continue;
    }
    let isHeld = true;
    for (let appends = 0; isHeld; appends += 1) {
      const data = { generation: guard.generation, holder };
      const append = { stream: 'guarded', expected: 'any', events: [event({ data })] } as const;
      isHeld = await store.append({ ...append, guard }).then(() => true, ifLost);
      if (appends < RENEWALS) isHeld &&= await store.renew(guard, ttlMs).catch(ifLost);
    }
  }
}

function ifLost(error: unknown): boolean {
  if (error instanceof LeaseLost) return false;
  // Another process has the file and is stopped: it may have been stored, or is tried again.
  if (error instanceof Fault) return true;
  throw error;
}

async function acquired(store: LeaseStore, ttlMs: number): Promise<Lease | undefined> {
  try {
    return await store.acquire('shared', String(process.pid), ttlMs);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

async function open(): Promise<EventStore & LeaseStore> {
  if (log.startsWith('postgresql:')) {
    const { PostgresEventStore } = await import('../src/postgres-event-store.ts');
    return new PostgresEventStore({ url: new Secret(log) });
  }
  const { SqliteEventStore } = await import('../src/sqlite-event-store.ts');
  return new SqliteEventStore({ path: log });
}

const store = await open();
if (task === 'versions') await writeVersions(store, Number(number));
else if (task === 'guarded') await writeGuarded(store, Number(number));
else await writeBatches(store, number ?? '');
