/** Real processes are broken; what `table.ts` says of it is what happens, and the others do not notice. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PostgresEventStore } from '../../packages/eventing/src/postgres-event-store.ts';
import { verifyPostgresEventLog } from '../../packages/eventing/src/postgres-verify.ts';
import { hasPostgres, PostgresCluster } from '../../packages/eventing/test-kit/postgres-cluster.ts';
import { canMount, SmallDisk } from '../../packages/eventing/test-kit/small-disk.ts';
import { toolCallStream } from '../../packages/gateway/src/application/recording/call-event.ts';
import { needs } from '../../scripts/requirements.ts';
import { Certificates } from '../support/certificates.ts';
import { HostileServer } from '../support/hostile-server.ts';
import { conformanceOverHttp, remote, type RemoteServer } from '../support/remote.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';
import { Rig, type Ending } from './rig.ts';
import { FAULTS, type FaultName } from './table.ts';

const linux = needs('linux', () => process.platform === 'linux');
const openssl = needs('openssl', () => spawnSync('openssl', ['version']).status === 0);
const postgres = needs('postgresql', hasPostgres);
const mounts = needs('mounts', canMount);
const MIB = 1_048_576;
/** Back-off of one failure, and the start of a process on a busy machine. */
const RECOVERY_MS_MAX = 20_000;
/** A lost database is tried again after 1 s and less and less often, every 30 s at last. */
const OUTAGE_MS_MAX = 45_000;
const OUTAGE_TEST_MS_MAX = 120_000;

let rig: Rig;
let journal: Journal;
let hostile: HostileServer;
let frozen: RemoteServer;
let folder = '';

const flag = (name: string): string => join(folder, name);
const PATIENT = { call_timeout_s: 1, http: { max_retries: 1, retry_backoff_factor: 0.1 } };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hangar-flags-'));
  journal = await Journal.open();
  hostile = await HostileServer.start();
  frozen = await conformanceOverHttp('legacy');
  rig = await Rig.start({
    servers: {
      calm: upstream(),
      killed: upstream([journal.option]),
      frozen: upstream([], { call_timeout_s: 1, max_consecutive_failures: 1 }),
      'slow-start': upstream(['--boot=slow', '--boot-ms=5000', `--flag=${flag('quick')}`], {
        startup_timeout_s: 1,
      }),
      'crash-loop': upstream(['--boot=once', `--flag=${flag('healed')}`]),
      garbage: upstream(),
      flood: upstream(),
      hostile: remote(hostile.url, PATIENT),
      'half-open': remote(frozen.url, PATIENT),
    },
  });
  rig.callCalm();
});

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  await hostile?.[Symbol.asyncDispose]();
  await frozen?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that is broken, and how much of its past is not of interest. */
interface Faulty {
  readonly rig: Rig;
  readonly id: string;
  readonly skipped: number;
}

const faulty = async (id: string, of = rig): Promise<Faulty> => ({
  rig: of,
  id,
  skipped: (await of.eventsOf(id)).length,
});

/** Faults that were held against the table. */
const seen = new Set<FaultName>();

/** What is not as the table says it of a fault. */
async function deviations(
  name: FaultName,
  { code, message, waitedMs }: Ending,
  { rig: of, id, skipped }: Faulty,
): Promise<readonly string[]> {
  seen.add(name);
  const { code: wanted, withinMs, state, events } = FAULTS[name];
  const found: string[] = [];
  if (code !== wanted) found.push(`${code}, not ${wanted}: ${message.error?.message}`);
  if (waitedMs > withinMs) found.push(`after ${waitedMs} ms`);
  const now = await of.stateOf(id);
  if (now !== state) found.push(`it is ${now}`);
  const types = async (): Promise<readonly string[]> => (await of.eventsOf(id)).slice(skipped);
  await until(`${name} is in the log`, async () => isWithin(events, await types())).catch(
    async () => void found.push(`the log has ${(await types()).join()}`),
  );
  return found;
}

/** In that order, others between them. */
function isWithin(wanted: readonly string[], types: readonly string[]): boolean {
  let at = 0;
  for (const type of types) if (type === wanted[at]) at += 1;
  return at === wanted.length;
}

const recovers = ({ rig: of, id }: Pick<Faulty, 'rig' | 'id'>, tool = 'echo'): Promise<unknown> =>
  until(
    `${id} works again`,
    async () => (await of.call(id, tool)).code === undefined,
    RECOVERY_MS_MAX,
  );

