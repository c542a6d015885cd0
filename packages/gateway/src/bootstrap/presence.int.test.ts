/** Gateways that share one database: who is there, and who goes on with the timers of those who are not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEventStore } from '@mcp-hangar/eventing/memory-event-store';
import type { EventStore } from '@mcp-hangar/kernel/event-store';
import { LeaseLost, type LeaseStore } from '@mcp-hangar/kernel/lease';
import type { Secret } from '@mcp-hangar/kernel/secret';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasPostgres, PostgresCluster } from '../../../eventing/test-kit/postgres-cluster.ts';
import { needs } from '../../../../scripts/requirements.ts';
import { SILENT } from '../../test-kit/scripted-launcher.ts';
import { until } from '../../../../test/support/until.ts';
import type { Fence } from '../application/ports.ts';
import { readProcesses } from '../application/processes/past-processes.ts';
import { processStream } from '../domain/processes/streams.ts';
import { loadGatewayConfig } from './config/load-config.ts';
import { newStore } from './open-store.ts';
import { announcePresence, type Presence } from './presence.ts';
import { openRecords, type Records } from './records.ts';

const postgres = needs('postgresql', hasPostgres);
const TEST_MS_MAX = 60_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangar-presence-'));
});
afterEach(() => rm(folder, { recursive: true }));

const announce = (
  leases: LeaseStore,
  producedBy: string,
  stateFolder?: string,
): Promise<Presence> => announcePresence({ leases, producedBy, stateFolder });

const claims = async ({ claim }: Presence, producedBy: string): Promise<boolean> =>
  (await claim(producedBy)) !== undefined;

describe('A gateway', () => {
  it('sees those that run, and not those that have said good-bye', async () => {
    const leases = new MemoryEventStore();
    const one = await announce(leases, 'one');
    const two = await announce(leases, 'two');
    expect([two.isAlive('one'), two.isAlive('two'), two.isAlive('gone')]).toEqual([
      true,
      false,
      false,
    ]);
    await one[Symbol.asyncDispose]();
    await using three = await announce(leases, 'three');
    expect([three.isAlive('one'), three.isAlive('two')]).toEqual([false, true]);
    await two[Symbol.asyncDispose]();
  });

  it('knows that the one before it in its folder is gone, whatever its lease says', async () => {
    const leases = new MemoryEventStore();
    const killed = await announce(leases, 'killed', folder);
    const other = await announce(leases, 'other');
    expect([await claims(killed, 'gone'), await claims(other, 'gone')]).toEqual([true, false]);
    await using next = await announce(leases, 'next', folder);
    expect([next.isAlive('killed'), next.isAlive('other')]).toEqual([false, true]);
    expect(await claims(next, 'killed')).toBe(true);
    expect(await claims(next, 'gone')).toBe(true);
    expect(await claims(next, 'other')).toBe(false);
    await killed[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it('leaves what the one before it has left to whoever may have gone on with it', async () => {
    const leases = new MemoryEventStore();
    const first = await announce(leases, 'first', folder);
    await first[Symbol.asyncDispose]();
    const other = await announce(leases, 'other');
    expect(await claims(other, 'first')).toBe(true);
    await using next = await announce(leases, 'next', folder);
    expect(await claims(next, 'first')).toBe(false);
    await other[Symbol.asyncDispose]();
  });
});

const appended = (store: EventStore, producedBy: string, guard: Fence): Promise<unknown> =>
  store.append({
    stream: 'process:any:any',
    expected: 'any',
    events: [
      { id: randomUUID(), type: 'Any', schemaVersion: 1, occurredAtMs: 1, producedBy, data: {} },
    ],
    guard,
  });

describe('What a gateway has left', () => {
  it('can be written by who has claimed it, and no more by itself', async () => {
    const store = new MemoryEventStore();
    const first = await announce(store, 'first', folder);
    const stale = first.own();
    await appended(store, 'first', stale);
    await using next = await announce(store, 'next', folder);
    const claimed = await next.claim('first');
    expect(await next.claim('first')).toEqual(claimed);
    await expect(appended(store, 'first', stale)).rejects.toThrow(LeaseLost);
    await appended(store, 'next', claimed?.fence ?? next.own());
    first.check();
    await until('it has its lease again', () => first.own().generation > stale.generation);
    await expect(appended(store, 'next', claimed?.fence ?? next.own())).rejects.toThrow(LeaseLost);
    await first[Symbol.asyncDispose]();
  });

  it(
    'is told to who looks after it meanwhile, and when that has its own lease anew',
    async () => {
      const store = new MemoryEventStore();
      const first = await announce(store, 'first');
      await using other = await announce(store, 'other');
      const told: string[] = [];
      other.onLeft(async () => void told.push('other'));
      await first[Symbol.asyncDispose]();
      await until('it looks after it', () => told.length > 0, TEST_MS_MAX);
      expect(await claims(other, 'first')).toBe(true);
      const before = other.own();
      await store.release({ ...before, holder: 'other' });
      await store.acquire(before.name, 'third', 1);
      const toldBefore = told.length;
      other.check();
      await until('it knows', () => told.length > toldBefore, TEST_MS_MAX);
      expect(other.own().generation).toBe(before.generation + 2);
    },
    TEST_MS_MAX,
  );
});

/** A recovery that is due soon, by a gateway that is gone. */
async function leaveTimers(store: EventStore, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await store.append({
      stream: processStream('recovery', `s${at}`),
      expected: 'none',
      events: [
        {
          id: `timer-${at}`,
          type: 'RecoveryScheduled',
          schemaVersion: 1,
          occurredAtMs: 1,
          producedBy: 'gone',
          data: {
            mcp_server_id: `s${at}`,
            attempt: 1,
            attempts_max: 3,
            due_at_ms: 2,
            reason: 'it broke',
            cause_event_id: null,
          },
        },
      ],
    });
}

describe.skipIf(postgres.isMissing)(`On one database ${postgres.mark}`, () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  async function open(url: Secret): Promise<Records> {
    const text = `mcp_servers: {}\npersistence:\n  backend: postgresql\n  postgresql:\n    url: \${URL}\n`;
    const env = { URL: url.reveal() };
    const loaded = loadGatewayConfig({ path: join(folder, 'config.yaml'), text, env });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    const state = { kind: 'unavailable', reason: 'standalone', isExplicit: false } as const;
    return openRecords({
      config: loaded.value,
      state,
      clock: { nowMs: () => Date.now() },
      logger: SILENT,
    });
  }

  it(
    'gateways that start at one time go on with each timer once',
    async () => {
      const url = await cluster.createDatabase();
      const place = { kind: 'postgresql', url, schema: 'hangar', connectionsMax: 2 } as const;
      {
        await using store = await newStore(place);
        await leaveTimers(store, 5);
      }
      const gateways = await Promise.all(Array.from({ length: 4 }, () => open(url)));
      const adopted = await Promise.all(
        gateways.map(async ({ store, presence }) => {
          const { recoveries } = await readProcesses(store, presence?.claim);
          return recoveries.size;
        }),
      );
      expect(adopted.toSorted((one, other) => one - other)).toEqual([0, 0, 0, 5]);
      expect(gateways.map(({ problem }) => problem())).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()));
      await using next = await open(url);
      expect((await readProcesses(next.store, next.presence?.claim)).recoveries.size).toBe(5);
    },
    TEST_MS_MAX,
  );
});
