import { afterEach, describe, expect, test } from 'vitest';
import { Listener, userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import { readServerLine } from '../../domain/protocol/server-message.ts';
import type { DescribedTask } from '../../domain/protocol/tasks.ts';
import type { Child, ServerNotification } from '../servers/child.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import { TaskTable, type FoundTask } from './task-table.ts';

const MINUTE_MS = 60_000;
const described = (taskId: string, rest: Partial<DescribedTask> = {}): DescribedTask => ({
  taskId,
  isOver: false,
  ttlMs: 10 * MINUTE_MS,
  ...rest,
});

const tables: TaskTable[] = [];
afterEach(() => {
  for (const table of tables.splice(0)) table.close();
});

interface TaskWorld extends World {
  readonly table: TaskTable;
  readonly child: Child;
  readonly user: ServerUser;
  made(taskId: string, by?: ServerUser, rest?: Partial<DescribedTask>): void;
  found(taskId: string, by?: ServerUser): FoundTask['kind'];
}

async function open(asker: Partial<Asker> = {}): Promise<TaskWorld> {
  const world = worldOf({}, { hello: {} });
  const user = userOf(new Listener(), asker);
  const child = await world.server.take(user);
  child.end(world.clock.now, true);
  const table = new TaskTable(world.clock);
  tables.push(table);
  const { server } = world;
  return {
    ...world,
    table,
    child,
    user,
    made: (taskId, { asker: of, owner } = user, rest = {}) =>
      table.remember(described(taskId, rest), { asker: of, owner, server, child }),
    found: (taskId, { asker: of } = user) => table.find(of, [server], taskId).kind,
  };
}

const stranger = (): ServerUser => userOf(new Listener(), { owner: 'stranger' });

describe('A task', () => {
  test('is found by its owner, and by nobody else', async () => {
    const world = await open();
    world.made('t');
    expect(world.found('t')).toBe('task');
    expect(world.found('t', stranger())).toBe('unknown');
    expect(world.table.of(stranger().asker)).toEqual([]);
    expect(world.table.find(world.user.asker, [], 't').kind).toBe('unknown');
  });

  test('is known to be a stranger’s', async () => {
    const world = await open();
    world.made('t');
    expect(world.table.isForeign(stranger().asker, world.server, 't')).toBe(true);
    expect(world.table.isForeign(world.user.asker, world.server, 't')).toBe(false);
    expect(world.table.isForeign(stranger().asker, world.server, 'other')).toBe(false);
  });

  test('of a modern client is not that of a session with the same name', async () => {
    const world = await open();
    world.made('t');
    expect(world.found('t', userOf(new Listener(), { era: 'modern' }))).toBe('unknown');
  });

  test('keeps its child until it is over', async () => {
    const world = await open();
    world.made('t');
    expect(world.child.isHeld).toBe(true);
    const [task] = world.table.of(world.user.asker);
    if (task !== undefined) world.table.over(task);
    expect(world.child.isHeld).toBe(false);
    expect(world.found('t')).toBe('task');
  });

  test('that is over already keeps no child', async () => {
    const world = await open();
    world.made('t', world.user, { isOver: true });
    expect(world.child.isHeld).toBe(false);
  });

  test('keeps its child for its time to live, and is remembered a minute longer', async () => {
    const world = await open();
    world.made('t');
    world.clock.now += 10 * MINUTE_MS;
    expect(world.found('t')).toBe('task');
    expect(world.child.isHeld).toBe(false);
    world.clock.now += MINUTE_MS;
    expect(world.found('t')).toBe('unknown');
    expect(world.table.size).toBe(0);
  });

  test('without an end keeps its child for an hour, and is remembered for a day', async () => {
    const world = await open();
    world.made('t', world.user, { ttlMs: undefined });
    world.clock.now += 60 * MINUTE_MS - 1;
    expect(world.found('t')).toBe('task');
    expect(world.child.isHeld).toBe(true);
    world.clock.now += 1;
    expect(world.found('t')).toBe('task');
    expect(world.child.isHeld).toBe(false);
    world.clock.now += 24 * 60 * MINUTE_MS;
    expect(world.found('t')).toBe('unknown');
  });

  test('is forgotten with its owner, and its child let go', async () => {
    const world = await open();
    const other = stranger();
    world.made('t');
    world.made('u', other);
    world.table.release(world.user.asker);
    expect(world.found('t')).toBe('unknown');
    expect(world.found('u', other)).toBe('task');
    expect(world.child.tasks).toBe(1);
    world.table.release(other.asker);
    expect([world.table.size, world.child.tasks]).toEqual([0, 0]);
  });

  test('is known to have ended with its child', async () => {
    const world = await open();
    world.made('t');
    await world.server.stop('user_request');
    const found = world.table.find(world.user.asker, [world.server], 't');
    expect(found).toMatchObject({ kind: 'task', task: { hasEnded: true, child: undefined } });
  });

  test('takes the place of one that had its id in a child that has ended', async () => {
    const world = await open();
    world.made('t');
    await world.server.stop('user_request');
    const child = await world.server.take(world.user);
    const { user, server } = world;
    world.table.remember(described('t'), { ...user, server, child });
    expect(world.table.size).toBe(1);
    expect(world.table.find(user.asker, [server], 't')).toMatchObject({ task: { child } });
  });
});

describe('An id that two servers gave', () => {
  const second = async (world: TaskWorld): Promise<McpServer> => {
    const { server } = worldOf({ id: 'second' }, { hello: {} });
    const child = await server.take(world.user);
    world.table.remember(described('t'), { ...world.user, server, child });
    return server;
  };

  test('leads to neither where both are meant', async () => {
    const world = await open();
    world.made('t');
    const other = await second(world);
    const { asker } = world.user;
    expect(world.table.find(asker, [world.server, other], 't').kind).toBe('ambiguous');
    expect(world.table.find(asker, [other], 't')).toMatchObject({ task: { server: other } });
  });

  test('leads to the one whose child still runs', async () => {
    const world = await open();
    world.made('t');
    const other = await second(world);
    await other.stop('user_request');
    expect(world.table.find(world.user.asker, [world.server, other], 't')).toMatchObject({
      task: { server: world.server },
    });
  });
});

describe('The table', () => {
  test('forgets the oldest tasks of a client that has too many, and nobody else’s', async () => {
    const world = await open();
    const other = stranger();
    world.made('theirs', other);
    for (let n = 0; n < 1_025; n += 1) world.made(`t${n}`);
    expect(world.table.size).toBe(1_025);
    expect(world.found('t0')).toBe('unknown');
    expect(world.found('t1')).toBe('task');
    expect(world.found('theirs', other)).toBe('task');
    expect(world.child.tasks).toBe(1_025);
  });

  test('forgets the oldest of all where there are too many', async () => {
    const world = await open();
    const first = userOf(new Listener(), { owner: 'client-0' });
    for (let n = 0; n < 16_385; n += 1) {
      const owner = `client-${Math.floor(n / 1_000)}`;
      world.made(`t${n}`, userOf(new Listener(), { owner }));
    }
    expect(world.table.size).toBe(16_384);
    expect(world.found('t0', first)).toBe('unknown');
    expect(world.found('t1', first)).toBe('task');
  });
});

describe('What a server says of a task', () => {
  const said = (taskId: unknown, method = 'notifications/tasks/status'): ServerNotification => {
    const params = { taskId, status: 'working' };
    const message = readServerLine(JSON.stringify({ jsonrpc: '2.0', method, params }));
    if (message?.kind !== 'notification') throw new Error('no notification');
    return message;
  };

  test('is told to its owner alone', async () => {
    const world = await open();
    const [mine, theirs] = [new Listener(), new Listener()];
    world.made('t', userOf(mine));
    world.made('u', userOf(theirs, { owner: 'other' }));
    world.table.changed(world.child, said('u'));
    expect([mine.notifications.length, theirs.notifications.length]).toEqual([0, 1]);
  });

  test('is told to nobody where the task is nobody’s, and the child everybody’s', async () => {
    const world = await open();
    const owner = new Listener();
    world.made('t', userOf(owner));
    for (const one of [said('unknown'), said(7), said('t', 'notifications/other')])
      world.table.changed(world.child, one);
    const broken = said('t');
    world.table.changed(world.child, {
      ...broken,
      line: { ...broken.line, text: `${broken.line.text}}` },
    });
    expect(owner.notifications).toEqual([]);
  });
});
