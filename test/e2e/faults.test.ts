/** What goes wrong in a server during a call costs that call, and nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const ERROR_MS_MAX = 50;
const ROUNDS = 7;

/** Lines that a server has no business to print, by what they are. */
const HOSTILE_LINES = {
  'a word': 'hello',
  nothing: '',
  'half an object': '{',
  'a batch': '[]',
  null: 'null',
  'an empty message': '{"jsonrpc":"2.0"}',
  'an answer to null': '{"jsonrpc":"2.0","id":null,"result":{}}',
  'an answer to nobody': '{"jsonrpc":"2.0","id":987654,"result":{}}',
  'an error to nobody': '{"jsonrpc":"2.0","id":"987654","error":{}}',
  'a ping with a broken id': String.raw`{"jsonrpc":"2.0","id":"\q","method":"ping"}`,
  'a question with a broken id': String.raw`{"jsonrpc":"2.0","id":"\q","method":"roots/list"}`,
  'a question with an object as id':
    '{"jsonrpc":"2.0","id":{"a":[1]},"method":"sampling/createMessage"}',
  'an update of a broken URI': String.raw`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"\q"}}`,
  'an update of an object':
    '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":{}}}',
  'an update of nothing': '{"jsonrpc":"2.0","method":"notifications/resources/updated"}',
  'progress on an object':
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{}}}',
  'a cancellation of nothing': '{"jsonrpc":"2.0","method":"notifications/cancelled"}',
  'half a notification':
    '{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":[1,2',
  'a method named __proto__': '{"jsonrpc":"2.0","method":"__proto__","params":{"__proto__":{}}}',
  'an abyss': `{"jsonrpc":"2.0","id":1,"method":"x","params":${'['.repeat(30_000)}`,
};

let gateway: GatewayProcess;
const journals = new Map<string, Journal>();
const journal = (server: string): Journal => {
  const found = journals.get(server);
  if (found === undefined) throw new Error(`No journal of ${server}`);
  return found;
};

beforeAll(async () => {
  for (const server of ['killed', 'frozen', 'left', 'both', 'bad', 'calm'])
    journals.set(server, await Journal.open());
  const server = (id: string, keys = {}, ...args: string[]) =>
    upstream([journal(id).option, ...args], keys);
  gateway = await startGateway({
    limits: { upstream_message_bytes_max: 65_536 },
    mcp_servers: {
      killed: server('killed'),
      frozen: server('frozen', { call_timeout_s: 0.5 }),
      left: server('left'),
      both: server('both', {}, '--era=dual'),
      bad: server('bad'),
      calm: server('calm'),
    },
  });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  for (const each of journals.values()) await each[Symbol.asyncDispose]();
});

const codeOf = (message: Message): unknown => {
  const data = message.error?.data;
  return typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
};
const pidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('pid').answer()));
const arrived = (server: string, part: string, count = 1): Promise<readonly string[]> =>
  until(`${server} reads ${part}`, () => {
    const lines = journal(server).lines(part);
    return lines.length >= count && lines;
  });
const idIn = (line: string | undefined): unknown =>
  (JSON.parse(line ?? '{}') as { readonly id?: unknown }).id;
/** The ids that a server was told to give up. */
const cancelledIn = (server: string): readonly unknown[] =>
  journal(server)
    .lines('notifications/cancelled')
    .map((line) => (JSON.parse(line) as Message).params?.['requestId']);

