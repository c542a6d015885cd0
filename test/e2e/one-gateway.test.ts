/** Several gateways of one configuration: one of them does the work, and which one it is nobody notices. */
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { LegacyClient, textOf } from '../support/clients.ts';
import type { Config, GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import type { StdioClient } from '../support/stdio.ts';
import { until, within } from '../support/until.ts';
import { upstream, type Journal } from '../support/upstream.ts';
import { killOrders } from '../load/kill-orders.ts';

const linux = needs('linux', () => process.platform === 'linux');
const TAKEN_OVER_MS_MAX = 5_000;
const config = (journal: Journal, keys: Config = {}): Config => ({
  mcp_servers: { up: upstream([journal.option, '--era=dual']) },
  ...keys,
});
const household = (keys: Config = {}): Household =>
  new Household((journal) => config(journal, keys));

/** Calls as a client does that was told to call again: what was on its way when the gateway was killed has an error. */
async function again(call: () => Promise<Message>): Promise<Message> {
  const answer = await call();
  return codeOf(answer) === 'GATEWAY_ENDED' ? call() : answer;
}
const pidOf = async (client: StdioClient): Promise<number> =>
  Number(textOf(await again(() => client.call('up__pid'))));
const httpPidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('up__pid').answer()));
const codeOf = ({ error }: Message): unknown =>
  (error?.data as Record<string, unknown> | undefined)?.['code'];
const readiness = async (gateway: GatewayProcess): Promise<readonly [number, unknown]> => {
  const response = await fetch(`${gateway.origin}/health/ready`);
  return [response.status, await response.json()];
};

describe(`Two stdio clients and one HTTP client of one configuration ${linux.mark}`, () => {
  const ORDERS = [
    ['stdio', 'stdio', 'http'],
    ['http', 'stdio', 'stdio'],
  ] as const;

  describe.skipIf(linux.isMissing).each(ORDERS)('started as %s, %s, %s', (...order) => {
    it.each([0, 1, 2])(
      'share one child, and go on when the one started as number %i is killed',
      async (victim) => {
        await using home = household();
        const stdio: StdioClient[] = [];
        let http: GatewayProcess | undefined;
        const members: { readonly kill: () => void; readonly client: unknown }[] = [];
        for (const kind of order) {
          if (kind === 'http') {
            const gateway = await home.http();
            http = gateway;
            members.push({ kill: () => gateway.kill(), client: gateway });
          } else {
            const client = await home.open();
            stdio.push(client);
            members.push({ kill: () => void client.child.kill('SIGKILL'), client });
          }
        }
        const url = http?.url() ?? '';
        const web = await LegacyClient.open(url);
        const pids = [...(await Promise.all(stdio.map(pidOf))), await httpPidOf(web)];
        expect(new Set(pids).size).toBe(1);
        expect(home.journal.starts()).toHaveLength(1);

        const dead = members[victim];
        dead?.kill();
        const left = stdio.filter((client) => client !== dead?.client);
        const after = await within('they go on', Promise.all(left.map(pidOf)), TAKEN_OVER_MS_MAX);
        if (dead?.client !== http) after.push(await httpPidOf(await LegacyClient.open(url)));
        expect(new Set(after).size).toBe(1);
        expect(home.journal.starts()).toHaveLength(victim === 0 ? 2 : 1);
        expect(home.stateFolders()).toHaveLength(1);
      },
    );
  });
});

