/** Tasks do not cross the eras: what a client of the other era sees instead. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, textOf } from '../support/clients.ts';
import { startGateway, type GatewayProcess } from '../support/gateway.ts';
import { EXTENSION, KNOWS_TASKS, legacyTask, modernAbout, modernTask } from '../support/tasks.ts';
import { Journal, taskServer } from '../support/upstream.ts';

let gateway: GatewayProcess;
let journal: Journal;

beforeAll(async () => {
  journal = await Journal.open();
  gateway = await startGateway({
    mcp_servers: {
      old: taskServer(['--era=legacy', journal.option]),
      young: taskServer(['--era=modern', journal.option]),
    },
  });
  await modern(gateway.url(), 'tools/list').answer();
  await (await LegacyClient.open(gateway.url())).request('tools/list').answer();
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
});

describe('A modern client of a legacy server', () => {
  it('is offered no tasks, neither form of them', async () => {
    const { result } = await modern(gateway.url('old'), 'server/discover').answer();
    expect(JSON.stringify(result)).not.toContain('tasks');
    const { result: lists } = await modern(gateway.url('old'), 'tools/list').answer();
    expect(JSON.stringify(lists)).not.toContain('taskSupport');
  });

  it('is told why a tool that needs a task cannot be called', async () => {
    for (const [server, name] of [
      ['old', 'failing_job'],
      [undefined, 'old__failing_job'],
    ] as const) {
      const { error } = await modernTask(gateway.url(server), name);
      expect(error).toMatchObject({
        code: -32_602,
        message: expect.stringMatching(/"failing_job".*"old".*revision 2025-11-25 only/),
        data: { code: 'TASK_CANNOT_CROSS', retryable: false },
      });
    }
    expect(journal.lines('failing_job')).toEqual([]);
  });

  it('calls other tools without a task, and its extension is told to nobody', async () => {
    const answer = await modernTask(gateway.url('old'), 'slow_compute', { label: 'unseen' });
    expect(textOf(answer)).toBe('computed unseen at once');
    expect(journal.lines('unseen').join()).not.toContain(EXTENSION);
  });

  it('finds no task there', async () => {
    const { error } = await modernAbout(gateway.url('old'), 'get', 'x');
    expect(error?.code).toBe(-32_601);
    expect(journal.lines('tasks/get')).toEqual([]);
  });
});

describe('A legacy client of a modern server', () => {
  const open = (server?: string): Promise<LegacyClient> =>
    LegacyClient.open(gateway.url(server), { capabilities: { ...KNOWS_TASKS, tasks: {} } });

  it('is offered no tasks, neither form of them', async () => {
    const { hello } = await open('young');
    expect(JSON.stringify(hello.result)).not.toContain('tasks');
  });

  it('is told why a tool that needs a task cannot be called', async () => {
    const { error } = await (await open('young')).call('failing_job').answer();
    expect(error).toMatchObject({
      code: -32_601,
      message: expect.stringContaining('revision 2026-07-28 only'),
      data: { code: 'TASK_CANNOT_CROSS' },
    });
  });

  it('has its wish for a task ignored where nobody offered one', async () => {
    const call = legacyTask(await open('young'), 'slow_compute', { label: 'plain' });
    expect(textOf(await call.answer())).toBe('computed plain at once');
  });

  it('is told why it cannot have a task where another server offers them', async () => {
    const client = await open();
    expect(JSON.stringify(client.hello.result)).toContain('"tasks"');
    const { error } = await legacyTask(client, 'young__slow_compute', { label: 'never' }).answer();
    expect(error).toMatchObject({
      code: -32_601,
      message: expect.stringMatching(/"young" speaks revision 2026-07-28.*without "task"/),
      data: { code: 'TASK_CANNOT_CROSS' },
    });
    expect(journal.lines('never')).toEqual([]);
  });

  it('finds no task there', async () => {
    const { error } = await (await open('young')).request('tasks/get', { taskId: 'x' }).answer();
    expect(error?.code).toBe(-32_601);
  });
});

describe('A server of both eras', () => {
  it('has tasks of either form for a client of its era', async () => {
    await using both = await startGateway({ mcp_servers: { both: taskServer() } });
    const made = await modernTask(both.url('both'), 'slow_compute', { seconds: 60 });
    expect(made.result).toMatchObject({ resultType: 'task' });
    const client = await LegacyClient.open(both.url('both'));
    const legacy = await legacyTask(client, 'slow_compute', { seconds: 60 }).answer();
    expect(legacy.result).toHaveProperty('task.status', 'working');
    const plain = await modernCall(both.url('both'), 'greet', { name: 'you' }).answer();
    expect(textOf(plain)).toBe('Hello, you!');
  });
});