describe('A server that is killed during a call', () => {
  it('costs that call at once, and the next one succeeds after one restart', async () => {
    const client = await LegacyClient.open(gateway.url('killed'));
    const waitedMs: number[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const pid = await pidOf(client);
      const call = client.call('hang', { round });
      await arrived('killed', `"round":${round}`);
      process.kill(pid, 'SIGKILL');
      const killedAtMs = performance.now(); // at the latest the exit follows from here
      const message = await call.answer();
      waitedMs.push(call.endedAtMs - killedAtMs);
      expect(message.error?.code).toBe(-32_000);
      expect(codeOf(message)).toBe('UPSTREAM_ENDED');
      expect(message.error?.message).toContain('SIGKILL');
      expect(await pidOf(client)).not.toBe(pid);
      expect(journal('killed').starts()).toHaveLength(round + 1);
    }
    const median = waitedMs.toSorted((a, b) => a - b)[(ROUNDS - 1) / 2];
    console.log(`error after SIGKILL, median of ${ROUNDS}: ${median?.toFixed(1)} ms`);
    expect(median).toBeLessThan(ERROR_MS_MAX);
  });

  it('fails every call in flight on it, in both eras, and none on another server', async () => {
    const client = await LegacyClient.open(gateway.url('killed'));
    const pid = await pidOf(client);
    const legacy = [client.call('hang', { all: 1 }), client.call('hang', { all: 1 })];
    const modernOnes = [modernCall(gateway.url('killed'), 'hang', { all: 1 })];
    const other = modernCall(gateway.url('calm'), 'sleep', { ms: 300 });
    await arrived('killed', '"all":1', 3);
    process.kill(pid, 'SIGKILL');
    for (const call of [...legacy, ...modernOnes])
      expect(codeOf(await call.answer())).toBe('UPSTREAM_ENDED');
    expect(textOf(await other.answer())).toBe('slept 300');
  });

  it('is the same for a server that ends itself', async () => {
    const client = await LegacyClient.open(gateway.url('killed'));
    const message = await client.call('crash', { code: 42 }).answer();
    expect(message.error?.message).toContain('exit code 42');
    expect(await pidOf(client)).toBeGreaterThan(0);
  });
});