/** The first call that made a start: a client that says hello is answered by one before. */
const tried = (of: Rig, id: string): Promise<Ending> =>
  until(
    `${id} is tried`,
    async () => {
      const ending = await of.call(id, 'echo');
      return ending.code !== 'MCP_SERVER_BACKING_OFF' && ending;
    },
    RECOVERY_MS_MAX,
  );

describe.skipIf(linux.isMissing)(`A fault ${linux.mark}`, () => {
  // Of none of them a server may notice anything that is called all the time.
  afterEach(async () => {
    const failures = await rig.calmFailures();
    if (failures.length > 0) throw new Error(`Another server noticed: ${failures.join(', ')}`);
  });

  it.each(['killed', 'frozen'] as const)('of a running process: %s', async (name) => {
    const pid = await rig.pidOf(name);
    const server = await faulty(name);
    const hung = rig.call(name, 'hang');
    if (name === 'killed') await until('it has the call', () => journal.lines('"hang"').length > 0);
    process.kill(pid, name === 'killed' ? 'SIGKILL' : 'SIGSTOP');
    expect(await deviations(name, await hung, server)).toEqual([]);
    await recovers(server);
    expect(await rig.pidOf(name)).not.toBe(pid);
  });

  it.each([
    ['slow-start', 'quick'],
    ['crash-loop', 'healed'],
  ] as const)('of a start: %s', async (name, healing) => {
    const ending = await tried(rig, name);
    expect(await deviations(name, ending, { rig, id: name, skipped: 0 })).toEqual([]);
    const again = await rig.call(name, 'echo');
    expect(again.code).toBe('MCP_SERVER_BACKING_OFF');
    expect(again.message.error?.data).toMatchObject({ retryable: true });
    writeFileSync(flag(healing), '');
    await recovers({ rig, id: name });
  });

  it.each([
    ['garbage', 'garbage', {}],
    ['flood', 'flood', { lines: 20_000, bytes: 100 }],
  ] as const)('of what is said: %s', async (name, tool, args) => {
    const pid = await rig.pidOf(name);
    const server = await faulty(name);
    expect(await deviations(name, await rig.call(name, tool, args), server)).toEqual([]);
    await recovers(server);
    expect(await rig.pidOf(name)).toBe(pid);
  });

  it.each([
    ['status-503', { status: 503 }],
    ['status-429', { status: 429, headers: { 'retry-after': '7' } }],
  ] as const)('of a remote server: %s', async (name, args) => {
    await rig.call('hostile', 'echo');
    const server = await faulty('hostile');
    expect(await deviations(name, await rig.call('hostile', 'status', args), server)).toEqual([]);
    await recovers(server);
  });

  it('of a remote server: status-404', async () => {
    await rig.call('hostile', 'echo');
    const server = await faulty('hostile');
    hostile.forget();
    expect(await deviations('status-404', await rig.call('hostile', 'echo'), server)).toEqual([]);
  });

  it('of a remote server: unreachable', async () => {
    await rig.call('hostile', 'echo');
    const server = await faulty('hostile');
    await hostile.stop();
    expect(await deviations('unreachable', await rig.call('hostile', 'echo'), server)).toEqual([]);
    await hostile.listen();
    await recovers(server);
  });

  it('of a remote server: half-open', async () => {
    const tool = 'test_simple_text';
    expect((await rig.call('half-open', tool)).code).toBeUndefined();
    const server = await faulty('half-open');
    process.kill(frozen.pid, 'SIGSTOP'); // the system goes on taking connections for it
    expect(await deviations('half-open', await rig.call('half-open', tool), server)).toEqual([]);
    process.kill(frozen.pid, 'SIGCONT');
    await recovers(server, tool);
  });
});

it.skipIf(openssl.isMissing)(`A fault of a remote server: tls ${openssl.mark}`, async () => {
  using certificates = new Certificates();
  const stranger = await HostileServer.start(certificates.selfSigned('IP:127.0.0.1'));
  const known = remote(stranger.url, { tls: { ca_cert_path: certificates.caPath } });
  await using own = await Rig.start({ servers: { calm: upstream(), tls: known } });
  own.callCalm();
  const server = { rig: own, id: 'tls', skipped: 0 };
  expect(await deviations('tls', await tried(own, 'tls'), server)).toEqual([]);
  await stranger.stop();
  const { port } = stranger;
  await using trusted = await HostileServer.start(certificates.signed('IP:127.0.0.1'), port);
  await recovers(server);
  expect(trusted.port).toBe(port);
  expect(await own.calmFailures()).toEqual([]);
});

