/**
 * A process that appends to a log, for tests: `node --conditions=source writing-process.ts LOG TASK NUMBER`. LOG is the path
 * of a file or the URL of a PostgreSQL database.
 *
 * - `versions N`: appends with expected versions to 20 streams until N appends of its own are stored, and prints how
 *   many conflicts there were.
 * - `batches SEED`: appends batches of 1 to 20 events until it is killed, eight at a time; after each that was
 *   acknowledged it prints its name and size.
 */
import { randomInt } from 'node:crypto';
import { writeSync } from 'node:fs';
import { VersionConflict, type EventStore } from '@mcp-hangar/kernel/event-store';
import { Secret } from '@mcp-hangar/kernel/secret';
import { event } from './events.ts';

const STREAMS = 20;
const BATCH_MAX = 20;
const WRITERS = 8;

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

async function open(): Promise<EventStore> {
  if (log.startsWith('postgresql:')) {
    const { PostgresEventStore } = await import('../src/postgres-event-store.ts');
    return new PostgresEventStore({ url: new Secret(log) });
  }
  const { SqliteEventStore } = await import('../src/sqlite-event-store.ts');
  return new SqliteEventStore({ path: log });
}

const store = await open();
if (task === 'versions') await writeVersions(store, Number(number));
else await writeBatches(store, number ?? '');
