/** Keys about what is kept that no other test sees at work; `test/config-keys.ts` lists all. */
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SqliteEventStore } from '../../packages/eventing/src/sqlite-event-store.ts';
import { hasPostgres, PostgresCluster } from '../../packages/eventing/test-kit/postgres-cluster.ts';
import type { SettledCall } from '../../packages/gateway/src/application/recording/call-event.ts';
import type { GatewayConfig } from '../../packages/gateway/src/bootstrap/config/gateway-config.ts';
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import { durablePlace, openStore } from '../../packages/gateway/src/bootstrap/open-store.ts';
import { openRecords, type Records } from '../../packages/gateway/src/bootstrap/records.ts';
import { SILENT } from '../../packages/gateway/test-kit/scripted-launcher.ts';
import type { NewEvent } from '../../packages/kernel/src/event-store.ts';
import { needs } from '../../scripts/requirements.ts';
import { hangar, json } from '../support/command-line.ts';
import type { Config } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { upstream } from '../support/upstream.ts';

const postgres = needs('postgresql', hasPostgres);
const DAY_MS = 86_400_000;

const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

const pastCall = (days: number): NewEvent => ({
  id: `past-${days}`,
  type: 'ToolInvocationCompleted',
  schemaVersion: 1,
  occurredAtMs: Date.now() - days * DAY_MS,
  producedBy: 'test',
  data: { mcp_server_id: 'up' },
});

/** A home in which a call was made. */
async function called(keys: Config): Promise<Household> {
  const house = new Household(() => ({ mcp_servers: { up: upstream() }, ...keys }));
  homes.push(house);
  const { code, stderr } = await hangar(house, 'call', 'up.pid');
  expect([code, stderr]).toEqual([0, '']);
  return house;
}

function load(document: Config): GatewayConfig {
  const text = JSON.stringify({ mcp_servers: {}, ...document });
  const loaded = loadGatewayConfig({ path: undefined, text, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

describe('event_store', () => {
  it.each([{ enabled: false }, { driver: 'memory' }])('%o keeps no log', async (event_store) => {
    const house = await called({ event_store });
    const { code, stderr } = await hangar(house, 'events');
    expect([code, stderr]).toEqual([1, expect.stringContaining('keeps no event log')]);
    const files = house.stateFolders().map((folder) => join(folder, 'events.db'));
    expect(files.filter((file) => existsSync(file))).toEqual([]);
  });

  it('path is where the log is, in a folder that is made, and keep_days how long events stay', async () => {
    const house = await called({ event_store: { path: 'kept/log.db', keep_days: 2 } });
    const path = join(house.folder, 'kept', 'log.db');
    expect((await hangar(house, 'events')).stdout).toContain('ToolInvocationCompleted pid');
    rmSync(path);
    {
      await using store = new SqliteEventStore({ path });
      const events = [3, 1].map(pastCall);
      await store.append({ stream: 'tool_calls:up', expected: 'any', events });
    }
    const compacted = await json(house, 'events', 'compact', '--json');
    expect(compacted).toMatchObject({ path, keep_days: 2, removed: 1, kept: 1 });
  });

  it('call_log_queue_max is how many calls wait to be written; others are counted', async () => {
    const call: SettledCall = {
      mcpServerId: 'up',
      toolName: 'pid',
      arguments: {},
      requestChars: 10,
      caller: 'somebody',
      clientName: undefined,
      meta: undefined,
      ending: { outcome: 'answered', durationMs: 1, error: undefined, bytes: 1 },
    };
    const folder = await mkdtemp(join(tmpdir(), 'hangar-keys-'));
    const open = (): Promise<Records> =>
      openRecords({
        config: load({ event_store: { call_log_queue_max: 256 } }),
        state: { kind: 'open', path: folder, isExplicit: false },
        clock: { nowMs: () => Date.now() },
        logger: SILENT,
      });
    {
      await using records = await open();
      for (let at = 0; at < 400; at += 1) records.recorder.callSettled(call);
    }
    {
      await using records = await open();
      const { events } = await records.store.readAll(undefined, 1_000);
      const types = events.map(({ type }) => type);
      expect(types.filter((type) => type === 'ToolInvocationCompleted')).toHaveLength(256);
      const told = events.filter(({ type }) => type === 'CallsNotRecorded');
      expect(told.map(({ data }) => data)).toEqual([{ count: 144 }]);
    }
    await rm(folder, { recursive: true });
  });
});

describe.skipIf(postgres.isMissing)(`persistence.postgresql ${postgres.mark}`, () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  it('host, port, database, user, password and schema say where everything is', async () => {
    const word = 'a word: with/everything?';
    await cluster.query('postgres', `create role keeper login password '${word}'`);
    await cluster.query('postgres', 'create database kept owner keeper');
    const port = Number(new URL(cluster.tcpUrlOf('kept', 'keeper').reveal()).port);
    const postgresql = {
      host: '127.0.0.1',
      port,
      database: 'kept',
      user: 'keeper',
      password: word,
      schema: 'elsewhere',
    };
    const house = await called({ persistence: { backend: 'postgresql', postgresql } });
    const [row] = await cluster.query(
      'kept',
      "select tableowner as owner from pg_tables where schemaname = 'elsewhere' and tablename = 'event'",
    );
    expect(row).toEqual({ owner: 'keeper' });
    expect((await hangar(house, 'events')).stdout).toContain('ToolInvocationCompleted pid');
    const wrong = { backend: 'postgresql', postgresql: { ...postgresql, password: 'wrong' } };
    house.write({ mcp_servers: { up: upstream() }, persistence: wrong });
    const refused = await hangar(house, 'call', 'up.pid');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('password') });
  });

  it('max_connections is how many there are, however much is asked', async () => {
    const url = await cluster.createDatabase();
    const postgresql = { url: url.reveal(), max_connections: 3 };
    const { persistence } = load({ persistence: { backend: 'postgresql', postgresql } });
    const place = durablePlace(persistence, undefined);
    if (place === undefined) throw new Error('nothing is kept');
    await using store = await openStore(place);
    await store.append({ stream: 'tool_calls:up', expected: 'any', events: [pastCall(0)] });
    await Promise.all(Array.from({ length: 30 }, () => store.read('tool_calls:up')));
    const [row] = await cluster.query(
      'postgres',
      `select count(*)::int as n from pg_stat_activity
       where application_name = 'mcp-hangar' and datname = '${new URL(url.reveal()).pathname.slice(1)}'`,
    );
    expect(row?.['n']).toBe(3);
  });
});
