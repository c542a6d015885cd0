/** Whatever happened to a server with everything that can refuse a call: it takes one again within a known time. */
import { Fault } from '@mcp-hangar/kernel/errors';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { userOf, worldOf, type World } from '../../../test-kit/server-world.ts';
import type { Child } from './child.ts';

const RESET_MS = 60_000;
/** The longest back-off, jitter included, and the reset timeout. */
const KNOWN_MS = 66_000 + RESET_MS;
const breaker = {
  failureThreshold: 2,
  resetTimeoutMs: RESET_MS,
  probeCount: 1,
  window: undefined,
};

const DEEDS = [
  'call',
  'time out',
  'crash',
  'break',
  'mend',
  'probe fails',
  'probe passes',
  'recover',
  'give up',
  'start',
  'stop',
] as const;
const step = fc.record({
  deed: fc.constantFrom(...DEEDS),
  passMs: fc.integer({ min: 0, max: 40_000 }),
});

const work = (): { readonly signal: AbortSignal; settled: boolean } => ({
  signal: new AbortController().signal,
  settled: false,
});

/** The child for a call; undefined where it is refused. */
async function taken({ server }: World): Promise<Child | undefined> {
  try {
    return await server.take(userOf(), work());
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

async function call(world: World, outcome: 'answered' | 'failed'): Promise<void> {
  const child = await taken(world);
  child?.report({ outcome, beganAtMs: world.clock.now, reason: 'no answer in time' });
  child?.end(world.clock.now, outcome === 'answered');
}

async function happens(world: World, deed: (typeof DEEDS)[number]): Promise<void> {
  const { server, launcher, clock } = world;
  const [child] = server.running;
  switch (deed) {
    case 'call':
      return call(world, 'answered');
    case 'time out':
      return call(world, 'failed');
    case 'crash':
      return launcher.alive[0]?.crash();
    case 'break':
      launcher.failure = 'it does not run';
      return;
    case 'mend':
      launcher.failure = undefined;
      return;
    case 'probe fails':
      if (child !== undefined)
        server.probeFailed(child, { reason: 'ping', beganAtMs: clock.now, isHopeless: false });
      return;
    case 'probe passes':
      if (child !== undefined) server.probePassed(child, 1);
      return;
    case 'recover':
      return server.warm().catch(() => undefined);
    case 'give up':
      return server.giveUp();
    case 'start':
      return server.start().catch(() => undefined);
    case 'stop':
      return server.stop('user_request');
  }
}

test('2,000 random lives: a call is let through within the longest back-off and the reset timeout', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const world = worldOf({ breaker, failuresMax: 2 }, { hello: {} });
      for (const { deed, passMs } of steps) {
        world.clock.now += passMs;
        await happens(world, deed);
      }
      world.launcher.failure = undefined;
      world.clock.now += KNOWN_MS;
      expect(await taken(world)).toBeDefined();
    }),
    { numRuns: 2_000 },
  );
}, 60_000);
