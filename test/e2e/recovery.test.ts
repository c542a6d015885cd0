/** What comes back without a call, and what is not called any more: health checks, recovery, circuit breakers. */
import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { LegacyClient, modernCall, textOf } from '../support/clients.ts';
import { hangar } from '../support/command-line.ts';
import type { Config } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { conformanceOverHttp, remote } from '../support/remote.ts';
import { settled, until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

/** Recovery begins 5 s after a degradation. */
const RECOVERED_MS_MAX = 30_000;
const linux = needs('linux', () => process.platform === 'linux');

/** A home with one server, "up". */
function home(keys: Config, args: (folder: string) => readonly string[] = () => []): Household {
  return new Household((journal) => ({
    mcp_servers: { up: upstream([journal.option, ...args(journal.folder)], keys) },
  }));
}

const place = (house: Household): readonly string[] => ['--config', house.file, '--json'];

async function json(house: Household, ...words: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await hangar(house, ...words, ...place(house));
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

interface Row {
  readonly state: string;
  readonly consecutive_failures: number;
  readonly circuit_breaker: Record<string, unknown> | null;
}

async function row(house: Household): Promise<Row> {
  const { servers } = (await json(house, 'status')) as { readonly servers: readonly Row[] };
  const [up] = servers;
  if (up === undefined) throw new Error('there is no server');
  return up;
}

const sagas = async (house: Household): Promise<readonly Record<string, unknown>[]> =>
  ((await json(house, 'sagas')) as { readonly sagas: readonly Record<string, unknown>[] }).sagas;

interface Stored {
  readonly event_type: string;
  readonly occurred_at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const events = (house: Household): Promise<readonly Stored[]> =>
  settled(async () => {
    const { stdout } = await hangar(house, 'events', '--limit', '10000', ...place(house));
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Stored);
  });

const eventTypes = async (house: Household): Promise<readonly string[]> =>
  (await events(house)).map(({ event_type: type }) => type);

/** Whether the file has an event at this moment: a command would take a part of the time that is waited for. */
function isRecorded(house: Household, type: string): boolean {
  try {
    const [file = ''] = house
      .stateFolders()
      .map((folder) => join(folder, 'events.db'))
      .filter((path) => existsSync(path));
    using log = new DatabaseSync(file, { readOnly: true });
    return log.prepare('select 1 from event where type = ?').get(type) !== undefined;
  } catch {
    return false; // it is just being made
  }
}

const codeOf = ({ error }: Message): unknown =>
  (error?.data as Record<string, unknown> | undefined)?.['code'];
const pidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('pid').answer()));
const starts = (house: Household): number => house.journal.starts().length;

/** Waits for the server to be ready with nothing counted against it; nobody calls it meanwhile. */
const recovered = (house: Household): Promise<unknown> =>
  until(
    'the server is ready again',
    async () => {
      const { state, consecutive_failures: failures } = await row(house);
      return state === 'ready' && failures === 0;
    },
    RECOVERED_MS_MAX,
  );