describe('A server that is frozen during a call', () => {
  it('is told to give up once the time is over, and holds up nobody else', async () => {
    const client = await LegacyClient.open(gateway.url('frozen'));
    const calm = await LegacyClient.open(gateway.url('calm'));
    const pid = await pidOf(client);
    await pidOf(calm);
    process.kill(pid, 'SIGSTOP');
    try {
      const startedMs = performance.now();
      const call = client.call('echo', { frozen: true });
      const othersMs: number[] = [];
      while (!call.over) {
        const other = performance.now();
        await calm.call('echo').answer();
        othersMs.push(performance.now() - other);
      }
      const message = await call.answer();
      expect(message.error?.code).toBe(-32_001);
      expect(codeOf(message)).toBe('CALL_TIMED_OUT');
      expect(message.error?.message).toContain('0.5 s');
      expect(call.endedAtMs - startedMs).toBeGreaterThan(495);
      expect(call.endedAtMs - startedMs).toBeLessThan(1_500);
      expect(othersMs.length).toBeGreaterThan(10);
      expect(othersMs.toSorted((a, b) => a - b)[Math.floor(othersMs.length / 2)]).toBeLessThan(50);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const [line] = await arrived('frozen', '"frozen":true');
    await arrived('frozen', 'notifications/cancelled');
    expect(cancelledIn('frozen')).toEqual([idIn(line)]);
    expect(await pidOf(client)).toBe(pid);
  });

  it('is not given up while it reports progress', async () => {
    const client = await LegacyClient.open(gateway.url('frozen'));
    const call = client.call('progress', { steps: 4, ms: 300 }, { progressToken: 'p' });
    expect(textOf(await call.answer())).toBe('done');
  });
});

describe('A client that goes away', () => {
  const goAway = async (server: string, part: string, call: Exchange): Promise<unknown> => {
    const [line] = await arrived(server, part);
    call.close();
    return idIn(line);
  };

  it.each(['left', 'both'])('has cancelled its call in the modern era: %s', async (server) => {
    const call = modernCall(gateway.url(server), 'sleep', { ms: 60_000, of: 'modern' });
    const id = await goAway(server, '"of":"modern"', call);
    await until('the cancellation arrives', () => cancelledIn(server).includes(id));
    expect(id).toEqual(expect.any(Number));
  });

  it('has not cancelled it in a legacy one', async () => {
    const client = await LegacyClient.open(gateway.url('left'));
    const call = client.call('sleep', { ms: 200, of: 'legacy' });
    const id = await goAway('left', '"of":"legacy"', call);
    expect(textOf(await client.call('sleep', { ms: 300 }).answer())).toBe('slept 300');
    expect(cancelledIn('left')).not.toContain(id);
  });

  it('has cancelled it when it says so, and gets no answer', async () => {
    const client = await LegacyClient.open(gateway.url('left'));
    const args = { name: 'sleep', arguments: { ms: 60_000, of: 'number' } };
    const numbered = client.request('tools/call', args, 7);
    const named = client.request('tools/call', { name: 'sleep', arguments: { ms: 400 } }, '7');
    const [line] = await arrived('left', '"of":"number"');
    expect(await client.notify('notifications/cancelled', { requestId: 7 })).toBe(202);
    await until('the call is over', () => numbered.over);
    expect(numbered.messages()).toEqual([]);
    await until('the server knows', () => cancelledIn('left').includes(idIn(line)));
    const message = await named.answer();
    expect(message.id).toBe('7');
    expect(textOf(message)).toBe('slept 400');
  });

  it('may cancel what was never asked or is long answered', async () => {
    const client = await LegacyClient.open(gateway.url('left'));
    await client.request('ping', undefined, 5).answer();
    for (const requestId of [5, 'no', 1e30, -1, null, undefined]) {
      expect(await client.notify('notifications/cancelled', { requestId })).toBe(202);
    }
    expect(await pidOf(client)).toBeGreaterThan(0);
  });
});

describe('A server that answers badly', () => {
  it.each([
    ['a line that is not JSON', 'garbage', {}, 'UPSTREAM_ANSWER_INVALID'],
    ['a line over the limit', 'gen', { bytes: 100_000 }, 'UPSTREAM_ANSWER_TOO_LARGE'],
    ['12 MB in one line', 'gen', { bytes: 12_000_000 }, 'UPSTREAM_ANSWER_TOO_LARGE'],
  ])('with %s loses that call only', async (_what, tool, args, code) => {
    const client = await LegacyClient.open(gateway.url('bad'));
    const pid = await pidOf(client);
    const slow = client.call('sleep', { ms: 200 });
    expect(codeOf(await client.call(tool, args).answer())).toBe(code);
    expect(textOf(await slow.answer())).toBe('slept 200');
    expect(await pidOf(client)).toBe(pid);
  });

  it('passes an answer that is just under the limit', async () => {
    const client = await LegacyClient.open(gateway.url('bad'));
    const message = await client.call('gen', { bytes: 65_000 }).answer();
    expect(textOf(message)).toHaveLength(65_000);
  });

  it.each(Object.entries(HOSTILE_LINES))(
    'may print %s and goes on working',
    async (_what, line) => {
      const client = await LegacyClient.open(gateway.url('bad'), { capabilities: { roots: {} } });
      const shared = await LegacyClient.open(gateway.url('bad'));
      for (const each of [client, shared]) {
        expect(textOf(await each.call('write', { line }).answer())).toBe('written');
        expect(textOf(await each.call('echo', {}).answer())).toContain('echo');
      }
      expect(isAlive(gateway.pid)).toBe(true);
      expect(gateway.stderr()).not.toContain('defect');
      expect(await client.end()).toBe(204);
    },
  );

  it('may flood the gateway with what nobody waits for', async () => {
    const client = await LegacyClient.open(gateway.url('bad'));
    const calm = await LegacyClient.open(gateway.url('calm'));
    const flood = client.call('flood', { lines: 6_000, bytes: 1_000 });
    const startedMs = performance.now();
    expect(await pidOf(calm)).toBeGreaterThan(0);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await until('the flood is over', () => flood.over, 30_000);
    expect(textOf(flood.messages().at(-1) as Message)).toBe('flooded');
  });
});
