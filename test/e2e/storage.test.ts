/** Where state is kept: a folder that the configuration names, what becomes of old events, and what a log says alone. */
import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SqliteEventStore } from '../../packages/eventing/src/sqlite-event-store.ts';
import { canMount, SmallDisk } from '../../packages/eventing/test-kit/small-disk.ts';
import { digestOf } from '../../packages/gateway/src/application/recording/call-event.ts';
import { needs } from '../../scripts/requirements.ts';
import { textOf } from '../support/clients.ts';
import { hangar, json } from '../support/command-line.ts';
import type { Config } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const mounts = needs('mounts', canMount);
const RECOVERED_MS_MAX = 40_000;
const TEST_MS_MAX = 120_000;

const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

function home(keys: Config): Household {
  const made = new Household((journal) => ({
    mcp_servers: { math: upstream([journal.option]) },
    ...keys,
  }));
  homes.push(made);
  return made;
}

const DATA = { persistence: { backend: 'sqlite', sqlite: { data_dir: 'data' } } };
const logOf = (house: Household): string => join(house.folder, 'data', 'events.db');

interface Replayed {
  readonly compared: string;
  readonly servers: readonly {
    readonly id: string;
    readonly state: string;
    readonly is_pruned: boolean;
    readonly difference: string | null;
  }[];
}

const replay = (house: Household, ...flags: readonly string[]): Promise<Replayed> =>
  json<Replayed>(house, 'events', 'replay', '--json', ...flags);

/** So many calls that the log has more events than it may keep. */
async function pastCalls(house: Household, count: number): Promise<void> {
  await using store = new SqliteEventStore({ path: logOf(house) });
  const events = Array.from({ length: count }, (_, at) => ({
    id: `past-${at}`,
    type: 'ToolInvocationCompleted',
    schemaVersion: 1,
    occurredAtMs: Date.now(),
    producedBy: 'test',
    data: { mcp_server_id: 'math', at },
  }));
  await store.append({ stream: 'tool_calls:math', expected: 'any', events });
}

describe('persistence.sqlite.data_dir', () => {
  it('is made, and has everything that commands and the next gateway find', async () => {
    const house = home(DATA);
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    expect(existsSync(logOf(house))).toBe(true);
    expect((await hangar(house, 'events', 'verify')).stdout).toContain(logOf(house));
    expect((await hangar(house, 'events')).stdout).toContain('ToolInvocationCompleted pid');
  });

  it('that cannot be made stops the start, and says why', async () => {
    const house = home(DATA);
    writeFileSync(join(house.folder, 'data'), 'in the way');
    const { code, stderr } = await hangar(house, 'call', 'math.pid');
    expect(code).toBe(2);
    expect(stderr).toContain(join(house.folder, 'data'));
    expect(stderr).toContain('allow_memory_fallback');
    const { stdout } = await hangar(house, 'doctor');
    expect(stdout).toMatch(/cannot be kept: a file is in its way \[event_store_forbidden\]/);
  });
});

describe('persistence.backend', () => {
  it('memory keeps nothing', async () => {
    const house = home({ persistence: { backend: 'memory' } });
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    const { code, stderr } = await hangar(house, 'events');
    expect([code, stderr]).toEqual([1, expect.stringContaining('keeps no event log')]);
  });

  it('is the one decision: a key that says something else stops the start', async () => {
    const house = home({ persistence: { backend: 'memory' }, event_store: { driver: 'sqlite' } });
    const { code, stderr } = await hangar(house, 'serve', '--http');
    expect(code).toBe(1);
    expect(stderr).toContain('event_store.driver is "sqlite" and persistence.backend is "memory"');
  });

  it('postgresql that does not answer stops the start within seconds, with host and port and no password', async () => {
    const url = 'postgresql://me:hid%2Fden@127.0.0.1:1/logs';
    const house = home({ persistence: { backend: 'postgresql', postgresql: { url } } });
    const startedMs = performance.now();
    const { code, stdout, stderr } = await hangar(house, 'call', 'math.pid', '--json');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(code).toBe(2);
    expect(stderr).toContain('127.0.0.1:1/logs, schema hangar": connect ECONNREFUSED');
    expect(stderr).toContain('persistence.postgresql');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'EVENT_STORE_UNAVAILABLE' } });
    expect(stdout + stderr).not.toMatch(/hid/);
    expect(house.journal.starts()).toEqual([]);
    const verified = await hangar(house, 'events', 'verify');
    expect(verified).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^file: .*ECONNREFUSED/),
    });
  });

  it('postgresql that does not answer is memory where that is allowed, and status says so', async () => {
    const house = home({
      persistence: {
        backend: 'postgresql',
        postgresql: {
          host: '127.0.0.1',
          port: 1,
          database: 'logs',
          user: 'me',
          password: 'hidden',
        },
      },
      event_store: { allow_memory_fallback: true },
    });
    const client = await house.open();
    expect(Number(textOf(await client.call('math__pid')))).toBeGreaterThan(0);
    const { stdout } = await hangar(house, 'status');
    expect(stdout).toMatch(/^state is not kept: .*127\.0\.0\.1:1\/logs.*ECONNREFUSED/m);
    expect(stdout + client.stderr).not.toContain('hidden');
  });
});

