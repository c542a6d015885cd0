/** Several processes on one log in PostgreSQL, a reader that follows them, and processes that are killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Position, StoredEvent } from '@mcp-hangar/kernel/event-store';
import type { Secret } from '@mcp-hangar/kernel/secret';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../../scripts/requirements.ts';
import { event, readWhole } from '../test-kit/events.ts';
import { fencingProblems, storedUnderLeases } from '../test-kit/fencing-contract.ts';
import { batchesUntilKilled, type Writer } from '../test-kit/killed-writer.ts';
import { hasPostgres, PostgresCluster } from '../test-kit/postgres-cluster.ts';
import { PostgresEventStore } from './postgres-event-store.ts';
import { verifyPostgresEventLog } from './postgres-verify.ts';

const SCRIPT = fileURLToPath(new URL('../test-kit/writing-process.ts', import.meta.url));
const PROCESSES = 8;
const APPENDS_EACH = 200;
const KILLS = 6;
const TEST_MS_MAX = 60_000;

const postgres = needs('postgresql', hasPostgres);

let cluster: PostgresCluster;

function start(url: Secret, ...args: string[]): Writer {
  const argv = ['--conditions=source', SCRIPT, url.reveal(), ...args];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What a reader sees that goes on until everything is written. */
async function follow(url: Secret, isOver: () => boolean): Promise<readonly StoredEvent[]> {
  await using store = new PostgresEventStore({ url });
  const seen: StoredEvent[] = [];
  let after: Position | undefined;
  for (;;) {
    const wasOver = isOver();
    const page = await store.readAll(after, 50);
    seen.push(...page.events);
    after = page.next;
    if (page.isHead && wasOver) return seen;
    await setImmediate();
  }
}

describe.skipIf(postgres.isMissing)(`a server ${postgres.mark}`, () => {
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  it(
    'eight processes make one log together, and a reader that follows misses nothing and sees nothing twice',
    async () => {
      const url = await cluster.createDatabase();
      let isOver = false;
      const reading = follow(url, () => isOver);
      const writers = Array.from({ length: PROCESSES }, () =>
        start(url, 'versions', String(APPENDS_EACH)),
      );
      const printed = await Promise.all(writers.map(async ({ stdout }) => text(stdout)));
      isOver = true;
      const seen = await reading;
      const told = printed.map((line): { stored: number } => JSON.parse(line));
      await using store = new PostgresEventStore({ url });
      const stored = await readWhole(store);
      expect(stored).toHaveLength(told.reduce((sum, one) => sum + one.stored, 0));
      expect(stored.length).toBeGreaterThanOrEqual(PROCESSES * APPENDS_EACH);
      expect(seen.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
      expect(new Set(stored.map(({ producedBy }) => producedBy)).size).toBe(PROCESSES);
      const report = await verifyPostgresEventLog({ url });
      expect(report).toMatchObject({ findings: [], eventsCount: stored.length });
    },
    TEST_MS_MAX,
  );

  it(
    'kill -9 of a writer loses no acknowledged event and leaves no half batch',
    async () => {
      const url = await cluster.createDatabase();
      const acknowledged = new Map<string, number>();
      const rounds = Array.from({ length: KILLS }, (_, round) => round);
      for (const round of rounds) {
        for (const [batch, size] of await batchesUntilKilled(
          start(url, 'batches', String(round)),
          round,
        ))
          acknowledged.set(batch, size);
      }
      await using store = new PostgresEventStore({ url });
      // What a killed process had under way goes on in the server: this append comes behind it.
      await store.append({ stream: 'last', expected: 'any', events: [event()] });
      const stored = new Map<unknown, number>();
      const sizes = new Map<unknown, unknown>();
      for (const { data } of await readWhole(store)) {
        const batch = data['batch'];
        if (batch === undefined) continue;
        stored.set(batch, (stored.get(batch) ?? 0) + 1);
        sizes.set(batch, data['size']);
      }
      const lost = [...acknowledged].filter(([batch, size]) => stored.get(batch) !== size);
      const half = [...stored].filter(([batch, count]) => sizes.get(batch) !== count);
      expect({ lost, half }).toEqual({ lost: [], half: [] });
      expect(acknowledged.size).toBeGreaterThan(KILLS);
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it(
    'of processes that compete for a lease, one that was stopped stores nothing late',
    async () => {
      const url = await cluster.createDatabase();
      await using store = new PostgresEventStore({ url });
      expect(fencingProblems(await storedUnderLeases(url.reveal(), store))).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it('a process that is stopped in the midst of its work holds nobody up', async () => {
    const url = await cluster.createDatabase();
    const child = start(url, 'batches', 'stopped');
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    await using store = new PostgresEventStore({ url, answerMsMax: 5_000 });
    for (let n = 0; n < 20; n += 1) {
      await store.append({ stream: 'other', expected: n, events: [event()] });
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
  });
});
