/** Clients of the 2026-07-28 revision on servers of the legacy era: what the servers ask meanwhile reaches them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modern, modernCall, textOf, type ModernOptions } from '../support/clients.ts';
import { environment, ROOT, startGateway, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { ALL_ASKABLE, openPeer, type Peer, type StdioTarget } from '../support/sdk-peers.ts';
import { stdioTarget } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const SERVERS = { everything: { command: process.execPath, args: [EVERYTHING] } };
const run = promisify(execFile);

let gateway: GatewayProcess;
let journal: Journal;
let pipe: StdioTarget & AsyncDisposable;

beforeAll(async () => {
  pipe = await stdioTarget({ mcp_servers: SERVERS });
  journal = await Journal.open();
  gateway = await startGateway({
    mcp_servers: {
      ...SERVERS,
      up: upstream([journal.option], { leased_children_max: 2 }),
      flat: upstream([], { sharing: 'shared' }),
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
  await pipe?.[Symbol.asyncDispose]();
});

describe.each(['HTTP', 'stdio'] as const)('SDK v2 pinned to 2026-07-28 over %s', (transport) => {
  let peer: Peer;
  beforeAll(async () => {
    const target = transport === 'HTTP' ? gateway.url() : pipe;
    peer = await openPeer('SDK v2, modern', target, ALL_ASKABLE);
  });
  afterAll(() => peer?.[Symbol.asyncDispose]());

  it('sees the tools that need a client which can be asked', async () => {
    const names = (await peer.listTools()).map(({ name }) => name);
    expect(names).toContain('everything__trigger-elicitation-request');
    expect(names).toContain('everything__trigger-url-elicitation');
    expect(names).toContain('everything__trigger-sampling-request');
    expect(names).toContain('everything__get-roots-list');
  });

  it.each([
    ['trigger-elicitation-request', {}, 'elicitation/create', 'provided the requested information'],
    [
      'trigger-url-elicitation',
      { url: 'https://example.com/page' },
      'elicitation/create',
      'completed the URL elicitation flow',
    ],
    ['trigger-sampling-request', { prompt: 'say' }, 'sampling/createMessage', 'sampled words'],
    ['get-roots-list', {}, 'roots/list', 'file:///e2e/root'],
  ])('completes %s', async (tool, args, question, part) => {
    expect(await peer.callTool(`everything__${tool}`, args)).toContain(part);
    expect(peer.asked).toContain(question);
  });
});

describe('The Inspector in the modern era', () => {
  const inspect = async (...args: readonly string[]): Promise<string> => {
    const bin = join(ROOT, 'node_modules/.bin/mcp-inspector');
    const all = ['--cli', gateway.url('everything'), '--transport', 'http'];
    const era = ['--protocol-era', 'modern'];
    const options = { env: environment(journal.folder), timeout: 50_000 };
    return (await run(bin, [...all, ...era, ...args], options)).stdout;
  };

  it('lists and calls tools of a legacy server', async () => {
    expect(await inspect('--method', 'tools/list')).toContain('get-sum');
    const call = ['--tool-name', 'echo', '--tool-arg', 'message=over'];
    expect(await inspect('--method', 'tools/call', ...call)).toContain('Echo: over');
  });
});

const ELICIT = { method: 'elicitation/create', params: { message: 'Who?' } };
const CAPABILITIES = { elicitation: {}, roots: {}, sampling: {} };
const options: ModernOptions = { capabilities: CAPABILITIES };

interface Asked {
  readonly state: string;
  readonly questions: Record<string, { readonly method: string; readonly params: unknown }>;
}

function askedBy({ result }: Message): Asked {
  expect(result?.['resultType']).toBe('input_required');
  return {
    state: result?.['requestState'] as string,
    questions: result?.['inputRequests'] as Asked['questions'],
  };
}

const ask = async (args: Record<string, unknown> = ELICIT): Promise<Asked> =>
  askedBy(await modernCall(gateway.url('up'), 'ask', args, options).answer());

interface RetryOptions extends ModernOptions {
  readonly args?: unknown;
  readonly responses?: Record<string, unknown>;
}

function retry(state: string, changes: RetryOptions = {}): Promise<Message> {
  const { args = ELICIT, responses = {} } = changes;
  const params = { name: 'ask', arguments: args, requestState: state, inputResponses: responses };
  return modern(gateway.url('up'), 'tools/call', params, {
    ...options,
    id: 'again',
    ...changes,
  }).answer();
}

const accepted = { action: 'accept', content: { name: 'Ada' } };
const keysOf = ({ questions }: Asked): string => Object.keys(questions)[0] ?? '';
const codeOf = ({ error }: Message): unknown => (error?.data as Record<string, unknown>)?.['code'];

describe('A question of a legacy server', () => {
  it('is the answer to the request, and the next request goes on with the same call', async () => {
    const asked = await ask();
    expect(asked.questions[keysOf(asked)]).toEqual(ELICIT);
    const before = journal.lines('"tools/call"').length;
    const done = await retry(asked.state, { responses: { [keysOf(asked)]: accepted } });
    expect(done.id).toBe('again');
    expect(done.result).toMatchObject({ resultType: 'complete' });
    expect(textOf(done)).toContain('"name":"Ada"');
    expect(journal.lines('"tools/call"')).toHaveLength(before);
  });

  it('is put again where its answer is missing or no answer, and extra answers are ignored', async () => {
    const first = await ask();
    const second = askedBy(await retry(first.state, { responses: { other: accepted } }));
    expect(second.questions).toEqual(first.questions);
    const flawed = await retry(second.state, { responses: { [keysOf(second)]: { action: 'no' } } });
    expect(flawed.error).toMatchObject({ code: -32_602 });
    expect(flawed.error?.message).toContain(keysOf(second));
    const done = await retry(second.state, { responses: { [keysOf(second)]: accepted, x: 1 } });
    expect(textOf(done)).toContain('"name":"Ada"');
  });

  it('is opened by nobody with a state that is not the right one', async () => {
    const asked = await ask();
    const { state } = asked;
    const responses = { [keysOf(asked)]: accepted };
    const changed = `${state.slice(0, -2)}${state.endsWith('A') ? 'B' : 'A'}${state.slice(-1)}`;
    expect(codeOf(await retry(changed, { responses }))).toBe('REQUEST_STATE_INVALID');
    expect(codeOf(await retry('anything', { responses }))).toBe('REQUEST_STATE_INVALID');
    const other = { ...ELICIT, params: { message: 'Whose?' } };
    expect(codeOf(await retry(state, { responses, args: other }))).toBe('REQUEST_STATE_MISMATCH');
    expect(textOf(await retry(state, { responses }))).toContain('Ada');
    expect(codeOf(await retry(state, { responses }))).toBe('REQUEST_STATE_REPLAYED');
  });

  it.each([
    ['nested without end', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['long and no JSON', `["${'x'.repeat(70_000)}", nul]`],
  ])('that is %s costs nobody else anything', async (_, value) => {
    const line = `{"jsonrpc":"2.0","id":"bad","method":"roots/list","params":{"v":${value}}}`;
    await modernCall(gateway.url('up'), 'write', { line }, options).answer();
    const error = `"error":{"code":1,"message":"m","data":${'['.repeat(80_000)}${']'.repeat(80_000)}}`;
    const answer = { line: `{"jsonrpc":"2.0","id":ID,${error}}` };
    const refused = await modernCall(gateway.url('up'), 'reply', answer, options).answer();
    expect(refused.error).toMatchObject({ code: -32_603 });
    expect(gateway.stderr()).not.toContain('defect');
  });

  it('is gone with its server, and the client is told to call again', async () => {
    const asked = await ask();
    const asking = journal.entries().findLast(({ line }) => line?.includes('"ask"'));
    process.kill(asking?.pid ?? 0, 'SIGKILL');
    const after = await until('the call is gone', async () => {
      const answer = await retry(asked.state, { responses: { [keysOf(asked)]: { action: 1 } } });
      return answer.error?.message.includes('inputResponses') === true ? undefined : answer;
    });
    expect(codeOf(after)).toBe('PARKED_CALL_GONE');
    expect(after.error?.message).toContain('make the call again');
  });

  it('takes no place from others while the client thinks', async () => {
    const parked = await Promise.all([ask(), ask(), ask()]);
    expect(textOf(await modernCall(gateway.url('up'), 'pid', {}, options).answer())).toMatch(
      /^\d+$/,
    );
    const done = await Promise.all(
      parked.map((asked) => retry(asked.state, { responses: { [keysOf(asked)]: accepted } })),
    );
    expect(done.map((message) => textOf(message).includes('Ada'))).toEqual([true, true, true]);
  });
});

const requires = (capabilities: object): object => ({
  code: -32_021,
  data: { requiredCapabilities: capabilities },
});

describe('What a legacy server wants of a modern client that has not declared it', () => {
  it('is refused, and a call that fails for it says what is missing', async () => {
    const args = { ...ELICIT, strict: true };
    for (const capabilities of [{}, { sampling: {} }]) {
      const call = modernCall(gateway.url('up'), 'ask', args, { capabilities });
      expect((await call.answer()).error).toMatchObject(requires({ elicitation: { form: {} } }));
      expect(call.status).toBe(400);
    }
  });

  it('is not said to be missing where it was declared, and the child is one that asks nobody', async () => {
    const args = { ...ELICIT, strict: true };
    const answer = await modernCall(gateway.url('flat'), 'ask', args, options).answer();
    expect(answer.result).toMatchObject({ resultType: 'complete', isError: true });
  });

  it('is a page to visit, which needs a capability of its own', async () => {
    for (const capabilities of [{}, { sampling: {} }, { elicitation: {} }]) {
      const { error } = await wantPages({ capabilities }).answer();
      expect(error).toMatchObject(requires({ elicitation: { url: {} } }));
    }
  });
});

/** A call that the server ends with -32042. */
const PAGES = {
  line: `{"jsonrpc":"2.0","id":ID,"error":{"code":-32042,"message":"Sign in first","data":{"elicitations":[${JSON.stringify(
    { mode: 'url', url: 'https://example.com/a', message: 'Sign in', elicitationId: 'e-1' },
  )}]}}}`,
};
const wantPages = (changes: ModernOptions): Exchange =>
  modernCall(gateway.url('up'), 'reply', PAGES, changes);
