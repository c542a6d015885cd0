/** Gateways that keep their state in PostgreSQL: alone, together, killed, and without their database for a while. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PostgresEventStore } from '../../packages/eventing/src/postgres-event-store.ts';
import { verifyPostgresEventLog } from '../../packages/eventing/src/postgres-verify.ts';
import { hasPostgres, PostgresCluster } from '../../packages/eventing/test-kit/postgres-cluster.ts';
import { digestOf } from '../../packages/gateway/src/application/recording/call-event.ts';
import { needs } from '../../scripts/requirements.ts';
import { LegacyClient, textOf } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { settled, until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const postgres = needs('postgresql', hasPostgres);
const RECOVERED_MS_MAX = 40_000;
const TEST_MS_MAX = 120_000;
/** Calls before, during and after an outage. */
const CALLS = 150;

let cluster: PostgresCluster;
const homes: Household[] = [];

function home(url: string): Household {
  const made = new Household((journal) => ({
    mcp_servers: { math: upstream([journal.option]) },
    persistence: { backend: 'postgresql', postgresql: { url, max_connections: 4 } },
  }));
  homes.push(made);
  return made;
}

interface Stored {
  readonly stream: string;
  readonly event_type: string;
  readonly produced_by: string;
  readonly data: Record<string, unknown>;
}

const eventsOf = (house: Household, ...flags: readonly string[]): Promise<readonly Stored[]> =>
  settled(() => readEvents(house, flags));

const readEvents = async (house: Household, flags: readonly string[]): Promise<readonly Stored[]> =>
  (await hangar(house, 'events', '--json', '--limit', '100000', ...flags)).stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Stored);

const changesOf = (events: readonly Stored[]): readonly unknown[] =>
  events
    .filter(({ event_type: type }) => type === 'McpServerStateChanged')
    .map(({ data }) => data['new_state']);

async function readiness({ origin }: GatewayProcess): Promise<readonly [number, string]> {
  const response = await fetch(`${origin}/health/ready`);
  return [response.status, ((await response.json()) as { state: string }).state];
}