describe.skipIf(mounts.isMissing)(`A disk that is full ${mounts.mark}`, () => {
  it(
    'costs no call and no event: the gateway says so, and goes on by itself when there is room',
    async () => {
      using disk = SmallDisk.mount('4m');
      const sqlite = { data_dir: join(disk.folder, 'data') };
      const house = home({ persistence: { backend: 'sqlite', sqlite } });
      const client = await house.open();
      let made = 0;
      const call = async (count: number): Promise<void> => {
        for (const end = made + count; made < end;) {
          made += 1;
          expect(textOf(await client.call('math__echo', { n: made }))).toContain(`"n":${made}`);
        }
      };
      const isTold = async (): Promise<boolean> =>
        (await hangar(house, 'status')).stdout.includes('state is not kept: ');
      await call(50);
      const filler = join(disk.folder, 'filler');
      fill(filler);
      await until('it says so', async () => {
        await call(50);
        return isTold();
      });
      await call(50);
      rmSync(filler);
      await until('it works again', async () => !(await isTold()), RECOVERED_MS_MAX);
      client.child.kill('SIGTERM');
      expect(await client.exited).toBe(0);
      const path = join(disk.folder, 'data', 'events.db');
      await using store = new SqliteEventStore({ path });
      const stored: unknown[] = [];
      for (let from = 1; ; from = stored.length + 1) {
        const page = await store.read('tool_calls:math', from);
        if (page.length === 0) break;
        stored.push(...page.map(({ data }) => data['arguments_digest']));
      }
      expect(stored).toEqual(Array.from({ length: made }, (_, at) => digestOf({ n: at + 1 })));
    },
    TEST_MS_MAX,
  );
});

/** Writes until there is no room left. */
function fill(path: string): void {
  for (const bytes of [65_536, 4_096]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(bytes));
    } catch {
      // It is full, for pieces of this size.
    }
  }
}

describe('mcp-hangar events', () => {
  it('row 19: replay reproduces the state of every server, also of one that was killed', async () => {
    const house = home(DATA);
    const client = await house.open();
    const pid = Number(textOf(await client.call('math__pid')));
    process.kill(pid, 'SIGKILL');
    await until('it is started again', async () => 'result' in (await client.call('math__pid')));
    const running = await replay(house);
    expect(running).toMatchObject({
      compared: 'gateway',
      servers: [{ id: 'math', state: 'ready', difference: null }],
    });
    client.child.kill('SIGKILL');
    await client.exited;
    await house.empty();
    // Nobody has said yet that it is over.
    expect((await replay(house)).servers).toMatchObject([{ state: 'ready', difference: null }]);
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    expect((await replay(house)).servers).toMatchObject([{ state: 'cold', difference: null }]);
  });

  it('compact keeps what removed events said, and replay says the same', async () => {
    const house = home({ ...DATA, event_store: { keep_events_max: 1_000 } });
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    await pastCalls(house, 1_500);
    const before = await replay(house);
    expect(before.servers).toMatchObject([{ id: 'math', state: 'cold', is_pruned: false }]);
    const dry = await json<Record<string, number>>(
      house,
      'events',
      'compact',
      '--dry-run',
      '--json',
    );
    const done = await json<Record<string, number>>(house, 'events', 'compact', '--json');
    expect(done).toEqual({ ...dry, dry_run: false });
    expect(done).toMatchObject({ removed: expect.any(Number), kept: 1_001 });
    expect(done['removed']).toBeGreaterThan(500);
    expect((await hangar(house, 'events', 'verify')).code).toBe(0);
    const after = await replay(house);
    expect(after.servers).toMatchObject([{ id: 'math', state: 'cold', is_pruned: true }]);
    expect(after.servers[0]?.difference).toBeNull();
    expect((await hangar(house, 'events', 'replay')).stdout).toContain('the same as the snapshots');
  });

  it('replay names a server of which nothing is stored', async () => {
    const house = home(DATA);
    expect((await hangar(house, 'events', 'replay')).stderr).toContain('nothing has been recorded');
    expect((await hangar(house, 'call', 'math.pid')).code).toBe(0);
    const { code, stderr } = await hangar(house, 'events', 'replay', '--server', 'nobody');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('no event of MCP server "nobody" is stored'),
    ]);
  });
});