const visiting: ModernOptions = { capabilities: { elicitation: { url: {} } } };

describe('Pages that a legacy server wants visited first (-32042)', () => {
  const again = (state: string, responses: Record<string, unknown>): Promise<Message> => {
    const params = { name: 'reply', arguments: PAGES };
    const answers = { requestState: state, inputResponses: responses };
    return modern(gateway.url('up'), 'tools/call', { ...params, ...answers }, visiting).answer();
  };

  it('are a question, and the request is made anew when they were visited', async () => {
    const before = journal.lines('Sign in first').length;
    const asked = askedBy(await wantPages(visiting).answer());
    expect(asked.questions).toEqual({
      'page-1': {
        method: 'elicitation/create',
        params: expect.objectContaining({ mode: 'url', url: 'https://example.com/a' }) as unknown,
      },
    });
    const next = askedBy(await again(asked.state, { 'page-1': { action: 'accept' } }));
    expect(journal.lines('Sign in first')).toHaveLength(before + 2);
    const refused = await again(next.state, { 'page-1': { action: 'decline' } });
    expect(refused.error?.code).toBe(-32_603);
    expect(codeOf(await again(next.state, {}))).toBe('REQUEST_STATE_REPLAYED');
    expect(journal.lines('Sign in first')).toHaveLength(before + 2);
  });

  it('are asked for ten times at most', async () => {
    let { state } = askedBy(await wantPages(visiting).answer());
    for (let round = 2; round <= 10; round += 1)
      ({ state } = askedBy(await again(state, { 'page-1': { action: 'accept' } })));
    const last = await again(state, { 'page-1': { action: 'accept' } });
    expect(codeOf(last)).toBe('INPUT_ROUNDS_EXCEEDED');
  });
});