describe.concurrent('A server that nobody calls', () => {
  it.skipIf(linux.isMissing)(
    `is replaced where it hangs: it does not answer a ping ${linux.mark}`,
    async () => {
      await using house = home({ health_check_interval_s: 0.3, max_consecutive_failures: 2 });
      const gateway = await house.http();
      const client = await LegacyClient.open(gateway.url('up'));
      const pid = await pidOf(client);
      await until('it was pinged', () => house.journal.lines('"method":"ping"').length > 0);
      expect(await eventTypes(house)).not.toContain('HealthCheckPassed');
      process.kill(pid, 'SIGSTOP');
      await until('another one starts', () => starts(house) === 2, RECOVERED_MS_MAX);
      await recovered(house);
      expect(await pidOf(client)).not.toBe(pid);
      const types = await eventTypes(house);
      expect(types.filter((type) => type === 'HealthCheckFailed')).toHaveLength(2);
      expect(types).toEqual(expect.arrayContaining(['McpServerDegraded', 'HealthCheckPassed']));
    },
  );

  it.skipIf(linux.isMissing)(
    `is reached again where it is remote, and hung for a while ${linux.mark}`,
    async () => {
      await using far = await conformanceOverHttp('legacy');
      const keys = { health_check_interval_s: 0.4, max_consecutive_failures: 2 };
      await using house = new Household(() => ({ mcp_servers: { up: remote(far.url, keys) } }));
      const gateway = await house.http();
      const client = await LegacyClient.open(gateway.url('up'));
      await client.request('tools/list').answer();
      await until('it is reached', async () => (await row(house)).state === 'ready');
      process.kill(far.pid, 'SIGSTOP');
      try {
        const isDegraded = async (): Promise<boolean> => (await row(house)).state === 'degraded';
        await until('it is degraded', isDegraded, RECOVERED_MS_MAX);
      } finally {
        process.kill(far.pid, 'SIGCONT');
      }
      await recovered(house);
      expect((await client.request('tools/list').answer()).result).toBeDefined();
    },
  );

  it('is asked in its own era, and where it answers with an error it is alive', async () => {
    await using house = home({ health_check_interval_s: 0.3 }, () => ['--era=modern']);
    const gateway = await house.http();
    const answer = await modernCall(gateway.url('up'), 'pid').answer();
    expect(answer.result).toBeDefined();
    const asked = (): number => house.journal.lines('server/discover').length;
    const before = asked();
    await until('it was asked again', () => asked() > before + 2);
    expect(await row(house)).toMatchObject({ state: 'ready', consecutive_failures: 0 });
    expect(starts(house)).toBeLessThanOrEqual(2); // one of them to find out the era
  });

  it('row 6: three failures degrade it, recovery restarts it, and its counters are zero', async () => {
    await using house = home({ call_timeout_s: 0.2, health_check_interval_s: 0.5 }, (folder) => [
      '--boot=once',
      `--flag=${join(folder, 'flag')}`,
    ]);
    const flag = join(house.folder, 'flag');
    writeFileSync(flag, '');
    const gateway = await house.http();
    const client = await LegacyClient.open(gateway.url('up'));
    expect(await pidOf(client)).toBeGreaterThan(0);
    // Its recovery fails until it was looked at, however long the commands take.
    unlinkSync(flag);
    for (let failed = 0; failed < 3; failed += 1)
      expect(codeOf(await client.call('hang').answer())).toBe('CALL_TIMED_OUT');
    expect(await row(house)).toMatchObject({ state: 'degraded' });
    const [saga] = await sagas(house);
    expect(saga).toEqual({
      type: 'recovery',
      subject: 'up',
      status: expect.stringMatching(/^(waiting|trying)$/),
      attempt: expect.any(Number),
      attempts_max: 3,
      due_at: saga?.['due_at'],
      reason: expect.any(String),
    });
    expect(saga?.['due_at'] === null).toBe(saga?.['status'] === 'trying');
    writeFileSync(flag, '');
    await recovered(house);
    expect(house.journal.lines('"method":"notifications/initialized"')).toHaveLength(2);
    const dataOf = async (type: string): Promise<unknown> =>
      (await events(house)).find(({ event_type: one }) => one === type)?.data;
    const reason = expect.stringContaining('call_timeout_s');
    const first = { attempt: 1, attempts_max: 3, reason };
    expect(await dataOf('McpServerDegraded')).toMatchObject({ consecutive_failures: 3, reason });
    expect(await dataOf('RecoveryScheduled')).toMatchObject(first);
    await until('nothing is pending', async () => (await sagas(house)).length === 0);
    const types = await until('the end is recorded', async () => {
      const all = await eventTypes(house);
      return all.includes('RecoveryEnded') && all;
    });
    expect(types).toEqual(expect.arrayContaining(['RecoveryScheduled', 'RecoveryAttempted']));
  });

  it('row 6: before that each failure doubles the back-off', async () => {
    await using house = home({}, () => ['--boot=exit']);
    const gateway = await house.http();
    const client = await LegacyClient.open(gateway.url('up'));
    const isDegraded = async (): Promise<boolean> => {
      await client.call('pid').answer();
      return isRecorded(house, 'McpServerDegraded');
    };
    await until('it is degraded', isDegraded, RECOVERED_MS_MAX);
    // Its recovery may have tried it again meanwhile.
    const counted = (await events(house))
      .filter(({ event_type: type }) => type === 'McpServerFailureCounted')
      .slice(0, 3);
    const waits = counted.map(
      ({ occurred_at: at, data }) => Number(data['retry_at_ms']) - Date.parse(at),
    );
    expect(counted.map(({ data }) => data['consecutive_failures'])).toEqual([1, 2, 3]);
    // 2, 4 and 8 s, a tenth more or less; an event is stamped a moment after its decision.
    for (const [index, waitMs] of waits.entries()) {
      const middleMs = 2 ** (index + 1) * 1_000;
      expect(waitMs).toBeGreaterThan(0.6 * middleMs);
      expect(waitMs).toBeLessThan(1.15 * middleMs);
    }
  });

  it('returns without a call once what kept it from starting is gone', async () => {
    await using house = home(
      { max_consecutive_failures: 1, health_check_interval_s: 0.5 },
      (folder) => ['--boot=once', `--flag=${join(folder, 'flag')}`],
    );
    const gateway = await house.http();
    const client = await LegacyClient.open(gateway.url('up'));
    expect((await client.call('pid').answer()).error).toBeDefined();
    expect(await row(house)).toMatchObject({ state: 'degraded' });
    writeFileSync(join(house.folder, 'flag'), '');
    await recovered(house);
    expect(await pidOf(client)).toBeGreaterThan(0);
  });
});

