import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Behaviour, ScriptedConnection } from '../../../test-kit/scripted-launcher.ts';
import { userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { Child } from '../servers/child.ts';
import { HealthSchedule } from './health-schedule.ts';

const INTERVAL_MS = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ALIVE: Behaviour = () => ({ result: {} });

interface Looked extends World {
  readonly health: HealthSchedule;
  /** Lets time pass for timers and clock alike. */
  readonly pass: (ms: number) => Promise<void>;
}

function looked(behaviour: Behaviour, era: Era = 'legacy', failuresMax = 3): Looked {
  let health: HealthSchedule | undefined;
  const world = worldOf(
    { healthIntervalMs: INTERVAL_MS, failuresMax },
    {
      hello: { behaviour, era },
      listener: {
        ready: (server) => health?.watch(server),
        changed: () => undefined,
        ended: () => undefined,
        toolsKnown: () => undefined,
      },
    },
  );
  const { clock } = world;
  const modernMeta = { _meta: { modern: true } };
  health = new HealthSchedule({ clock, random: () => 0.5, modernMeta });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      clock.now += Math.min(100, left);
      await vi.advanceTimersByTimeAsync(Math.min(100, left));
    }
  };
  return { ...world, health, pass };
}

async function answeredCall({ server, clock }: World): Promise<Child> {
  const child = await server.take(userOf());
  child.report({ outcome: 'answered', beganAtMs: clock.now, reason: '' });
  child.end(clock.now, true);
  return child;
}

const methods = ({ lines }: ScriptedConnection): readonly unknown[] =>
  lines.map(({ method }: JsonObject) => method);
const probesOf = ({ launcher }: World): readonly unknown[] => launcher.connections.flatMap(methods);
const typesOf = ({ events }: World): readonly string[] => events.map(({ type }) => type);

describe('a server that runs', () => {
  test('is asked once an interval, and nothing is recorded while it answers', async () => {
    const world = looked(ALIVE);
    await answeredCall(world);
    const before = world.events.length;
    await world.pass(3 * INTERVAL_MS + 1_000);
    expect(probesOf(world)).toEqual(['ping', 'ping', 'ping']);
    expect(world.events).toHaveLength(before);
  });

  test('is not asked while calls succeed, or while it works', async () => {
    const world = looked(ALIVE);
    for (let at = 0; at < 10; at += 1) {
      await answeredCall(world);
      await world.pass(INTERVAL_MS / 2);
    }
    const child = await world.server.take(userOf());
    await world.pass(5 * INTERVAL_MS);
    expect(probesOf(world)).toEqual([]);
    child.end(world.clock.now, true);
  });

  test('is not asked any more once a reload has switched that off', async () => {
    const world = looked(ALIVE);
    await answeredCall(world);
    await world.pass(INTERVAL_MS / 2);
    world.server.adopt({ ...world.server.spec, healthIntervalMs: 0 });
    await world.pass(3 * INTERVAL_MS);
    expect(probesOf(world)).toEqual([]);
  });

  test('that does not know ping is asked for its tools, and one of 2026-07-28 what it is', async () => {
    const refused = { error: { code: -32601, message: 'unknown' } };
    const legacy = looked((method) => (method === 'ping' ? refused : { result: { tools: [] } }));
    await answeredCall(legacy);
    await legacy.pass(2 * INTERVAL_MS + 1_000);
    expect(probesOf(legacy)).toEqual(['ping', 'tools/list', 'tools/list']);
    const modern = looked(ALIVE, 'modern');
    modern.server.start(userOf(undefined, { era: 'modern' })).catch(() => undefined);
    await modern.pass(INTERVAL_MS + 1_000);
    expect(probesOf(modern)).toEqual(['server/discover']);
    expect(modern.launcher.connections[0]?.lines[0]?.['params']).toEqual({
      _meta: { modern: true },
    });
  });

  test('is alive where it answers with errors', async () => {
    const world = looked(() => ({ error: { code: -32000, message: 'no' } }));
    await answeredCall(world);
    await world.pass(3 * INTERVAL_MS);
    expect([world.server.phase, world.server.health.consecutiveFailures]).toEqual(['ready', 0]);
  });
});

test('a cold server is not started, and a server without children has no timer', async () => {
  const world = looked(ALIVE);
  world.health.watch(world.server);
  await world.pass(2 * INTERVAL_MS);
  expect([world.launcher.asked.length, vi.getTimerCount()]).toEqual([0, 0]);
  await answeredCall(world);
  await world.server.stop('user_request');
  await world.pass(2 * INTERVAL_MS);
  expect(vi.getTimerCount()).toBe(0);
});

test('a child that does not answer is asked again sooner, degrades the server, and is replaced', async () => {
  let isHung = false;
  const world = looked(() => (isHung ? undefined : { result: {} }));
  await answeredCall(world);
  isHung = true;
  await world.pass(INTERVAL_MS + 5_100);
  expect(typesOf(world)).toContain('HealthCheckFailed');
  expect(world.server.phase).toBe('ready');
  await world.pass(2_000 + 5_100 + 4_000 + 5_100);
  expect(world.server.phase).toBe('degraded');
  expect(world.launcher.alive).toEqual([]);
  isHung = false;
  await world.pass(8_000);
  await world.server.warm();
  expect(world.server.phase).toBe('ready');
  await world.pass(9_000);
  expect(world.server.health.consecutiveFailures).toBe(0);
  expect(typesOf(world)).toContain('HealthCheckPassed');
});

test('a child that hangs beside others that answer is replaced, and the server stays ready', async () => {
  const world = looked(ALIVE);
  await answeredCall(world);
  const asking = userOf(undefined, { capabilities: { roots: {} } });
  const other = await world.server.take(asking);
  other.end(world.clock.now, true);
  const hung = world.launcher.connections[1];
  if (hung === undefined) throw new Error('there is no second child');
  hung.send = () => 99; // it takes what it is sent and says nothing
  await world.pass(3 * INTERVAL_MS + 30_000);
  expect(hung.closed).toEqual(['error']);
  expect([world.server.phase, world.launcher.alive.length]).toEqual(['ready', 1]);
});

test('a child that clients give up again and again is asked although it has calls', async () => {
  const world = looked(() => undefined);
  const kept = await answeredCall(world);
  await world.pass(INTERVAL_MS / 2);
  await world.server.take(userOf());
  const giveUp = async (): Promise<void> => {
    const child = await world.server.take(userOf());
    child.report({ outcome: 'given-up', beganAtMs: world.clock.now, reason: '' });
    child.end(world.clock.now, false);
  };
  for (let at = 0; at < 2; at += 1) await giveUp();
  await world.pass(3 * INTERVAL_MS);
  expect(probesOf(world)).toEqual([]);
  await giveUp();
  await world.pass(INTERVAL_MS + 30_000);
  expect(kept.isGone).toBe(true);
  expect(world.server.phase).toBe('degraded');
});

test('a probe that was overtaken by an answer counts for nothing', async () => {
  let isHung = true;
  const world = looked(() => (isHung ? undefined : { result: {} }));
  await answeredCall(world);
  await world.pass(INTERVAL_MS + 1_000);
  isHung = false;
  await answeredCall(world);
  await world.pass(6_000);
  expect(world.server.health.consecutiveFailures).toBe(0);
  expect(typesOf(world)).not.toContain('HealthCheckFailed');
});

test('after the end nothing is asked any more', async () => {
  const world = looked(ALIVE);
  await answeredCall(world);
  world.health.close();
  await world.pass(3 * INTERVAL_MS);
  expect(probesOf(world)).toEqual([]);
});
