import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { eventStoreContract } from '../test-kit/event-store-contract.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';

let folder = '';
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-events-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

eventStoreContract('SQLite', async () => {
  count += 1;
  return new SqliteEventStore({ path: join(folder, `${count}.db`) });
});
