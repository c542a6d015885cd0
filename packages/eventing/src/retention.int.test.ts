import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { retentionContract } from '../test-kit/retention-contract.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { verifyEventLog } from './verify.ts';

let folder = '';
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-retention-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

retentionContract(async () => {
  count += 1;
  const path = join(folder, `${count}.db`);
  const verify = async () => verifyEventLog(path);
  return { store: new SqliteEventStore({ path }), verify };
});
