/**
 * `node test/load/postgres-event-log.ts --seconds 3`: what PostgreSQL takes beside SQLite, on this machine, with the
 * same events. The server is one of its own, with the settings that it has by default, in a temporary folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PostgresEventStore } from '@mcp-hangar/eventing/postgres-event-store';
import { verifyPostgresEventLog } from '@mcp-hangar/eventing/postgres-verify';
import { SqliteEventStore } from '@mcp-hangar/eventing/sqlite-event-store';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { PostgresCluster } from '../../packages/eventing/test-kit/postgres-cluster.ts';
import { load, show, showHead } from './append-load.ts';

const WRITERS = 64;
const BATCH = 256;
const WARM_UP_MS = 300;

async function measure(name: string, store: EventStore, ms: number): Promise<void> {
  await load(store, { writers: WRITERS, batch: 1, ms: WARM_UP_MS });
  console.log(name);
  showHead();
  show(`${WRITERS} writers, 1 event`, await load(store, { writers: WRITERS, batch: 1, ms }));
  show('1 writer, 1 event', await load(store, { writers: 1, batch: 1, ms }));
  show(`1 writer, ${BATCH} events`, await load(store, { writers: 1, batch: BATCH, ms }));
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const ms = Number(values.seconds) * 1_000;
const folder = mkdtempSync(join(tmpdir(), 'hangar-event-log-'));
try {
  {
    await using store = new SqliteEventStore({ path: join(folder, 'events.db') });
    await measure('SQLite', store, ms);
  }
  await using cluster = await PostgresCluster.start();
  const url = cluster.urlOf('postgres');
  {
    await using store = new PostgresEventStore({ url });
    await measure('PostgreSQL', store, ms);
  }
  const { eventsCount, findings } = await verifyPostgresEventLog({ url });
  console.log(`${eventsCount} events, ${findings.length} findings`);
  process.exitCode = findings.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
