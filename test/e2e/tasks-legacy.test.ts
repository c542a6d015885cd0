/** Tasks of revision 2025-11-25 between clients and servers of that era. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, textOf } from '../support/clients.ts';
import { ROOT, startGateway, type GatewayProcess } from '../support/gateway.ts';
import { isAlive } from '../support/processes.ts';
import { everything, remote, type RemoteServer } from '../support/remote.ts';
import { StdioClient } from '../support/stdio.ts';
import { about, legacyTask, listed, longTask, taskIdOf } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { Journal, taskServer, upstream } from '../support/upstream.ts';

const LEGACY = ['--era=legacy'];
const COUNTED = [...LEGACY, '--ids=counted'];
const EVERYTHING = {
  command: [
    process.execPath,
    join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'),
  ],
};

let gateway: GatewayProcess;
let journal: Journal;
let http: RemoteServer;

beforeAll(async () => {
  journal = await Journal.open();
  http = await everything('streamableHttp');
  gateway = await startGateway({
    mcp_servers: {
      up: taskServer([...LEGACY, journal.option]),
      other: taskServer(LEGACY),
      first: taskServer(COUNTED),
      second: taskServer(COUNTED),
      fragile: taskServer(LEGACY),
      brief: taskServer(LEGACY, { idle_ttl_s: 1 }),
      control: upstream([], { idle_ttl_s: 1 }),
      web: remote(http.url),
    },
  });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await http?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

const open = (server?: string, capabilities = {}): Promise<LegacyClient> =>
  LegacyClient.open(gateway.url(server), { capabilities });
const capabilitiesOf = ({ hello }: LegacyClient): unknown => hello.result?.['capabilities'];
const pidOf = async (client: LegacyClient): Promise<number> =>
  Number(textOf(await client.call('pid').answer()));
const notFound = { code: -32_602, message: expect.stringContaining('Task not found') };

describe('A task', () => {
  it('is made, asked after and fetched as its server writes it', async () => {
    const client = await open('up');
    const made = await legacyTask(client, 'slow_compute', { seconds: 0.2, label: 'x' }).answer();
    expect(made.result).toMatchObject({ task: { status: 'working', ttl: 60_000 }, x: { kept: 1 } });
    const taskId = taskIdOf(made);
    expect((await about(client, 'get', taskId)).result).toMatchObject({ taskId });
    const fetched = await about(client, 'result', taskId);
    expect(textOf(fetched)).toBe('computed x');
    const related = { 'io.modelcontextprotocol/related-task': { taskId } };
    expect(fetched.result?.['_meta']).toEqual(related);
    expect((await about(client, 'get', taskId)).result).toMatchObject({ status: 'completed' });
  });

  it('is cancelled, and then over', async () => {
    const client = await open('up');
    const taskId = await longTask(client);
    const waiting = about(client, 'result', taskId);
    expect((await about(client, 'cancel', taskId)).result).toMatchObject({ status: 'cancelled' });
    expect((await waiting).error?.message).toBe('cancelled');
  });

  it('is told of on the stream of its own session', async () => {
    const [client, other] = [await open('up'), await open('up')];
    const [stream, others] = [await client.listen(), await other.listen()];
    const taskId = taskIdOf(await legacyTask(client, 'slow_compute', { seconds: 0.05 }).answer());
    const theirs = taskIdOf(await legacyTask(other, 'slow_compute', { seconds: 0.05 }).answer());
    const told = await stream.notified('notifications/tasks/status');
    expect(told.params).toMatchObject({ taskId, status: 'completed' });
    const toldToThem = await others.notified('notifications/tasks/status');
    expect(toldToThem.params).toMatchObject({ taskId: theirs });
    for (const exchange of [stream, others]) expect(exchange.messages()).toHaveLength(1);
  });

  it('reports its progress under the token of the call that made it', async () => {
    const [client, other] = [await open('up'), await open('up')];
    const [stream, others] = [await client.listen(), await other.listen()];
    const params = { name: 'slow_compute', arguments: { seconds: 60 }, task: {} };
    const _meta = { progressToken: 'täglich' };
    const taskId = taskIdOf(await client.request('tools/call', { ...params, _meta }).answer());
    const told = await stream.notified('notifications/progress');
    expect(told.params).toEqual({ progressToken: 'täglich', progress: 1 });
    await about(client, 'cancel', taskId);
    expect(others.messages()).toEqual([]);
  });

  it('cannot be read, fetched, cancelled or listed by another session of the same child', async () => {
    const [client, other] = [await open('up'), await open('up')];
    expect(await pidOf(client)).toBe(await pidOf(other));
    const taskId = await longTask(client);
    for (const what of ['get', 'result', 'cancel'])
      expect((await about(other, what, taskId)).error).toMatchObject(notFound);
    expect(await listed(other)).toEqual([]);
    expect(await listed(client)).toEqual([taskId]);
    expect((await about(client, 'get', taskId)).result).toMatchObject({ status: 'working' });
  });

  it('of a child of its own is listed by the server itself', async () => {
    const client = await open('up', { elicitation: {} });
    const own = await longTask(client);
    expect(await listed(client)).toEqual([own]);
    expect(await listed(await open('up', { elicitation: {} }))).toEqual([]);
  });

  it('that was made before the client asked for log messages is still found', async () => {
    const client = await open('up');
    const before = await longTask(client);
    await client.request('logging/setLevel', { level: 'info' }).answer();
    const after = await longTask(client);
    expect(await listed(client)).toEqual([before, after]);
    for (const taskId of [before, after])
      expect((await about(client, 'get', taskId)).result).toMatchObject({ taskId });
  });

  it('ends with its child, which is said clearly', async () => {
    const client = await open('fragile');
    const taskId = await longTask(client);
    await client.call('crash').answer();
    for (const what of ['get', 'result', 'cancel']) {
      expect((await about(client, what, taskId)).error).toMatchObject({
        code: -32_602,
        message: expect.stringMatching(/"fragile" has ended since.*call the tool again/),
        data: { code: 'TASK_LOST', retryable: false },
      });
    }
    expect(await listed(client)).toEqual([]);
  });

  it('keeps its child running, until it is over', async () => {
    const [client, control] = [await open('brief'), await open('control')];
    const taskId = await longTask(client);
    const [kept, idle] = [await pidOf(client), await pidOf(control)];
    await until('the child without a task is stopped', () => !isAlive(idle));
    expect(isAlive(kept)).toBe(true);
    await about(client, 'cancel', taskId);
    await until('the other is stopped too', () => !isAlive(kept));
  });

  it('keeps no child of a session that has ended', async () => {
    const client = await open('brief');
    await longTask(client);
    const kept = await pidOf(client);
    expect(await client.end()).toBe(204);
    await until('the child is stopped', () => !isAlive(kept));
  });
});

describe('Tasks of many servers', () => {
  it('are offered together', async () => {
    await (await open('up')).call('pid').answer();
    const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
    expect(capabilitiesOf(await open('up'))).toMatchObject({ tasks });
    expect(capabilitiesOf(await open())).toMatchObject({ tasks });
    expect(capabilitiesOf(await open('control'))).not.toHaveProperty('tasks');
  });

  it('go each to its own server, and come in one list', async () => {
    const client = await open();
    const up = await longTask(client, 'up__');
    const other = await longTask(client, 'other__');
    expect(await listed(client)).toEqual([up, other]);
    await about(client, 'cancel', up);
    expect((await about(client, 'get', up)).result).toMatchObject({ status: 'cancelled' });
    expect((await about(client, 'get', other)).result).toMatchObject({ status: 'working' });
    expect(await listed(await open())).toEqual([]);
  });

  it('come in pages where they are many', async () => {
    const client = await open();
    const made: string[] = [];
    for (let n = 0; n < 33; n += 1) made.push(await longTask(client, n % 2 ? 'up__' : 'other__'));
    const first = await client.request('tasks/list').answer();
    const cursor = first.result?.['nextCursor'];
    const second = await client.request('tasks/list', { cursor }).answer();
    expect(second.result).not.toHaveProperty('nextCursor');
    const ids = [first, second].flatMap(({ result }) =>
      JSON.stringify(result).match(/[\da-f-]{36}/g),
    );
    expect(ids).toEqual(made);
    const { error } = await client.request('tasks/list', { cursor: 'x' }).answer();
    expect(error?.code).toBe(-32_602);
  });

  it('are found by none of two servers that gave out one id', async () => {
    const client = await open();
    const taskId = await longTask(client, 'first__');
    expect((await about(client, 'get', taskId)).result).toMatchObject({ taskId });
    expect(await longTask(client, 'second__')).toBe(taskId);
    const { error } = await about(client, 'cancel', taskId);
    expect(error?.message).toContain('several servers have given out this id');
    const alone = await open('first');
    expect((await about(alone, 'get', taskId)).error).toMatchObject(notFound);
  });

  it('do not exist where no server has them', async () => {
    const client = await open('control');
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel', 'tasks/list']) {
      const { error } = await client.request(method, { taskId: 'x' }).answer();
      expect(error?.code).toBe(-32_601);
    }
    expect((await (await open('up')).request('tasks/get', {}).answer()).error?.code).toBe(-32_602);
  });
});

describe('The reference server', () => {
  const research = { topic: 'rivers', ambiguous: true };

  it('asks its client while the result is waited for, over HTTP', async () => {
    const client = await open('web', { elicitation: {} });
    const made = await legacyTask(client, 'simulate-research-query', research).answer();
    const taskId = taskIdOf(made);
    const waiting = client.request('tasks/result', { taskId });
    const question = await waiting.notified('elicitation/create');
    expect(question.params?.['_meta']).toMatchObject({
      'io.modelcontextprotocol/related-task': { taskId },
    });
    const result = { action: 'accept', content: { interpretation: 'technical' } };
    await client.post(JSON.stringify({ jsonrpc: '2.0', id: question.id, result })).ended;
    expect(textOf(await waiting.answer())).toContain('rivers');
  });

  it('does the same on pipes', async () => {
    const config = { mcp_servers: { everything: EVERYTHING } };
    await using client = await StdioClient.open(config, { capabilities: { elicitation: {} } });
    const name = 'everything__simulate-research-query';
    const params = { name, arguments: research, task: { ttl: 60_000 } };
    const taskId = taskIdOf(await client.request('tools/call', params));
    const waiting = client.request('tasks/result', { taskId }, 'result');
    const question = await client.notified('elicitation/create');
    const result = { action: 'accept', content: { interpretation: 'technical' } };
    client.send(JSON.stringify({ jsonrpc: '2.0', id: question.id, result }));
    expect(textOf(await waiting)).toContain('rivers');
  });

  it('gives its client a task, and asks after it', async () => {
    const asked = { sampling: { createMessage: {} } };
    const capabilities = { sampling: {}, tasks: { requests: asked } };
    await using client = await StdioClient.open(
      { mcp_servers: { everything: EVERYTHING } },
      { capabilities },
    );
    const called = client.call('everything__trigger-sampling-request-async', { prompt: 'hi' });
    const replies: Readonly<Record<string, unknown>> = {
      'sampling/createMessage': { task: { taskId: 'mine', status: 'working' } },
      'tasks/get': { taskId: 'mine', status: 'completed' },
      'tasks/result': { role: 'assistant', content: { type: 'text', text: 'done' }, model: 'm' },
    };
    const asks: unknown[] = [];
    for (const [method, result] of Object.entries(replies)) {
      const { id, params } = await client.notified(method);
      asks.push([method, params?.['taskId']]);
      client.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
    }
    expect(textOf(await called)).toContain('done');
    expect(asks.slice(1)).toEqual([
      ['tasks/get', 'mine'],
      ['tasks/result', 'mine'],
    ]);
  });
});