describe('A client whose gateway is killed', () => {
  it('has an error for the call in flight, and does not notice more', async () => {
    await using home = household();
    const owner = await home.open();
    const client = await home.open();
    expect(client.stderr).toContain(`connected to the gateway of process ${owner.pid}`);
    const before = client.messages.length;
    const lost = client.call('up__hang');
    await client.call('up__echo');
    owner.child.kill('SIGKILL');
    const answer = await within('the call ends', lost, 1_000);
    expect(answer.error).toMatchObject({
      code: -32_000,
      message: 'the gateway ended during the call; call again',
      data: { code: 'GATEWAY_ENDED', retryable: true },
    });
    expect(textOf(await client.call('up__echo', { x: 1 }))).toContain('"x":1');
    const seen = client.messages.slice(before).map(({ id }) => id);
    expect(seen.filter((id) => id !== undefined)).toHaveLength(3);
    expect(await client.end()).toBe(0);
  });

  it('keeps its log level and its subscriptions', async () => {
    await using home = household();
    const owner = await home.open();
    const client = await home.open();
    await client.request('logging/setLevel', { level: 'debug' });
    await client.request('resources/subscribe', { uri: 'up://one' });
    await client.request('resources/subscribe', { uri: 'up://two' });
    await client.request('resources/unsubscribe', { uri: 'up://two' });
    owner.child.kill('SIGKILL');
    await pidOf(client);
    const [, second] = home.journal.starts();
    const told = (): readonly string[] =>
      home.journal
        .entries()
        .flatMap(({ pid, line }) =>
          pid !== home.journal.starts()[0] && line !== undefined ? [line] : [],
        );
    expect(second).toBeDefined();
    await until('it is subscribed again', () =>
      told().some((line) => line.includes('resources/subscribe') && line.includes('up://one')),
    );
    expect(told().some((line) => line.includes('up://two'))).toBe(false);
    await client.call('up__update', { uri: 'up://one' });
    await client.notified('notifications/resources/updated');
  });

  it('keeps what it listens to, and is told once that it does', async () => {
    await using home = household();
    const owner = await home.open();
    const client = home.start();
    void client
      .modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
      .catch(() => undefined);
    await client.notified('notifications/subscriptions/acknowledged');
    owner.child.kill('SIGKILL');
    await again(() => client.modern('tools/call', { name: 'up__change', arguments: {} }));
    await client.notified('notifications/tools/list_changed');
    const acknowledged = client.messages.filter(
      ({ method }) => method === 'notifications/subscriptions/acknowledged',
    );
    expect(acknowledged).toHaveLength(1);
  });

  it('never sees half a line of it', async () => {
    await using home = household();
    const owner = await home.open();
    const client = await home.open();
    const large = [1, 2, 3, 4].map(() => client.call('up__gen', { bytes: 6_000_000 }));
    await client.next('an answer', ({ id, method }) => method === undefined && Number(id) > 0);
    owner.child.kill('SIGKILL');
    for (const answer of await Promise.all(large)) {
      expect(answer.error === undefined ? textOf(answer).length : codeOf(answer)).toSatisfy(
        (one: unknown) => one === 6_000_000 || one === 'GATEWAY_ENDED',
      );
    }
  });

  it('is asked by the next gateway under ids that no earlier question had', async () => {
    await using home = household();
    const owner = await home.open();
    const client = await home.open({ capabilities: { sampling: {} } });
    const ask = (): Promise<Message> =>
      client.call('up__ask', { method: 'sampling/createMessage', params: { messages: [] } });
    const isQuestion = ({ method }: Message): boolean => method === 'sampling/createMessage';
    void ask().catch(() => undefined);
    const first = await client.next('a question', isQuestion);
    owner.child.kill('SIGKILL');
    const answered = again(ask);
    const second = await client.next('another', (one) => isQuestion(one) && one.id !== first.id);
    expect(
      client.messages.find(({ method }) => method === 'notifications/cancelled')?.params,
    ).toMatchObject({ requestId: first.id });
    client.send(JSON.stringify({ jsonrpc: '2.0', id: first.id, result: { late: true } }));
    client.send(JSON.stringify({ jsonrpc: '2.0', id: second.id, result: { right: true } }));
    expect(textOf(await answered)).toContain('"right":true');
  });
});

it.skipIf(linux.isMissing)(`A bridge is thin: it loads no gateway ${linux.mark}`, async () => {
  await using home = household();
  const anonymousKib = ({ pid }: StdioClient): number =>
    Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  const owner = await home.open();
  const bridge = await home.open();
  expect(anonymousKib(bridge)).toBeLessThan(0.6 * anonymousKib(owner));
});

