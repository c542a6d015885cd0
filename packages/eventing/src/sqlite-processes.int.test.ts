/** Several processes on one log, and processes that are killed. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { StoredEvent } from '@mcp-hangar/kernel/event-store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { event, readWhole } from '../test-kit/events.ts';
import { fencingProblems, storedUnderLeases } from '../test-kit/fencing-contract.ts';
import { batchesUntilKilled, type Writer } from '../test-kit/killed-writer.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { verifyEventLog } from './verify.ts';

const SCRIPT = fileURLToPath(new URL('../test-kit/writing-process.ts', import.meta.url));
const PROCESSES = 4;
const APPENDS_EACH = 250;
const KILLS = 20;
const TEST_MS_MAX = 90_000;

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-processes-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function start(...args: string[]): Writer {
  const argv = ['--conditions=source', SCRIPT, ...args];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function readLog(path: string): Promise<readonly StoredEvent[]> {
  await using store = new SqliteEventStore({ path });
  return await readWhole(store);
}

it(
  'four processes that make one log together store what they were told is stored, without a gap',
  async () => {
    const path = join(folder, 'shared.db');
    const processes = Array.from({ length: PROCESSES }, () =>
      start(path, 'versions', String(APPENDS_EACH)),
    );
    const printed = await Promise.all(processes.map(async ({ stdout }) => text(stdout)));
    const told = printed.map((line): { stored: number } => JSON.parse(line));
    const stored = await readLog(path);
    expect(stored).toHaveLength(told.reduce((sum, one) => sum + one.stored, 0));
    expect(stored.length).toBeGreaterThanOrEqual(PROCESSES * APPENDS_EACH);
    expect(new Set(stored.map(({ producedBy }) => producedBy)).size).toBe(PROCESSES);
    expect(verifyEventLog(path)).toMatchObject({ findings: [], eventsCount: stored.length });
  },
  TEST_MS_MAX,
);

it(
  'kill -9 loses no acknowledged event and leaves no half batch',
  async () => {
    const path = join(folder, 'killed.db');
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < KILLS; round += 1) {
      for (const [batch, size] of await batchesUntilKilled(
        start(path, 'batches', String(round)),
        round,
      ))
        acknowledged.set(batch, size);
    }
    const stored = new Map<unknown, number>();
    const sizes = new Map<unknown, unknown>();
    for (const { data } of await readLog(path)) {
      const batch = data['batch'];
      stored.set(batch, (stored.get(batch) ?? 0) + 1);
      sizes.set(batch, data['size']);
    }
    const lost = [...acknowledged].filter(([batch, size]) => stored.get(batch) !== size);
    const half = [...stored].filter(([batch, count]) => sizes.get(batch) !== count);
    expect({ lost, half }).toEqual({ lost: [], half: [] });
    expect(acknowledged.size).toBeGreaterThan(KILLS);
    expect(verifyEventLog(path).findings).toEqual([]);
  },
  TEST_MS_MAX,
);

it('another process sees what this one appended, and the other way round', async () => {
  const path = join(folder, 'both.db');
  await using store = new SqliteEventStore({ path });
  await store.append({ stream: 's0', expected: 'none', events: [event()] });
  const child = start(path, 'versions', '50');
  await text(child.stdout);
  const { events } = await store.readAll(undefined, 1_000);
  expect(events.length).toBeGreaterThanOrEqual(51);
  const version = await store.version('s0');
  expect(version).toBeGreaterThanOrEqual(1);
  await store.append({ stream: 's0', expected: version, events: [event()] });
});

it(
  'of processes that compete for a lease, one that was stopped stores nothing late',
  async () => {
    const path = join(folder, 'leased.db');
    await using store = new SqliteEventStore({ path });
    expect(fencingProblems(await storedUnderLeases(path, store))).toEqual([]);
  },
  TEST_MS_MAX,
);