describe.skipIf(postgres.isMissing)(`A database of the gateway's own ${postgres.mark}`, () => {
  beforeAll(async () => {
    cluster = await PostgresCluster.start();
  });
  afterEach(async () => {
    await cluster.startAgain();
    await Promise.all(homes.splice(0).map((house) => house[Symbol.asyncDispose]()));
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  it('has what a gateway records, and the commands read it there', async () => {
    const url = await cluster.createDatabase();
    const house = home(url.reveal());
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    const events = await eventsOf(house);
    expect(changesOf(events)).toEqual(['initializing', 'ready', 'cold']);
    const verified = await hangar(house, 'events', 'verify');
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('schema hangar: 6'),
    });
    expect(await json(house, 'events', 'replay', '--json')).toMatchObject({
      compared: 'snapshots',
      servers: [{ id: 'math', state: 'cold', difference: null }],
    });
    expect(await json(house, 'events', 'compact', '--json')).toMatchObject({ removed: 0, kept: 6 });
    const [folder = ''] = house.stateFolders();
    expect((await hangar(house, 'doctor')).code).toBe(0);
    expect(folder).not.toBe('');
  });

  it(
    'that is killed and started again under load loses no event and no call, and the gateway says so meanwhile',
    async () => {
      const url = await cluster.createDatabase();
      const house = home(url.reveal());
      const gateway = await house.http();
      const client = await LegacyClient.open(gateway.url());
      let made = 0;
      const call = async (count: number): Promise<void> => {
        for (const end = made + count; made < end;) {
          made += 1;
          expect(textOf(await client.call('math__echo', { n: made }).answer())).toContain(
            `"n":${made}`,
          );
        }
      };
      await call(CALLS);
      expect(await readiness(gateway)).toEqual([200, 'open']);
      const under = call(CALLS);
      await cluster.stop('SIGQUIT');
      await under;
      await call(CALLS);
      await until('it says so', async () => (await readiness(gateway))[0] === 503);
      const [, state] = await readiness(gateway);
      expect(state).toBe(
        'unavailable: the event log cannot be used; "mcp-hangar status" tells why',
      );
      expect((await fetch(`${gateway.origin}/ready`)).status).toBe(503);
      expect((await fetch(`${gateway.origin}/health/live`)).status).toBe(200);
      const { stdout } = await hangar(house, 'status');
      expect(stdout).toMatch(/^state is not kept: Cannot use event log "/m);
      await cluster.start();
      await call(CALLS);
      const isReady = async (): Promise<boolean> => (await readiness(gateway))[0] === 200;
      await until('it is ready by itself', isReady, RECOVERED_MS_MAX);
      expect((await hangar(house, 'status')).stdout).not.toContain('state is not kept');
      expect(await gateway.stop()).toBe(0);
      const calls = await eventsOf(house, '--type', 'ToolInvocationCompleted');
      const digests = calls.map(({ data }) => data['arguments_digest']);
      expect(digests).toEqual(Array.from({ length: made }, (_, at) => digestOf({ n: at + 1 })));
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it(
    'a gateway that is killed in the midst of calls loses none that was stored, and its successor closes what it left',
    async () => {
      const url = await cluster.createDatabase();
      const house = home(url.reveal());
      await using store = new PostgresEventStore({ url });
      for (let round = 1; round <= 3; round += 1) {
        const gateway = await house.http();
        const client = await LegacyClient.open(gateway.url());
        const calls = Array.from({ length: 200 }, (_, n) =>
          client
            .call('math__echo', { n })
            .answer()
            .catch(() => undefined),
        );
        const before = await store.version('tool_calls:math');
        await until('some are stored', async () => {
          return (await store.version('tool_calls:math')) > before;
        });
        const seen = (await store.readAllBackward(undefined, 1_000)).events.map(({ id }) => id);
        gateway.kill();
        await Promise.all(calls);
        await house.empty();
        const after = new Set(
          (await store.readAllBackward(undefined, 2_000)).events.map(({ id }) => id),
        );
        expect(seen.filter((id) => !after.has(id))).toEqual([]);
      }
      expect(changesOf(await eventsOf(house)).at(-1)).toBe('ready');
      expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
      const events = await eventsOf(house);
      const once = ['initializing', 'ready', 'cold'];
      expect(changesOf(events)).toEqual([...once, ...once, ...once, ...once]);
      const stops = events.filter(({ event_type: type }) => type === 'McpServerStopped');
      expect(stops.map(({ data }) => data['reason'])).toEqual([
        ...Array.from({ length: 3 }, () => 'gateway_restarted'),
        'shutdown',
      ]);
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
    },
    TEST_MS_MAX,
  );

  it(
    'is shared by gateways of two users: neither closes what the other has, until that one is gone',
    async () => {
      const url = await cluster.createDatabase();
      const [one, two, three] = [home(url.reveal()), home(url.reveal()), home(url.reveal())];
      const first = await one.open();
      await first.call('math__pid');
      const reasons = async (): Promise<readonly unknown[]> =>
        (await eventsOf(one, '--type', 'McpServerStopped')).map(({ data }) => data['reason']);
      await until('it is recorded', async () => changesOf(await eventsOf(one)).includes('ready'));
      const second = await two.open();
      await second.call('math__pid');
      expect(await reasons()).toEqual([]);
      second.child.kill('SIGTERM');
      await second.exited;
      expect(await reasons()).toEqual(['shutdown']);
      first.child.kill('SIGKILL');
      await first.exited;
      // Its lease is over before a third one looks.
      await cluster.query(databaseOf(url.reveal()), `update hangar.lease set expires_at = now()`);
      expect((await hangar(three, 'call', 'math.pid')).code).toBe(0);
      expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
      const producers = new Set((await eventsOf(one)).map(({ produced_by: by }) => by));
      expect(producers.size).toBe(3);
    },
    TEST_MS_MAX,
  );

  it('that does not answer is an error of doctor, with what to do', async () => {
    const url = await cluster.createDatabase();
    const house = home(url.reveal());
    await cluster.stop('SIGINT');
    const { code, stdout } = await hangar(house, 'doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/error +the event log "[^"]+, schema hangar" cannot be used: /);
    expect(stdout).toContain('[event_store_unreachable]');
    expect(stdout).toContain('check that PostgreSQL runs there');
  });

  it('with tables of a version to come stops the start, and says which', async () => {
    const url = await cluster.createDatabase();
    const house = home(url.reveal());
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    const sql = `insert into hangar.migration (version, name) values (99, 'later')`;
    await cluster.query(databaseOf(url.reveal()), sql);
    const { code, stderr } = await hangar(house, 'call', 'math.pid');
    expect([code, stderr]).toEqual([2, expect.stringContaining('version 99 of the format')]);
    expect((await hangar(house, 'doctor')).stdout).toContain('[event_store_unusable]');
  });
});

const databaseOf = (url: string): string => new URL(url).pathname.slice(1);