describe('A gateway that is asked to stop', () => {
  it.each([
    ['SIGTERM', (owner: StdioClient) => void owner.child.kill('SIGTERM')],
    ['the end of its own client', (owner: StdioClient) => void owner.child.stdin.end()],
  ])(
    'by %s answers the calls of others first; what comes meanwhile goes to the next one',
    async (_name, stop) => {
      await using home = household();
      const owner = await home.open();
      const client = await home.open();
      const running = client.call('up__sleep', { ms: 700 });
      await until('the call runs', () => home.journal.lines('"sleep"').length === 1);
      stop(owner);
      await until('it stops', () => owner.stderr.includes('stopping'));
      const later = client.call('up__pid');
      expect(textOf(await running)).toBe('slept 700');
      expect(Number(textOf(await later))).toBe(home.journal.starts()[1]);
      expect(await within('the owner ends', owner.exited)).toBe(0);
      expect(client.messages.filter(({ error }) => error !== undefined)).toEqual([]);
    },
  );

  it('as a bridge answers its client first', async () => {
    await using home = household();
    await home.open();
    const [byEnd, bySignal] = [await home.open(), await home.open()];
    const answers = [byEnd, bySignal].map((client) => client.call('up__sleep', { ms: 300 }));
    await until('the calls run', () => home.journal.lines('"sleep"').length === 2);
    byEnd.child.stdin.end();
    bySignal.child.kill('SIGTERM');
    for (const answer of await Promise.all(answers)) expect(textOf(answer)).toBe('slept 300');
    expect(await within('it ends', byEnd.exited)).toBe(0);
    expect(await within('it ends', bySignal.exited)).toBe(0);
  });
});

describe('A gateway that cannot share', () => {
  it('says that the running one has another configuration, and serves by itself', async () => {
    await using home = household();
    const owner = await home.open();
    home.write({ ...config(home.journal), catalog: { first_list_wait_ms: 100 } });
    const other = await home.open();
    expect(await pidOf(owner)).not.toBe(await pidOf(other));
    expect(other.stderr).toMatch(
      /serves by itself and keeps its state in memory, without the folder .*: a gateway that runs with an earlier content of this configuration, or another environment, owns it\n/,
    );
    owner.child.kill('SIGKILL');
    expect(await pidOf(other)).toBe(await pidOf(other));
  });

  it('serves by itself with --standalone, and says nothing of it', async () => {
    await using home = household();
    const owner = await home.open();
    const alone = await home.open({}, '--standalone');
    expect(await pidOf(owner)).not.toBe(await pidOf(alone));
    expect(alone.stderr).not.toContain('state');
  });

  it('refuses --standalone with --state-dir', async () => {
    await using home = household();
    const confused = home.start('--standalone', '--state-dir', home.folder);
    expect(await within('it ends', confused.exited)).toBe(1);
    expect(confused.stderr).toContain('leave one out');
  });

  const UNUSABLE: readonly (readonly [string, RegExp, (home: Household) => string])[] = [
    [
      'a link',
      /it is a symbolic link/,
      ({ folder }) => {
        mkdirSync(join(folder, 'elsewhere'));
        symlinkSync(join(folder, 'elsewhere'), join(folder, 'state'));
        return join(folder, 'state');
      },
    ],
    ['a file', /it is not a folder/, ({ file }) => file],
    [
      'not ours alone',
      /a file is in its way/,
      ({ folder }) => {
        mkdirSync(join(folder, 'state', 'owner.json', 'x'), { recursive: true });
        return join(folder, 'state');
      },
    ],
    ['below a file', /a file is in its way/, ({ file }) => join(file, 'state')],
    ['not to be made', /it cannot be made|it may not be written/, () => '/proc/hangar/state'],
    [
      "somebody else's",
      /it belongs to user \d+/,
      ({ folder }) => {
        mkdirSync(join(folder, 'state'));
        if (process.getuid?.() === 0) chownSync(join(folder, 'state'), 65_534, 65_534);
        return process.getuid?.() === 0 ? join(folder, 'state') : '/';
      },
    ],
  ];
  it.skipIf(linux.isMissing).each(UNUSABLE)(
    `serves without a folder that is %s ${linux.mark}`,
    async (_what, reason, place) => {
      await using home = household();
      const client = await home.open({}, '--state-dir', place(home));
      expect(await pidOf(client)).toBeGreaterThan(0);
      expect(client.stderr).toMatch(reason);
      expect(client.stderr.match(/keeps its state in memory/g)).toHaveLength(1);
    },
  );

  it('is not ready where the folder that it was given cannot be used, and says why', async () => {
    await using home = household();
    const inMemory = await home.http('--standalone');
    expect(await readiness(inMemory)).toEqual([
      200,
      expect.objectContaining({ state: 'unavailable: standalone' }),
    ]);
    const open = await home.http();
    expect(await readiness(open)).toEqual([200, expect.objectContaining({ state: 'open' })]);
    const without = home.start('--http', '--port', '0', '--state-dir', home.file);
    const origin = await until(
      'it serves',
      () => /serves at (http:\/\/[^/]+)\/mcp/.exec(without.stderr)?.[1],
    );
    const response = await fetch(`${origin}/health/ready`);
    expect([response.status, await response.json()]).toEqual([
      503,
      expect.objectContaining({ status: 'degraded', state: 'unavailable: it is not a folder' }),
    ]);
    expect((await fetch(`${origin}/health/live`)).status).toBe(200);
    without.child.kill('SIGTERM');
    await within('it ends', without.exited);
  });
});

