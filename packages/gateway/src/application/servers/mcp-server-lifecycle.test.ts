import { Fault } from '@mcp-hangar/kernel/errors';
import { expect, describe, test } from 'vitest';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { askingUser, userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import { lifecycleOf } from '../../domain/mcp-server/lifecycle.ts';
import { McpServerEvent } from '../../domain/mcp-server/events.ts';
import type { Child } from './child.ts';
import type { CallOutcome } from './lifecycle-keeper.ts';

const phasesOf = ({ events }: World): readonly string[] =>
  events
    .map((event) => McpServerEvent.parse(event))
    .flatMap(({ type, data }) =>
      type === 'McpServerStateChanged' ? [`${data.old_state} ${data.new_state}`] : [],
    );

/** A call that ends so. */
function call({ clock }: World, child: Child, outcome: CallOutcome): void {
  child.report({ outcome, beganAtMs: clock.now, reason: 'no answer in time' });
  child.end(clock.now, outcome === 'answered');
}

async function failedThrice(world: World): Promise<Child> {
  let child = await world.server.take(userOf());
  for (let failed = 0; failed < 3; failed += 1) {
    if (failed > 0) child = await world.server.take(userOf());
    call(world, child, 'failed');
    world.clock.now += 1;
  }
  return child;
}

const codeOf = (take: () => unknown): string => {
  try {
    take();
    return 'none';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

describe('the phase', () => {
  test('follows a start, and every change is one event', async () => {
    const world = worldOf();
    expect(world.server.phase).toBe('cold');
    const taken = world.server.take(userOf());
    expect(world.server.phase).toBe('initializing');
    world.launcher.succeed();
    call(world, await taken, 'answered');
    expect(world.server.phase).toBe('ready');
    await world.server.stop('user_request');
    expect(world.server.phase).toBe('cold');
    expect(phasesOf(world)).toEqual(['cold initializing', 'initializing ready', 'ready cold']);
    expect(world.events.map(({ type }) => type)).toContain('McpServerStarted');
  });

  test('is dead after a crash, and the next call starts it again', async () => {
    const world = worldOf({}, { hello: {} });
    call(world, await world.server.take(userOf()), 'answered');
    world.launcher.connections[0]?.crash();
    expect(world.server.phase).toBe('dead');
    await world.server.take(userOf());
    expect(world.server.phase).toBe('ready');
  });

  test('is ready while one of several children runs', async () => {
    const world = worldOf({}, { hello: {} });
    call(world, await world.server.take(userOf()), 'answered');
    call(world, await world.server.take(askingUser()), 'answered');
    world.launcher.connections[1]?.crash();
    expect(world.server.phase).toBe('ready');
  });

  test('given by the events is the one that it shows', async () => {
    const world = worldOf({}, { hello: {} });
    await failedThrice(world);
    world.clock.now += 10_000;
    call(world, await world.server.take(userOf()), 'answered');
    const { evolve, initial } = lifecycleOf('server', 3);
    const replayed = world.events
      .map((event) => McpServerEvent.parse(event))
      .reduce(evolve, initial);
    expect(replayed.phase).toBe(world.server.phase);
    expect(replayed.failures).toBe(world.server.health.consecutiveFailures);
  });
});

describe('a child that fails calls while others of its server answer', () => {
  /** Calls to `hung` fail, each followed by an answer of `well`. */
  function failing(world: World, hung: Child, well: Child, times: number): void {
    for (let at = 0; at < times; at += 1) {
      call(world, hung, 'failed');
      call(world, well, 'answered');
      world.clock.now += 1;
    }
  }
  const replicated = async (world: World): Promise<readonly Child[]> => {
    const first = await world.server.take(userOf());
    await settled();
    return [first, await world.server.take(userOf())];
  };

  test('is replaced where it is a replica, and the server stays ready', async () => {
    const world = worldOf({ replicas: 2 }, { hello: {} });
    const [hung, well] = await replicated(world);
    if (hung === undefined || well === undefined) throw new Error('there are no replicas');
    expect(hung).not.toBe(well);
    failing(world, hung, well, 2);
    expect(hung.isGone).toBe(false);
    failing(world, hung, well, 1);
    expect([hung.isGone, well.isGone, world.server.phase]).toEqual([true, false, 'ready']);
    await world.server.take(userOf());
    await settled();
    expect(world.launcher.alive).toHaveLength(2);
  });

  test('is replaced where it belongs to one session', async () => {
    const world = worldOf({ sharing: 'session' }, { hello: {} });
    const [mine, other] = [userOf(undefined, { owner: 'mine' }), userOf()];
    const hung = await world.server.take(mine);
    failing(world, hung, await world.server.take(other), 3);
    expect(hung.isGone).toBe(true);
    expect(await world.server.take(mine)).not.toBe(hung);
    expect(world.server.phase).toBe('ready');
  });

  test('stays where it answers in between, or where what failed ran side by side', async () => {
    const world = worldOf({ replicas: 2 }, { hello: {} });
    const [slow, well] = await replicated(world);
    if (slow === undefined || well === undefined) throw new Error('there are no replicas');
    for (let at = 0; at < 5; at += 1) {
      failing(world, slow, well, 2);
      call(world, slow, 'answered');
    }
    const beganAtMs = world.clock.now;
    world.clock.now += 5_000;
    for (let at = 0; at < 5; at += 1) slow.report({ outcome: 'failed', beganAtMs, reason: '' });
    expect(slow.isGone).toBe(false);
  });
});

describe('three failed calls in a row', () => {
  test('degrade the server: calls wait, then the next one gets a new child', async () => {
    const world = worldOf({}, { hello: {} });
    const hanging = await failedThrice(world);
    expect(world.server.phase).toBe('degraded');
    expect(codeOf(() => world.server.take(userOf()))).toBe('MCP_SERVER_BACKING_OFF');
    world.clock.now += 8_000;
    const fresh = await world.server.take(userOf());
    expect(fresh).not.toBe(hanging);
    expect(world.launcher.alive).toHaveLength(1);
    call(world, fresh, 'answered');
    expect([world.server.phase, world.server.health.consecutiveFailures]).toEqual(['ready', 0]);
  });

  test('leave a child that works on to the end, or to the next try', async () => {
    const world = worldOf({}, { hello: {} });
    const busy = await world.server.take(userOf());
    await failedThrice(world);
    expect(world.launcher.alive).toHaveLength(1);
    world.clock.now += 8_000;
    expect(await world.server.take(userOf())).not.toBe(busy);
    await settled();
    expect(world.launcher.alive).toHaveLength(1);
  });

  test('that ran side by side count once', async () => {
    const world = worldOf({}, { hello: {} });
    const children: Child[] = [];
    for (let at = 0; at < 3; at += 1) children.push(await world.server.take(userOf()));
    const beganAtMs = world.clock.now;
    world.clock.now += 5_000;
    for (const child of children) {
      child.report({ outcome: 'failed', beganAtMs, reason: 'timeout' });
      child.end(world.clock.now, false);
    }
    expect(world.server.health).toMatchObject({ consecutiveFailures: 1, totalFailures: 3 });
  });

  test('do not degrade it where the server itself answered errors', async () => {
    const world = worldOf({}, { hello: {} });
    for (let at = 0; at < 5; at += 1) {
      call(world, await world.server.take(userOf()), 'answered-error');
      world.clock.now += 1;
    }
    expect(world.server.phase).toBe('ready');
    expect(world.server.health).toMatchObject({ totalInvocations: 5, totalFailures: 5 });
  });
});

describe('a deliberate start', () => {
  test('does not wait for the back-off', async () => {
    const world = worldOf();
    const first = world.server.start().catch((error: unknown) => error);
    world.launcher.fail();
    await first;
    expect(world.server.phase).toBe('dead');
    const second = world.server.start();
    world.launcher.succeed();
    await second;
    expect(world.server.phase).toBe('ready');
  });

  test('of a server that runs or starts starts nothing more', async () => {
    const world = worldOf();
    const starts = [world.server.start(), world.server.start()];
    world.launcher.succeed();
    await Promise.all(starts);
    await world.server.start();
    expect(world.launcher.asked).toHaveLength(1);
  });
});

test('a stop during a start gives the start up, and the next call starts anew', async () => {
  const world = worldOf();
  const waiting = Promise.resolve(world.server.take(userOf())).catch((error: unknown) => error);
  await world.server.stop('user_request');
  expect(await waiting).toMatchObject({ code: 'MCP_SERVER_STOPPED' });
  expect(world.server.phase).toBe('cold');
  const next = world.server.take(userOf());
  world.launcher.succeed();
  expect((await next).isGone).toBe(false);
});

test('a server that was degraded before a restart is degraded after it', () => {
  const lifecycle = {
    phase: 'degraded',
    failures: 4,
    stillborn: 0,
    retryAtMs: 1_009_000,
    lastFailure: 'x',
    failedBy: 'call',
    isProbeFailing: false,
    registeredAs: undefined,
  } as const;
  const world = worldOf({}, { hello: {}, remembered: { lifecycle, eras: undefined } });
  expect(world.server.phase).toBe('degraded');
  expect(codeOf(() => world.server.take(userOf()))).toBe('MCP_SERVER_BACKING_OFF');
});

describe('a clock that is set back by an hour', () => {
  test('locks no server out', async () => {
    const world = worldOf({}, { hello: {} });
    await failedThrice(world);
    world.clock.now -= 3_600_000;
    expect(world.server.retryInMs).toBe(0);
    call(world, await world.server.take(userOf()), 'answered');
    expect(world.server.phase).toBe('ready');
  });

  test('does not keep a start that fails from being waited for', async () => {
    const world = worldOf();
    const fail = async (): Promise<void> => {
      const taken = Promise.resolve(world.server.take(userOf())).catch(() => undefined);
      world.launcher.fail();
      await taken;
    };
    await fail();
    world.clock.now -= 3_600_000;
    await fail();
    expect(world.server.retryInMs).toBe(4_000);
  });
});
