/** What a gateway keeps: the log of what its servers did and what was called, and the lists of cold servers. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import {
  McpServerEvent,
  mcpServerStream,
} from '../../packages/gateway/src/domain/mcp-server/events.ts';
import { lifecycleOf } from '../../packages/gateway/src/domain/mcp-server/lifecycle.ts';
import { LegacyClient, textOf } from '../support/clients.ts';
import { COMMAND, environment, type Config } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

const TRANSPORTS = ['stdio', 'HTTP'] as const;
const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

function home(rest: Config = {}): Household {
  const made = new Household((journal) => ({
    mcp_servers: { math: upstream([journal.option]), other: upstream([journal.option]) },
    ...rest,
  }));
  homes.push(made);
  return made;
}

interface Gateway {
  call(name: string, args?: unknown): Promise<Message>;
  tools(): Promise<readonly string[]>;
  stop(): Promise<number | string>;
  kill(): Promise<unknown>;
}

const namesOf = ({ result }: Message): readonly string[] =>
  ((result?.['tools'] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name);

async function gatewayIn(
  house: Household,
  transport: (typeof TRANSPORTS)[number],
): Promise<Gateway> {
  if (transport === 'stdio') {
    const client = await house.open();
    return {
      call: (name, args) => client.call(name, args),
      tools: async () => namesOf(await client.request('tools/list')),
      stop: () => {
        client.child.kill('SIGTERM');
        return client.exited;
      },
      kill: () => {
        client.child.kill('SIGKILL');
        return client.exited;
      },
    };
  }
  const gateway = await house.http();
  const client = await LegacyClient.open(gateway.url());
  return {
    call: (name, args) => client.call(name, args).answer(),
    tools: async () => namesOf(await client.request('tools/list').answer()),
    stop: () => gateway.stop(),
    kill: () => {
      gateway.kill();
      return gateway.exited;
    },
  };
}

interface Stored {
  readonly stream: string;
  readonly version: number;
  readonly event_type: string;
  readonly data: Record<string, unknown>;
}

const run = promisify(execFile);

async function hangar(house: Household, ...args: readonly string[]): Promise<string> {
  const flags = [COMMAND, ...args, '--config', house.file];
  const { stdout } = await run(process.execPath, flags, { env: environment(house.folder) });
  return stdout;
}

const eventsOf = async (
  house: Household,
  ...flags: readonly string[]
): Promise<readonly Stored[]> =>
  (await hangar(house, 'events', '--json', '--limit', '100000', ...flags))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Stored);

/** The phases of a server by its events; fails where one does not follow from the other. */
function phasesOf(events: readonly Stored[], id: string): readonly string[] {
  const { evolve, initial } = lifecycleOf(id, 3);
  const phases: string[] = [];
  let [state, version] = [initial, 0];
  for (const { stream, event_type: type, data, version: stored } of events) {
    if (stream !== mcpServerStream(id)) continue;
    expect(stored).toBe((version += 1));
    const event = McpServerEvent.parse({ type, data });
    const before = state.phase;
    state = evolve(state, event);
    const said = event.type === 'McpServerStateChanged' ? event.data.old_state : state.phase;
    expect(said).toBe(before);
    if (event.type === 'McpServerStateChanged') phases.push(event.data.new_state);
  }
  expect(state.phase).toBe(phases.at(-1) ?? 'cold');
  return phases;
}

