import { Fault } from '@mcp-hangar/kernel/errors';
import { describe, expect, test } from 'vitest';
import { settled } from '../../../test-kit/scripted-launcher.ts';
import { userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import type { Call } from '../calls/call.ts';
import type { Child } from './child.ts';
import type { CallOutcome } from './lifecycle-keeper.ts';

const RESET_MS = 60_000;
const breaker = {
  failureThreshold: 2,
  resetTimeoutMs: RESET_MS,
  probeCount: 1,
  window: undefined,
};

const worldWith = (options: Parameters<typeof worldOf>[1] = { hello: {} }): World =>
  worldOf({ breaker, failuresMax: 100 }, options);

/** A client's call, as far as the server looks at it. */
const work = (): Pick<Call, 'signal' | 'settled'> => ({
  signal: new AbortController().signal,
  settled: false,
});

async function call(world: World, outcome: CallOutcome): Promise<Child> {
  const child = await world.server.take(userOf(), work());
  child.report({ outcome, beganAtMs: world.clock.now, reason: 'no answer in time' });
  child.end(world.clock.now, outcome === 'answered');
  return child;
}

const refusal = ({ server }: World): Fault => {
  try {
    void server.take(userOf(), work());
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error('the call was let through');
};

describe('the circuit of a server', () => {
  test('opens at the threshold, half-opens after the reset timeout, and closes on success', async () => {
    const world = worldWith();
    await call(world, 'failed');
    await call(world, 'failed');
    expect(refusal(world)).toMatchObject({
      code: 'CIRCUIT_OPEN',
      message:
        'the circuit of MCP server "server" is open: 2 failures in a row, the last one: no answer in time; it is tried again in 60 s (circuit_breaker.reset_timeout_s)',
      data: { retryAfterMs: RESET_MS },
    });
    world.clock.now += RESET_MS;
    await call(world, 'answered');
    expect(world.server.breaker?.state).toMatchObject({ phase: 'closed', trips: 1 });
    const changes = world.events.filter(({ type }) => type === 'CircuitBreakerStateChanged');
    expect(changes.map(({ data }) => [data['mcp_server_id'], data['new_state']])).toEqual([
      ['server', 'open'],
      ['server', 'half_open'],
      ['server', 'closed'],
    ]);
  });

  test('is not opened by errors that the server answers, by cancelled calls, or by a stop', async () => {
    const world = worldWith();
    for (const outcome of ['answered-error', 'given-up', 'answered-error', 'given-up'] as const)
      await call(world, outcome);
    for (let stopped = 0; stopped < 3; stopped += 1) {
      const child = await world.server.take(userOf(), work());
      void world.server.stop('user_request');
      child.report({ outcome: 'ended', beganAtMs: world.clock.now, reason: 'stopped' });
      child.end(world.clock.now, false);
      await settled();
    }
    expect(world.server.breaker?.state).toMatchObject({ phase: 'closed', failures: 0 });
  });

  test('is opened by crashes and failed starts', async () => {
    const world = worldWith({});
    const taken = Promise.resolve(world.server.take(userOf(), work())).catch(() => undefined);
    world.launcher.fail();
    await taken;
    world.clock.now += 10_000;
    const again = world.server.take(userOf(), work());
    world.launcher.succeed();
    const child = await again;
    child.report({ outcome: 'ended', beganAtMs: world.clock.now, reason: 'exit code 1' });
    expect(world.server.breaker?.state.phase).toBe('open');
  });

  test.each(['start', 'stop'] as const)('is closed by a deliberate %s', async (deed) => {
    const world = worldWith();
    await call(world, 'failed');
    await call(world, 'failed');
    await (deed === 'start' ? world.server.start() : world.server.stop('user_request'));
    await call(world, 'answered');
    expect(world.server.breaker?.state.phase).toBe('closed');
  });

  test('lets the gateway itself pass: lists and subscriptions try nothing out', async () => {
    const world = worldWith();
    await call(world, 'failed');
    await call(world, 'failed');
    const child = await world.server.take(userOf());
    child.end(world.clock.now, true);
    expect(world.server.breaker?.state.phase).toBe('open');
  });

  test('that was open before a restart is open after it', () => {
    const circuit = {
      phase: 'open',
      failures: 2,
      trips: 7,
      sinceMs: 999_000,
      reason: 'timeout',
      passed: 0,
    } as const;
    const remembered = { lifecycle: undefined, eras: undefined, circuit };
    const world = worldWith({ hello: {}, remembered });
    expect(refusal(world).data).toMatchObject({ retryAfterMs: RESET_MS - 1_000 });
    expect(world.server.breaker?.state.trips).toBe(7);
  });
});

test('a server without a breaker refuses nothing', async () => {
  const world = worldOf({ failuresMax: 100 }, { hello: {} });
  for (let at = 0; at < 20; at += 1) await call(world, 'failed');
  expect(world.server.breaker).toBeUndefined();
});
