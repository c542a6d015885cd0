/** The tasks extension of 2026-07-28 between clients and servers of that era. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import type { Exchange, Message } from '../support/http.ts';
import { isAlive } from '../support/processes.ts';
import { remote, tasksOverHttp, type RemoteServer } from '../support/remote.ts';
import type { StdioClient } from '../support/stdio.ts';
import {
  EXTENSION,
  KNOWS_TASKS,
  modernAbout,
  modernTask,
  reached,
  taskIdOf,
} from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { Journal, taskServer, upstream } from '../support/upstream.ts';

const MODERN = ['--era=modern'];
const META = 'io.modelcontextprotocol/';
const SLOW = { seconds: 60 };

let gateway: GatewayProcess;
let journal: Journal;
let http: RemoteServer;

beforeAll(async () => {
  journal = await Journal.open();
  http = await tasksOverHttp([journal.option]);
  gateway = await startGateway({
    mcp_servers: {
      up: taskServer([...MODERN, journal.option]),
      web: remote(http.url),
      first: taskServer([...MODERN, '--ids=counted']),
      second: taskServer([...MODERN, '--ids=counted']),
      brief: taskServer(MODERN, { idle_ttl_s: 1 }),
      control: upstream(['--era=modern'], { idle_ttl_s: 1 }),
    },
  });
  for (const server of ['up', 'web']) await modern(gateway.url(server), 'tools/list').answer();
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await http?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

const begin = async (server: string | undefined, prefix = '', args = {}): Promise<string> =>
  taskIdOf(await modernTask(gateway.url(server), `${prefix}slow_compute`, { ...SLOW, ...args }));
const pidOf = async (server: string): Promise<number> =>
  Number(textOf(await modernCall(gateway.url(server), 'pid').answer()));

describe('The tasks extension', () => {
  it('is offered where a server has it', async () => {
    const offered = async (server?: string): Promise<unknown> =>
      (await modern(gateway.url(server), 'server/discover').answer()).result?.['capabilities'];
    const extensions = { [EXTENSION]: {} };
    expect(await offered('up')).toMatchObject({ extensions });
    expect(await offered()).toMatchObject({ extensions });
    expect(await offered('control')).not.toHaveProperty('extensions');
  });

  it.each(['up', 'web'])('leads at /mcp to the server that made the task (%s)', async (server) => {
    const url = gateway.url();
    const taskId = await begin(undefined, `${server}__`);
    const got = await modernAbout(url, 'get', taskId);
    expect(got.result).toMatchObject({ resultType: 'complete', taskId, status: 'working' });
    const cancelled = await modernAbout(url, 'cancel', taskId);
    expect(cancelled.result).toMatchObject({ resultType: 'complete' });
    expect(cancelled.result).not.toHaveProperty('taskId');
    await reached(url, taskId, 'cancelled');
    expect(journal.lines(taskId).length).toBeGreaterThanOrEqual(3);
  });

  it('asks its client by the state of the task, and is answered by tasks/update', async () => {
    const url = gateway.url();
    const taskId = taskIdOf(await modernTask(url, 'up__confirm_delete'));
    const asking = await reached(url, taskId, 'input_required');
    expect(asking.result?.['inputRequests']).toHaveProperty('confirm.method', 'elicitation/create');
    const params = { inputResponses: { confirm: { action: 'accept', content: { n: 1 } } } };
    await modernAbout(url, 'update', taskId, { params });
    const done = await reached(url, taskId, 'completed');
    expect(JSON.stringify(done.result)).toContain('accept');
  });

  it('is asked for where a client did not declare it', async () => {
    for (const server of ['up', undefined]) {
      for (const what of ['get', 'update', 'cancel']) {
        const exchange = modern(gateway.url(server), `tasks/${what}`, { taskId: 'x' });
        const { error } = await exchange.answer();
        expect(error).toMatchObject({ code: -32_021, data: { requiredCapabilities: KNOWS_TASKS } });
        expect(exchange.status).toBe(400);
      }
    }
    const { error } = await modernCall(gateway.url('up'), 'failing_job').answer();
    expect(error).toMatchObject({ code: -32_021, data: { requiredCapabilities: KNOWS_TASKS } });
  });

  it('knows no task that nobody was given', async () => {
    const all = await modernAbout(gateway.url(), 'get', 'nonesuch');
    expect(all.error).toMatchObject({
      code: -32_602,
      message: expect.stringContaining('Task not found: nonesuch'),
    });
    const one = await modernAbout(gateway.url('up'), 'get', 'nonesuch');
    expect(one.error).toMatchObject({
      code: -32_602,
      message: expect.stringMatching(/^Failed to/),
    });
    const none = await modernAbout(gateway.url('control'), 'get', 'nonesuch');
    expect(none.error?.code).toBe(-32_601);
  });

  it('leads to neither of two servers that gave out one id', async () => {
    const taskId = await begin(undefined, 'first__');
    expect(await begin(undefined, 'second__')).toBe(taskId);
    const { error } = await modernAbout(gateway.url(), 'cancel', taskId);
    expect(error?.message).toContain('several servers have given out this id');
    for (const server of ['first', 'second'])
      expect((await modernAbout(gateway.url(server), 'get', taskId)).result).toMatchObject({
        taskId,
      });
  });

  it('finds a task in the child that works for one call with log messages', async () => {
    const meta = { [`${META}logLevel`]: 'info' };
    const url = gateway.url('up');
    const taskId = taskIdOf(await modernTask(url, 'slow_compute', SLOW, { meta }));
    expect((await modernAbout(url, 'get', taskId)).result).toMatchObject({ taskId });
    expect((await modernAbout(url, 'get', taskId, { meta })).result).toMatchObject({ taskId });
    await modernAbout(url, 'cancel', taskId);
  });

  it('keeps the child of a task running until the task is over', async () => {
    const taskId = await begin('brief');
    const kept = await pidOf('brief');
    const idle = Number(textOf(await modernCall(gateway.url('control'), 'pid').answer()));
    await until('the child without a task is stopped', () => !isAlive(idle));
    expect(isAlive(kept)).toBe(true);
    await modernAbout(gateway.url('brief'), 'cancel', taskId);
    await until('the other is stopped too', () => !isAlive(kept));
  });

  it('asks a server on pipes that ended since, which may have kept the task', async () => {
    const taskId = await begin('brief');
    const pid = await pidOf('brief');
    await modernCall(gateway.url('brief'), 'crash').answer();
    const { error } = await modernAbout(gateway.url('brief'), 'get', taskId);
    expect(error).toMatchObject({ code: -32_602, message: expect.stringMatching(/^Failed to/) });
    expect(await pidOf('brief')).not.toBe(pid);
  });
});

describe('The state of a task', () => {
  const listen = (server: string | undefined, taskIds: readonly string[]): Exchange =>
    modern(
      gateway.url(server),
      'subscriptions/listen',
      { notifications: { taskIds } },
      { capabilities: KNOWS_TASKS, id: 'listen' },
    );

  it('is told to who listens for it, and to nobody else', async () => {
    const [taskId, other] = [await begin(undefined, 'up__'), await begin('up')];
    const stream = listen(undefined, [taskId, 'nonesuch']);
    const acknowledged = await stream.notified('notifications/subscriptions/acknowledged');
    expect(acknowledged.params?.['notifications']).toEqual({ taskIds: [taskId] });
    await modernAbout(gateway.url('up'), 'cancel', other);
    await modernAbout(gateway.url(), 'cancel', taskId);
    const told = await stream.notified('notifications/tasks');
    expect(told.params).toMatchObject({
      taskId,
      status: 'cancelled',
      _meta: { [`${META}subscriptionId`]: 'listen' },
    });
    expect(stream.messages()).toHaveLength(2);
    stream.close();
  });

  it('is not promised by a server that tells nothing', async () => {
    const stream = listen(undefined, [await begin(undefined, 'web__')]);
    const acknowledged = await stream.notified('notifications/subscriptions/acknowledged');
    expect(acknowledged.params?.['notifications']).toEqual({});
    stream.close();
  });

  it('is not told to a client that did not declare tasks', async () => {
    const params = { notifications: { taskIds: ['x'] } };
    const exchange = modern(gateway.url('up'), 'subscriptions/listen', params);
    expect((await exchange.answer()).error).toMatchObject({
      code: -32_021,
      data: { requiredCapabilities: KNOWS_TASKS },
    });
    expect(exchange.status).toBe(400);
  });

  it('ends the subscription where its child ends', async () => {
    const stream = listen('brief', [await begin('brief')]);
    await stream.notified('notifications/subscriptions/acknowledged');
    await modernCall(gateway.url('brief'), 'crash').answer();
    expect((await stream.answer()).result).toMatchObject({ resultType: 'complete' });
  });
});

describe('Two clients on pipes', () => {
  const ask = (client: StdioClient, method: string, params: object): Promise<Message> =>
    client.modern(method, { ...params }, { [`${META}clientCapabilities`]: KNOWS_TASKS });

  it('cannot read, answer or cancel the tasks of each other', async () => {
    await using home = new Household((own) => ({
      mcp_servers: { up: taskServer([...MODERN, own.option]) },
    }));
    const [client, other] = [home.start(), home.start()];
    const name = 'up__slow_compute';
    const made = await ask(client, 'tools/call', { name, arguments: SLOW });
    const taskId = taskIdOf(made);
    expect(taskIdOf(await ask(other, 'tools/call', { name, arguments: SLOW }))).not.toBe(taskId);
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { error } = await ask(other, method, { taskId, inputResponses: {} });
      expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining('not found') });
    }
    expect(home.journal.lines(taskId)).toEqual([]);
    const got = await ask(client, 'tasks/get', { taskId });
    expect(got.result).toMatchObject({ taskId, status: 'working' });
  });
});