describe.each(TRANSPORTS)('Over %s', (transport) => {
  it('row 19: every change of a provider is in the log, in order, also after restarts', async () => {
    const house = home();
    const first = await gatewayIn(house, transport);
    const pid = Number(textOf(await first.call('math__pid')));
    process.kill(pid, 'SIGKILL');
    await until('it has ended', () => !isAlive(pid));
    await until('it is started again', async () => 'result' in (await first.call('math__pid')));
    await first.call('registry_stop', { provider: 'math' });
    await first.call('math__pid');
    expect(await first.stop()).toBe(0);
    const ready = ['initializing', 'ready'];
    const once = [...ready, 'dead', ...ready, 'cold', ...ready, 'cold'];
    expect(phasesOf(await eventsOf(house), 'math')).toEqual(once);

    const second = await gatewayIn(house, transport);
    await second.call('math__pid');
    await until('that is in the log', async () => {
      return phasesOf(await eventsOf(house), 'math').length === once.length + 2;
    });
    await second.kill();
    await house.empty();
    const third = await gatewayIn(house, transport);
    await third.call('other__pid');
    await third.stop();
    // What was alive when the gateway was killed is closed before anything else is said.
    const events = await eventsOf(house);
    expect(phasesOf(events, 'math')).toEqual([...once, ...ready, 'cold']);
    const last = events.filter(({ stream }) => stream === mcpServerStream('math')).at(-1);
    expect(last?.data).toMatchObject({ reason: 'gateway_restarted' });
    expect(await hangar(house, 'events', 'verify')).toContain('whole');
  });

  it('row 20: SIGTERM lets 20 calls in flight finish, leaves nothing and ends with 0', async () => {
    const house = home();
    const gateway = await gatewayIn(house, transport);
    await gateway.call('math__pid');
    const calls = Array.from({ length: 20 }, () => gateway.call('math__sleep', { ms: 1_000 }));
    await until('they are under way', () => house.journal.lines('"sleep"').length >= 20);
    const code = gateway.stop();
    for (const message of await Promise.all(calls)) expect(textOf(message)).toBe('slept 1000');
    expect(await code).toBe(0);
    await house.empty();
  });

  it('row 20: those that outlast the grace get an error that says why', async () => {
    const house = home({ limits: { shutdown_grace_s: 0.3 } });
    const gateway = await gatewayIn(house, transport);
    await gateway.call('math__pid');
    const calls = Array.from({ length: 20 }, () => gateway.call('math__hang'));
    await until('they are under way', () => house.journal.lines('"hang"').length >= 20);
    const code = gateway.stop();
    for (const { error } of await Promise.all(calls))
      expect(error?.data).toMatchObject({ code: 'GATEWAY_STOPPING', retryable: true });
    expect(await code).toBe(0);
    await house.empty();
  });

  it('as many calls are recorded as were made, without what they were made with', async () => {
    const house = home();
    const gateway = await gatewayIn(house, transport);
    const secret = 'canary-argument';
    for (let wave = 0; wave < 7; wave += 1) {
      const calls = Array.from({ length: 100 }, (_, at) =>
        gateway.call('math__echo', { at: wave * 100 + at, secret }),
      );
      await Promise.all(calls);
    }
    await gateway.stop();
    const events = await eventsOf(house, '--server', 'math', '--type', 'ToolInvocationCompleted');
    expect(events).toHaveLength(700);
    const digests = new Set(events.map(({ data }) => data['arguments_digest']));
    expect(digests.size).toBe(700);
    expect(JSON.stringify(events)).not.toContain(secret);
  });

  it('a start lists cold servers from what is remembered, and starts none', async () => {
    const house = home();
    const first = await gatewayIn(house, transport);
    await until('all are listed', async () => {
      const names = await first.tools();
      return names.includes('math__echo') && names.includes('other__echo');
    });
    await first.stop();
    const before = house.journal.starts().length;
    const second = await gatewayIn(house, transport);
    expect(await second.tools()).toEqual(expect.arrayContaining(['math__echo', 'other__echo']));
    expect(house.journal.starts()).toHaveLength(before);
  });
});

describe('mcp-hangar events', () => {
  it('finds a call by the correlation id that its caller gave', async () => {
    const house = home();
    const gateway = await gatewayIn(house, 'stdio');
    const call = { provider: 'math', tool: 'pid', correlation_id: 'my-id' };
    await gateway.call('registry_invoke_ex', call);
    await gateway.stop();
    const calls = await eventsOf(house, '--type', 'ToolInvocationCompleted', '--server', 'math');
    expect(calls.map(({ data }) => data['correlation_id'])).toEqual(['my-id']);
  });

  it('prints as many as its limit allows, and names the limit where more are wanted', async () => {
    const house = home();
    expect(await eventsOf(house)).toEqual([]);
    const refused = await hangar(house, 'events', '--limit', '100001').catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: 1,
      stderr: 'mcp-hangar: --limit "100001" is no whole number from 0 to 100000\n',
    });
  });
});
