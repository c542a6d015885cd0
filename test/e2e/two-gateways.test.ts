/** Two gateways on one store: both write, and what one of them waits for happens once, whatever becomes of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, PostgresCluster } from '../../packages/eventing/test-kit/postgres-cluster.ts';
import { needs } from '../../scripts/requirements.ts';
import { LegacyClient, textOf } from '../support/clients.ts';
import { hangar } from '../support/command-line.ts';
import type { Config, GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { settled, until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const postgres = needs('postgresql', hasPostgres);
const linux = needs('linux', () => process.platform === 'linux');
const TEST_MS_MAX = 180_000;
/** A lease is over 15 s after its last renewal, and looked for every 5 s. */
const TAKEN_OVER_MS_MAX = 60_000;
const RECOVERED_MS_MAX = 60_000;
const CALLS = 200;

let folder: string;
let homes: Household[] = [];
let cluster: PostgresCluster | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-shared-'));
  if (!postgres.isMissing) cluster = await PostgresCluster.start();
});
afterEach(async () => {
  await Promise.all(homes.splice(0).map((house) => house[Symbol.asyncDispose]()));
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Where several gateways keep what they record. */
type Place = () => Promise<Config>;

const onPostgres: Place = async () => {
  const url = await cluster?.createDatabase();
  return { backend: 'postgresql', postgresql: { url: url?.reveal(), max_connections: 3 } };
};
const onSqlite: Place = async () => ({
  backend: 'sqlite',
  sqlite: { data_dir: mkdtempSync(join(folder, 'data-')) },
});

/** Two homes, so two state folders and two of each server, with one store. */
function pair(persistence: Config, keys: Config): readonly [Household, Household] {
  const flag = join(mkdtempSync(join(folder, 'flag-')), 'healed');
  const home = (): Household =>
    new Household((journal) => ({
      mcp_servers: {
        math: upstream([journal.option, '--boot=once', `--flag=${flag}`], keys),
        spare: upstream(),
      },
      persistence,
    }));
  const both = [home(), home()] as const;
  homes = [...both];
  heal = () => writeFileSync(flag, '');
  return both;
}
let heal = (): void => undefined;

interface Stored {
  readonly stream: string;
  readonly event_type: string;
  readonly produced_by: string;
}

async function eventsOf(house: Household): Promise<readonly Stored[]> {
  const { stdout } = await hangar(house, 'events', '--json', '--limit', '100000');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Stored);
}

const failoverIn = async (house: Household): Promise<readonly Stored[]> =>
  (await eventsOf(house)).filter(({ stream }) => stream === 'process:failover:math');

const typesOf = (events: readonly Stored[]): readonly string[] =>
  events.map(({ event_type: type }) => type);

async function pendingIn(house: Household): Promise<number> {
  const { stdout } = await hangar(house, 'sagas', '--json');
  return (JSON.parse(stdout) as { readonly sagas: readonly unknown[] }).sagas.length;
}

const isWhole = async (house: Household): Promise<boolean> =>
  (await hangar(house, 'events', 'verify')).code === 0;

async function call(gateway: GatewayProcess, count: number): Promise<void> {
  const client = await LegacyClient.open(gateway.url('math'));
  for (let n = 1; n <= count; n += 1)
    expect(textOf(await client.call('echo', { n }).answer())).toContain(`"n":${n}`);
}

/** Not while it holds up everybody: who stands still within a transaction on a file does. */
function stops({ pid }: GatewayProcess, { sqlite }: Config): boolean {
  process.kill(pid, 'SIGSTOP');
  if (typeof sqlite !== 'object' || sqlite === null || !('data_dir' in sqlite)) return true;
  const file = new DatabaseSync(join(String(sqlite.data_dir), 'events.db'));
  try {
    file.exec('begin immediate; rollback');
    return true;
  } catch {
    process.kill(pid, 'SIGCONT');
    return false;
  } finally {
    file.close();
  }
}

const FAILOVER = {
  max_consecutive_failures: 1,
  failover: { backup: 'spare', failback_delay_s: 25 },
};

describe.each([
  ['a SQLite file', linux, onSqlite],
  ['a database', postgres, onPostgres],
] as const)('Two gateways on %s', (_, need, place) => {
  it.skipIf(need.isMissing || linux.isMissing)(
    `do what one of them waited for once, when it is stopped longer than its lease and wakes up ${need.mark}`,
    async () => {
      const persistence = await place();
      const [one, two] = pair(persistence, FAILOVER);
      const first = await one.http();
      await two.http();
      const client = await LegacyClient.open(first.url('math'));
      await client.call('echo').answer();
      await until('calls go to the backup', async () => (await failoverIn(two)).length === 1);
      heal();
      await until(
        'it is known when they go back',
        async () => (await failoverIn(two)).length === 2,
        RECOVERED_MS_MAX,
      );
      await until('it stands still', () => stops(first, persistence));
      await until(
        'the other one has done that',
        async () => (await failoverIn(two)).length === 3,
        TAKEN_OVER_MS_MAX,
      );
      process.kill(first.pid, 'SIGCONT');
      await until('the first one knows', () => first.stderr().includes('process_taken_over'));
      await until('it waits for nothing', async () => (await pendingIn(one)) === 0);
      const events = await settled(() => failoverIn(two));
      expect(typesOf(events)).toEqual(['FailoverStarted', 'FailbackScheduled', 'FailoverEnded']);
      const [started, scheduled, ended] = events.map(({ produced_by: by }) => by);
      expect(scheduled).toBe(started);
      expect(ended).not.toBe(started);
      await call(first, 1);
      expect(await isWhole(two)).toBe(true);
    },
    TEST_MS_MAX,
  );

  it.skipIf(need.isMissing)(
    `write into the stream of one server at the same time, and nothing is lost or out of order ${need.mark}`,
    async () => {
      const both = pair(await place(), {});
      heal();
      const gateways = [await both[0].http(), await both[1].http()];
      await Promise.all(gateways.map((gateway) => call(gateway, CALLS)));
      for (const gateway of gateways) expect(await gateway.stop()).toBe(0);
      const events = await eventsOf(both[0]);
      const calls = events.filter(({ stream }) => stream === 'tool_calls:math');
      const producers = [...new Set(calls.map(({ produced_by: by }) => by))];
      const countOf = (by: string): number =>
        calls.filter(({ produced_by: wrote }) => wrote === by).length;
      expect(producers.map(countOf)).toEqual([CALLS, CALLS]);
      expect(await isWhole(both[0])).toBe(true);
    },
    TEST_MS_MAX,
  );
});
