/** Legacy clients on a server that speaks 2026-07-28 and nothing else, through the real command. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, structuredOf, textOf } from '../support/clients.ts';
import { startGateway, type Config, type GatewayProcess } from '../support/gateway.ts';
import type { Exchange, Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { modernOverHttp, remote, type RemoteServer } from '../support/remote.ts';
import { StdioClient, stdioTarget } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { modernServer } from '../support/upstream.ts';

type Json = Record<string, unknown>;

const META = 'io.modelcontextprotocol/';
const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} };
const SAMPLED = {
  model: 'm',
  role: 'assistant' as const,
  content: { type: 'text' as const, text: 'sampled words' },
};
const ROOTS = { roots: [{ uri: 'file:///e2e/root' }] };
const FORM = { action: 'accept' as const, content: { check: true, name: 'Ada' } };
const FORM_WORDS = 'action=accept, content={"check":true,"name":"Ada"}';

let http: RemoteServer;
let gateway: GatewayProcess;

beforeAll(async () => {
  http = await modernOverHttp();
  gateway = await startGateway({ mcp_servers: servers() });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await http?.[Symbol.asyncDispose]();
});

const servers = (): Config => ({
  pipe: modernServer(),
  patient: modernServer({ call_timeout_s: 0.5 }),
  idle: modernServer({ idle_ttl_s: 1 }),
  flat: modernServer({ sharing: 'shared' }),
  http: remote(http.url),
});

interface Peer extends AsyncDisposable {
  readonly client: Client;
  /** What it was asked. */
  readonly asked: { readonly method: string; readonly params: Json }[];
}

/** The client of SDK v1, answering all that it can be asked. */
async function openV1(transport: Transport): Promise<Peer> {
  const client = new Client({ name: 'v1', version: '1.2.3' }, { capabilities: CAPABILITIES });
  const asked: Peer['asked'] = [];
  const note = (request: { readonly method: string; readonly params?: unknown }): void => {
    asked.push({ method: request.method, params: (request.params ?? {}) as Json });
  };
  client.setRequestHandler(ElicitRequestSchema, (request) => {
    note(request);
    return request.params.mode === 'url' ? { action: 'accept' } : FORM;
  });
  client.setRequestHandler(CreateMessageRequestSchema, (request) => {
    note(request);
    return SAMPLED;
  });
  client.setRequestHandler(ListRootsRequestSchema, (request) => {
    note(request);
    return ROOTS;
  });
  await client.connect(transport);
  return { client, asked, [Symbol.asyncDispose]: () => client.close() };
}

const overHttp = (server: string): Promise<Peer> =>
  // The SDK was not compiled with exactOptionalPropertyTypes: its own transport is not its own interface.
  openV1(new StreamableHTTPClientTransport(new URL(gateway.url(server))) as Transport);

async function call(peer: Peer, name: string, args: Json = {}): Promise<string> {
  const result = await peer.client.callTool({ name, arguments: args });
  return textOf({ jsonrpc: '2.0', result });
}

/** What the tools say that ask in every way there is. @param prefix before the names of tools */
async function askEverything(peer: Peer, prefix = ''): Promise<readonly string[]> {
  const said: string[] = [];
  for (const name of ['form', 'page', 'sample', 'roots', 'all', 'two_rounds', 'state_only'])
    said.push(await call(peer, `${prefix}${name}`));
  return [...said, await call(peer, `${prefix}routed`, { region: 'ümlaut' })];
}
const SAID = [
  `form: ${FORM_WORDS}`,
  'page: action=accept, content={}',
  'words: sampled words',
  'roots: file:///e2e/root',
  `form: ${FORM_WORDS}; words: sampled words; roots: file:///e2e/root`,
  `${FORM_WORDS} | ${FORM_WORDS}`,
  'came back twice',
  `{"region":"ümlaut"} ${FORM_WORDS}`,
];

