import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { eventStoreContract } from '../test-kit/event-store-contract.ts';
import { leaseContract } from '../test-kit/lease-contract.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';

let folder = '';
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-events-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function open(): Promise<SqliteEventStore> {
  count += 1;
  return new SqliteEventStore({ path: join(folder, `${count}.db`) });
}

eventStoreContract('SQLite', open);
leaseContract('SQLite', open);