describe.concurrent('A gateway that is killed while a recovery waits', () => {
  it('is followed by one that tries the server once, when it is due', async () => {
    await using house = home(
      { max_consecutive_failures: 1, health_check_interval_s: 0 },
      (folder) => ['--boot=once', `--flag=${join(folder, 'flag')}`],
    );
    const first = await house.http();
    const client = await LegacyClient.open(first.url('up'));
    expect((await client.call('pid').answer()).error).toBeDefined();
    const tries = starts(house);
    await until('it is recorded', () => isRecorded(house, 'RecoveryScheduled'));
    first.kill();
    await first.exited;
    const [saga] = await sagas(house); // of the log
    expect(saga).toMatchObject({ type: 'recovery', subject: 'up', attempt: 1 });
    writeFileSync(join(house.folder, 'flag'), '');
    await house.http();
    await until('it runs', async () => (await row(house)).state === 'ready', RECOVERED_MS_MAX);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(String(saga?.['due_at'])));
    expect(starts(house)).toBe(tries + 1);
    const types = await until('the try is recorded', async () => {
      const all = await eventTypes(house);
      return all.includes('RecoveryAttempted') && all;
    });
    expect(types.filter((type) => type === 'RecoveryAttempted')).toHaveLength(1);
  });
});

describe.concurrent('A server with a backup', () => {
  it('has its calls answered by that while it is degraded, and gets them back', async () => {
    await using house = new Household((journal) => ({
      mcp_servers: {
        main: upstream([journal.option], {
          call_timeout_s: 0.2,
          max_consecutive_failures: 1,
          failover: { backup: 'spare', failback_delay_s: 0.5 },
        }),
        spare: upstream([journal.option]),
      },
    }));
    const gateway = await house.http();
    const all = await LegacyClient.open(gateway.url());
    const main = await LegacyClient.open(gateway.url('main'));
    const spare = await pidOf(await LegacyClient.open(gateway.url('spare')));
    expect(await pidOf(main)).not.toBe(spare);
    expect(codeOf(await main.call('hang').answer())).toBe('CALL_TIMED_OUT');
    await until('calls go to the backup', async () => (await pidOf(main)) === spare);
    expect(textOf(await all.call('main__pid').answer())).toBe(String(spare));
    const invoked = all.call('registry_invoke', { provider: 'main', tool: 'pid', arguments: {} });
    expect(textOf(await invoked.answer())).toBe(String(spare));
    const listed = await sagas(house);
    expect(listed.map(({ type, subject }) => [type, subject])).toContainEqual(['failover', 'main']);
    await until('they go back', async () => (await pidOf(main)) !== spare, RECOVERED_MS_MAX);
    await until('nothing is pending', async () => (await sagas(house)).length === 0);
    const types = await eventTypes(house);
    expect(types.filter((type) => type.startsWith('Fail'))).toEqual([
      'FailoverStarted',
      'FailbackScheduled',
      'FailoverEnded',
    ]);
  });

  it('that cannot be started answers its calls itself as soon as it runs again', async () => {
    await using house = new Household((journal) => ({
      mcp_servers: {
        main: upstream([journal.option], {
          call_timeout_s: 0.2,
          max_consecutive_failures: 1,
          failover: { backup: 'spare', failback_delay_s: 3_600 },
        }),
        spare: upstream(['--boot=exit']),
      },
    }));
    const gateway = await house.http();
    const main = await LegacyClient.open(gateway.url('main'));
    expect(codeOf(await main.call('hang').answer())).toBe('CALL_TIMED_OUT');
    await until('the start of the backup has failed', () =>
      gateway.stderr().includes('process_step_failed'),
    );
    expect((await hangar(house, 'start', 'main', '--config', house.file)).code).toBe(0);
    const failover = (await sagas(house)).find(({ type }) => type === 'failover');
    expect(failover).toMatchObject({ subject: 'main', status: 'failing_back' });
    expect(await pidOf(main)).toBeGreaterThan(0);
    const all = await LegacyClient.open(gateway.url());
    const details = await all.call('registry_details', { provider: 'main' }).answer();
    expect(textOf(details)).toContain('its backup \\"spare\\" cannot take its calls: ');
  });
});