describe.each(['pipe', 'http'])('The client of SDK v1 on a modern server (%s)', (server) => {
  it('completes forms, pages, sampling and roots over HTTP', async () => {
    await using peer = await overHttp(server);
    expect(await askEverything(peer)).toEqual(SAID);
    const page = peer.asked.find(({ params }) => params['mode'] === 'url');
    expect(page?.params).toMatchObject({
      message: 'Please visit',
      url: 'https://example.test/consent?a=1&b=%20',
      elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
  });

  it('completes them over stdio', async () => {
    await using target = await stdioTarget({
      mcp_servers: { [server]: servers()[server] },
    });
    const { command, args, cwd, env } = target;
    const transport = new StdioClientTransport({
      command,
      args: [...args],
      cwd,
      env,
      stderr: 'ignore',
    });
    await using peer = await openV1(transport);
    expect(await askEverything(peer, `${server}__`)).toEqual(SAID);
  });

  it('completes them through registry_invoke', async () => {
    await using peer = await openV1(
      new StreamableHTTPClientTransport(new URL(gateway.url())) as Transport,
    );
    const invoke = (tool: string): Promise<string> =>
      call(peer, 'registry_invoke', { provider: server, tool, arguments: {} });
    expect(await invoke('all')).toContain('words: sampled words; roots: file:///e2e/root');
    expect(await invoke('two_rounds')).toBe(`${FORM_WORDS} | ${FORM_WORDS}`);
    expect(JSON.parse(await invoke('whoami'))).toMatchObject({
      [`${META}clientInfo`]: { name: 'v1', version: '1.2.3' },
      [`${META}clientCapabilities`]: CAPABILITIES,
    });
  });

  it('is asked by prompts and resources too', async () => {
    await using peer = await overHttp(server);
    const prompt = await peer.client.getPrompt({ name: 'asks' });
    expect(prompt.messages[0]?.content).toEqual({ type: 'text', text: FORM_WORDS });
    const read = await peer.client.readResource({ uri: 'asks://name' });
    expect(read.contents).toEqual([{ uri: 'asks://name', text: FORM_WORDS }]);
    expect(read).not.toHaveProperty('ttlMs');
  });

  it('reads values of any kind as objects, as its list says', async () => {
    await using peer = await overHttp(server);
    const { tools } = await peer.client.listTools();
    const schemaOf = (name: string): unknown =>
      tools.find((tool) => tool.name === name)?.outputSchema;
    expect(schemaOf('list')).toMatchObject({
      type: 'object',
      properties: {
        result: {
          type: 'array',
          items: { properties: { next: { $ref: '#/properties/result/items' } } },
        },
      },
      required: ['result'],
    });
    expect(schemaOf('plain')).toMatchObject({ type: 'object', properties: { n: {} } });
    const output = async (name: string): Promise<unknown> =>
      (await peer.client.callTool({ name })).structuredContent; // validated by the client
    expect(await output('list')).toEqual({ result: [{ n: 1, next: { n: 2 } }] });
    expect(await output('either')).toEqual({ result: { n: 1 } });
    expect(await output('plain')).toEqual({ n: 1 });
  });

  it('hears log lines once it has set a level, and progress in every round', async () => {
    await using peer = await overHttp(server);
    const lines: unknown[] = [];
    peer.client.fallbackNotificationHandler = ({ method, params }) => {
      if (method === 'notifications/message') lines.push(params?.['data']);
      return Promise.resolve();
    };
    await call(peer, 'log');
    expect(lines).toEqual([]);
    await peer.client.setLoggingLevel('info');
    await call(peer, 'log');
    await until('the line has come', () => lines.length === 1);
    const progress: number[] = [];
    const onprogress = (told: { readonly progress: number }): void => {
      progress.push(told.progress);
    };
    await peer.client.callTool({ name: 'two_rounds' }, undefined, { onprogress });
    // What comes in one read with the answer is lost by the SDK.
    expect(progress.slice(0, 2)).toEqual([0, 1]);
  });
});

const open = (server: string, capabilities: Json = CAPABILITIES): Promise<LegacyClient> =>
  LegacyClient.open(gateway.url(server), { capabilities });
const answerTo = async (client: LegacyClient, id: unknown, result: unknown): Promise<void> =>
  client.post(JSON.stringify({ jsonrpc: '2.0', id, result })).ended;
const asked = (exchange: Exchange, count = 1): Promise<readonly Message[]> =>
  until('the client is asked', () => {
    const questions = exchange.messages().filter(({ id, method }) => id !== undefined && method);
    return questions.length >= count && questions;
  });
const codeOf = ({ error }: Message): unknown => (error?.data as Json | undefined)?.['code'];

describe('A request of a legacy client', () => {
  it('introduces the client, and what it forges counts for nothing', async () => {
    const capabilities = { ...CAPABILITIES, tasks: { list: {} }, roots: { listChanged: true } };
    const client = await open('pipe', capabilities);
    const forged = {
      [`${META}clientCapabilities`]: { everything: {} },
      [`${META}logLevel`]: 'debug',
      [`${META}other`]: 1,
      traceparent: '00-1',
    };
    const told = JSON.parse(textOf(await client.call('whoami', {}, forged).answer())) as Json;
    expect(told[`${META}clientCapabilities`]).toEqual(CAPABILITIES);
    expect(told[`${META}clientInfo`]).toEqual({ name: 'e2e', version: '1.0.0' });
    expect(JSON.stringify(told)).not.toContain('logLevel');
    expect(JSON.stringify(told)).not.toContain('other"');
    expect(JSON.stringify(told)).toContain('"traceparent":"00-1"');
  });

  it('carries no log level to a child that all clients share', async () => {
    const client = await open('flat');
    await client.request('logging/setLevel', { level: 'debug' }).answer();
    expect(textOf(await client.call('whoami').answer())).not.toContain('logLevel');
  });

  it('is never answered with what only modern clients know', async () => {
    const client = await open('pipe');
    const { result } = await client.call('plain').answer();
    expect(Object.keys(result ?? {}).toSorted()).toEqual(['content', 'structuredContent']);
    expect(structuredOf(await client.call('list').answer())).toHaveProperty('result');
  });
});

describe('What a modern server wants of a legacy client', () => {
  it('comes on the stream of the call, all at once', async () => {
    const client = await open('pipe');
    const stream = await client.listen();
    const exchange = client.call('all');
    const questions = await asked(exchange, 3);
    expect(questions.map(({ method }) => method)).toEqual([
      'elicitation/create',
      'sampling/createMessage',
      'roots/list',
    ]);
    for (const [index, result] of [FORM, SAMPLED, ROOTS].entries())
      await answerTo(client, questions[index]?.id, result);
    expect(textOf(await exchange.answer())).toContain('words: sampled words');
    expect(stream.messages()).toEqual([]);
  });

  it('is not asked of a client that has not declared it', async () => {
    const client = await open('pipe', { elicitation: {} });
    for (const tool of ['sample', 'page', 'all']) {
      const exchange = client.call(tool);
      const answer = await exchange.answer();
      // SDK v2 sees from the declared capabilities that the client cannot be asked.
      expect(answer.error).toMatchObject({ code: -32_603, data: { upstreamCode: -32_021 } });
      expect(exchange.messages()).toHaveLength(1);
    }
    const exchange = client.call('form');
    const [question] = await asked(exchange);
    await answerTo(client, question?.id, FORM);
    expect(textOf(await exchange.answer())).toBe(`form: ${FORM_WORDS}`);
  });

  it('ends the call where the client answers with an error, and the rest is taken back', async () => {
    const client = await open('pipe');
    const exchange = client.call('all');
    const [form, sample, roots] = await asked(exchange, 3);
    const error = { code: -1, message: 'not now' };
    await client.post(JSON.stringify({ jsonrpc: '2.0', id: sample?.id, error })).ended;
    const answer = await exchange.answer();
    expect(codeOf(answer)).toBe('INPUT_REFUSED');
    expect(answer.error?.message).toBe(
      'the client answered sampling/createMessage with an error (-1): not now',
    );
    const withdrawn = exchange.messages().filter(({ method }) => method === CANCELLED);
    expect(withdrawn.map(({ params }) => params?.['requestId'])).toEqual([form?.id, roots?.id]);
  });

  it('goes with the call when the client cancels that', async () => {
    const client = await open('pipe');
    const exchange = client.request('tools/call', { name: 'form' }, 'gone');
    const [question] = await asked(exchange);
    await client.notify(CANCELLED, { requestId: 'gone' });
    await until('the call is over', () => exchange.over);
    const withdrawn = exchange.messages().find(({ method }) => method === CANCELLED);
    expect(withdrawn?.params?.['requestId']).toBe(question?.id);
    await answerTo(client, question?.id, FORM);
    expect(textOf(await client.call('pid').answer())).toMatch(/^\d+$/);
  });

  it('goes with its session', async () => {
    const client = await open('pipe');
    const exchange = client.call('form');
    await asked(exchange);
    expect(await client.end()).toBe(204);
    await until('the call is over', () => exchange.over);
  });

  it('is refused when the client of a pipe goes', async () => {
    const client = await StdioClient.open(
      { mcp_servers: { pipe: modernServer() } },
      { capabilities: CAPABILITIES },
    );
    const answer = client.call('pipe__form');
    await client.notified('elicitation/create');
    expect(await client.end()).toBe(0);
    expect(codeOf(await answer)).toBe('INPUT_REFUSED');
  });

  it('does not count as time of the server, nor of others of its child', async () => {
    const client = await open('patient');
    const exchange = client.call('form');
    const [question] = await asked(exchange);
    const other = await open('patient');
    await expectTimeout(other);
    await answerTo(client, question?.id, FORM);
    expect(textOf(await exchange.answer())).toBe(`form: ${FORM_WORDS}`);
  });

  it('may be answered when the child that wanted it has been killed', async () => {
    const client = await open('pipe');
    const pid = Number(textOf(await client.call('pid').answer()));
    const exchange = client.call('two_rounds');
    const [first] = await asked(exchange);
    process.kill(pid, 'SIGKILL');
    // Before the gateway has noticed, the retry would be a call that its server ends during.
    const ended = `pid=${pid} detail=signal SIGKILL`;
    await until('the gateway knows', () => gateway.stderr().includes(ended));
    await answerTo(client, first?.id, FORM);
    const [, second] = await asked(exchange, 2);
    await answerTo(client, second?.id, FORM);
    expect(textOf(await exchange.answer())).toBe(`${FORM_WORDS} | ${FORM_WORDS}`);
  });

  it('holds no child: one that nobody uses is stopped meanwhile', async () => {
    const client = await open('idle');
    const pid = Number(textOf(await client.call('pid').answer()));
    const exchange = client.call('form');
    const [question] = await asked(exchange);
    await until('the idle child has ended', () => !isAlive(pid));
    await answerTo(client, question?.id, FORM);
    expect(textOf(await exchange.answer())).toBe(`form: ${FORM_WORDS}`);
  });

  it('is asked ten times at most', async () => {
    const client = await open('pipe');
    const exchange = client.call('insatiable');
    for (let round = 1; round <= 10; round += 1)
      await answerTo(client, (await asked(exchange, round))[round - 1]?.id, FORM);
    expect(codeOf(await exchange.answer())).toBe('INPUT_ROUNDS_EXCEEDED');
  });

  it('is one call in the record, however many rounds it took', async () => {
    await using own = await startGateway({ mcp_servers: { pipe: modernServer() } });
    const client = await LegacyClient.open(own.url('pipe'), { capabilities: CAPABILITIES });
    const exchange = client.call('two_rounds');
    for (const round of [1, 2])
      await answerTo(client, (await asked(exchange, round))[round - 1]?.id, FORM);
    await exchange.answer();
    const cancelled = client.request('tools/call', { name: 'form' }, 'gone');
    await asked(cancelled);
    await client.notify(CANCELLED, { requestId: 'gone' });
    const whole = await LegacyClient.open(own.url());
    const health = async (): Promise<Json> =>
      structuredOf(await whole.call('registry_details', { provider: 'pipe' }).answer())[
        'health'
      ] as Json;
    expect(await health()).toMatchObject({ total_invocations: 2, total_failures: 0 });
  });
});

const CANCELLED = 'notifications/cancelled';

/** A call that its server never answers. */
async function expectTimeout(client: LegacyClient): Promise<void> {
  const answer = await client.call('hang').answer();
  expect(codeOf(answer)).toBe('CALL_TIMED_OUT');
}