it.skipIf(linux.isMissing)(`A fault of the machine: emfile ${linux.mark}`, async () => {
  await using own = await Rig.start({ servers: { warm: upstream(), emfile: upstream() } });
  await own.call('warm', 'echo');
  await own.call('emfile', 'echo');
  await own.stop('emfile');
  const server = await faulty('emfile', own);
  const { pid } = own.gateway;
  const limit = (files: string): void =>
    void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
  // Room for the connection of a client and little else.
  limit(String(readdirSync(`/proc/${pid}/fd`).length + 3));
  const ending = await own.call('emfile', 'echo');
  expect((await own.call('warm', 'echo')).code).toBeUndefined();
  limit('4096');
  expect(await deviations('emfile', ending, server)).toEqual([]);
  await recovers(server);
});

it.skipIf(mounts.isMissing)(`A fault of the machine: disk-full ${mounts.mark}`, async () => {
  using disk = SmallDisk.mount('3m');
  await using own = await Rig.start({
    servers: { 'disk-full': upstream() },
    flags: ['--state-dir', join(disk.folder, 'state')],
  });
  await own.call('disk-full', 'echo');
  const server = await faulty('disk-full', own);
  const ballast = join(disk.folder, 'ballast');
  expect(() => writeFileSync(ballast, Buffer.alloc(4 * MIB))).toThrow(/ENOSPC/);
  let calls = 0;
  await until('it is not ready', async () => {
    calls += 1;
    expect((await own.call('disk-full', 'echo', { pad: 'x'.repeat(1_000) })).code).toBeUndefined();
    return (await own.readiness()) === 503;
  });
  unlinkSync(ballast);
  await until('it is ready again', async () => (await own.readiness()) === 200, RECOVERY_MS_MAX);
  expect(await deviations('disk-full', await own.call('disk-full', 'echo'), server)).toEqual([]);
  const recorded = async (): Promise<number> =>
    (await own.eventsOf('disk-full')).filter((type) => type === 'ToolInvocationCompleted').length;
  await until('every call is in the log', async () => (await recorded()) === calls + 2);
});

it.skipIf(postgres.isMissing)(
  `A fault of the machine: database-killed ${postgres.mark}`,
  async () => {
    await using cluster = await PostgresCluster.start();
    const url = await cluster.createDatabase();
    await using own = await Rig.start({
      servers: { 'database-killed': upstream() },
      keys: { persistence: { backend: 'postgresql', postgresql: { url: url.reveal() } } },
    });
    await using reader = new PostgresEventStore({ url });
    const stored = async (): Promise<readonly string[]> =>
      (await reader.read(toolCallStream('database-killed'))).map(({ id }) => id);
    let calls = 0;
    const call = async (): Promise<Ending> => {
      calls += 1;
      const ending = await own.call('database-killed', 'echo', { n: calls });
      expect(ending.code).toBeUndefined();
      return ending;
    };
    for (let n = 0; n < 20; n += 1) await call();
    await until('some are stored', async () => (await stored()).length > 0);
    const server = await faulty('database-killed', own);
    for (let n = 0; n < 20; n += 1) await call();
    const acknowledged = await stored();
    await cluster.kill();
    await until('it is not ready', async () => {
      await call();
      return (await own.readiness()) === 503;
    });
    expect(await deviations('database-killed', await call(), server)).toEqual([]);
    await cluster.start();
    await until('it is ready again', async () => (await own.readiness()) === 200, OUTAGE_MS_MAX);
    await until('every call is in the log', async () => (await stored()).length === calls);
    expect((await stored()).slice(0, acknowledged.length)).toEqual(acknowledged);
    expect((await verifyPostgresEventLog({ url })).findings).toEqual([]);
  },
  OUTAGE_TEST_MS_MAX,
);

const all = [linux, openssl, mounts, postgres];
it.skipIf(all.some(({ isMissing }) => isMissing))(
  `Every fault of the table has its test ${all.map(({ mark }) => mark).join(' ')}`,
  () => {
    expect([...seen].toSorted()).toEqual(Object.keys(FAULTS).toSorted());
  },
);