describe.concurrent('A circuit breaker', () => {
  const keys = (seconds: number): Config => ({
    call_timeout_s: 0.2,
    max_consecutive_failures: 100,
    circuit_breaker: { failure_threshold: 2, reset_timeout_s: seconds },
  });
  const timeOut = async (client: LegacyClient): Promise<void> => {
    for (let failed = 0; failed < 2; failed += 1)
      expect(codeOf(await client.call('hang').answer())).toBe('CALL_TIMED_OUT');
  };

  it('row 7: opens at the threshold, half-opens after the reset timeout, closes on success', async () => {
    await using house = home(keys(1));
    const gateway = await house.http();
    const client = await LegacyClient.open(gateway.url('up'));
    for (let failed = 0; failed < 3; failed += 1) await client.call('fail').answer();
    expect((await row(house)).circuit_breaker).toMatchObject({ state: 'closed', trips: 0 });
    await timeOut(client);
    const refused = await client.call('pid').answer();
    expect(refused.error).toMatchObject({
      message: expect.stringMatching(/open: 2 failures in a row.*tried again in 1 s/),
      data: { code: 'CIRCUIT_OPEN', retryable: true, retryAfterMs: expect.any(Number) },
    });
    expect((await row(house)).circuit_breaker).toMatchObject({ state: 'open', trips: 1 });
    await until('it is tried again', async () => (await client.call('pid').answer()).result);
    expect((await row(house)).circuit_breaker).toEqual({
      state: 'closed',
      trips: 1,
      failures: 0,
      opened_by: null,
      retry_at: null,
    });
    const changes = (await eventTypes(house)).filter((type) => type.startsWith('CircuitBreaker'));
    expect(changes).toHaveLength(3);
  });

  it('that is open stays open over a kill of the gateway, and a deliberate start closes it', async () => {
    await using house = home(keys(3_600));
    const first = await house.http();
    await timeOut(await LegacyClient.open(first.url('up')));
    await until('it is recorded', async () =>
      (await eventTypes(house)).includes('CircuitBreakerStateChanged'),
    );
    first.kill();
    await first.exited;
    const second = await house.http();
    const client = await LegacyClient.open(second.url('up'));
    expect(codeOf(await client.call('pid').answer())).toBe('CIRCUIT_OPEN');
    await json(house, 'start', 'up');
    expect(await pidOf(client)).toBeGreaterThan(0);
  });
});