describe('A parked call', () => {
  it('is asked about ten times at most', async () => {
    let { state } = await ask();
    for (let round = 2; round <= 10; round += 1) ({ state } = askedBy(await retry(state)));
    expect(codeOf(await retry(state))).toBe('INPUT_ROUNDS_EXCEEDED');
  });

  it('is one of limits.parked_calls_max, and goes on when there are too many', async () => {
    await using small = await startGateway({
      mcp_servers: { up: upstream() },
      limits: { parked_calls_max: 1 },
    });
    const call = (): Exchange => modernCall(small.url('up'), 'ask', ELICIT, options);
    const asked = askedBy(await call().answer());
    const second = call();
    expect(codeOf(await second.answer())).toBe('GATEWAY_BUSY');
    expect(second.status).toBe(503);
    const params = { name: 'ask', arguments: ELICIT, requestState: asked.state };
    const responses = { [keysOf(asked)]: accepted };
    const done = modern(
      small.url('up'),
      'tools/call',
      { ...params, inputResponses: responses },
      options,
    );
    expect(textOf(await done.answer())).toContain('Ada');
  });

  it('is gone with its gateway, and the client is told to call again', async () => {
    const asked = await ask();
    await using next = await startGateway({ mcp_servers: { up: upstream() } });
    const params = { name: 'ask', arguments: ELICIT, requestState: asked.state };
    const message = await modern(next.url('up'), 'tools/call', params, options).answer();
    expect(codeOf(message)).toBe('PARKED_CALL_GONE');
    expect(message.error?.message).toContain('before the gateway started');
  });
});

describe('Log messages of a legacy server', () => {
  it('come during the request that asks for them, and during no other', async () => {
    const said = (exchange: Exchange): readonly unknown[] =>
      exchange.messages().flatMap(({ method, params }) => (method === undefined ? [] : [params]));
    const meta = { 'io.modelcontextprotocol/logLevel': 'warning' };
    const wanting = modernCall(gateway.url('up'), 'log', { data: 'wanted' }, { meta });
    const other = modernCall(gateway.url('up'), 'log', { data: 'unwanted' });
    await Promise.all([wanting.answer(), other.answer()]);
    expect(said(wanting)).toEqual([{ level: 'info', data: 'wanted' }]);
    expect(said(other)).toEqual([]);
    expect(journal.lines('"logging/setLevel"').at(-1)).toContain('"warning"');
  });
});