describe('Gateways over HTTP', () => {
  it('share children whoever came first, and the address that was bound goes on', async () => {
    await using home = household();
    const first = await home.http();
    const second = await home.http();
    expect(second.stderr()).toContain(`its calls go through the gateway of process ${first.pid}`);
    const clients = [await LegacyClient.open(first.url()), await LegacyClient.open(second.url())];
    const pids = await Promise.all(clients.map(httpPidOf));
    expect(pids[0]).toBe(pids[1]);
    first.kill();
    const again = await LegacyClient.open(second.url('up'));
    expect(Number(textOf(await again.call('pid').answer()))).toBe(home.journal.starts()[1]);
    expect((await readiness(second))[0]).toBe(200);
    expect(await second.stop()).toBe(0);
  });

  it('end where they should take over and the event log that they were given is damaged', async () => {
    await using home = household();
    const path = join(home.folder, 'log.db');
    home.write(config(home.journal, { event_store: { path } }));
    const owner = await home.open();
    const relay = await home.http();
    writeFileSync(path, 'x'.repeat(5_000));
    // SQLite would read every page from there, and nothing were lost.
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
    owner.child.kill('SIGKILL');
    expect(await within('the relay ends', relay.exited)).toBe(2);
    expect(relay.stderr()).toMatch(/event_store\.allow_memory_fallback/);
  });

  it('check Host and Origin on every one of their addresses', async () => {
    await using home = household();
    await home.open();
    const relay = await home.http();
    const response = await fetch(relay.url(), {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
    });
    expect(response.status).toBe(403);
  });

  it('refuse an address that others can reach, also as a relay', async () => {
    await using home = household();
    await home.open();
    const open = home.start('--http', '--host', '0.0.0.0', '--port', '0');
    expect(await within('it ends', open.exited)).toBe(1);
    expect(open.stderr).toContain('add --unsafe-no-auth');
  });
});

describe('The state folder', () => {
  it.skipIf(linux.isMissing)(
    `is private, and nothing of it is left open to others ${linux.mark}`,
    async () => {
      await using home = household();
      await home.open();
      const [folder = ''] = home.stateFolders();
      expect(folder).toMatch(/\/config-[0-9a-f]{12}$/);
      expect(lstatSync(folder).mode & 0o777).toBe(0o700);
      expect(lstatSync(join(folder, 'hangar.sock')).mode & 0o777).toBe(0o600);
      const names = readdirSync(folder);
      expect(names).toEqual(expect.arrayContaining(['hangar.sock', 'owner.db', 'owner.json']));
      expect(names.filter((name) => /owner.*(?:journal|new)/.test(name))).toEqual([]);
    },
  );

  it('may have a path that is too long for a socket', async () => {
    await using home = household();
    const deep = join(home.folder, 'd'.repeat(60), 'e'.repeat(60));
    const flags = ['--state-dir', deep];
    const clients = [await home.open({}, ...flags), await home.open({}, ...flags)];
    const [one, other] = await Promise.all(clients.map(pidOf));
    expect(one).toBe(other);
  });

  it('is not used by whoever is not a gateway', async () => {
    await using home = household();
    const owner = await home.open();
    const [folder = ''] = home.stateFolders();
    writeFileSync(join(folder, 'owner.json'), '{"socket": "/etc/passwd"}');
    const other = home.start();
    owner.child.kill('SIGKILL');
    await other.initialize();
    expect(await pidOf(other)).toBeGreaterThan(0);
  });
});

it.skipIf(linux.isMissing)(
  `Ten random orders of kills lose no answer and leave nothing behind ${linux.mark}`,
  async () => {
    const report = await killOrders({ orders: 10, seed: 1 });
    expect(report.problems).toEqual([]);
    expect(report.answered).toBeGreaterThan(100);
  },
  180_000,
);
