/** Whatever happened to a server with everything that can refuse a call: it takes one again within a known time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BREAKER,
  deeds,
  happens,
  KNOWN_MS,
  pauses,
  taken,
  type Take,
} from '../../../test-kit/server-deeds.ts';
import { userOf, worldOf } from '../../../test-kit/server-world.ts';

const step = fc.record({ deed: deeds, passMs: pauses });

test('2,000 random lives: a call is let through within the longest back-off and the reset timeout', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const world = worldOf({ breaker: BREAKER, failuresMax: 2 }, { hello: {} });
      const take: Take = (work) => world.server.take(userOf(), work);
      for (const { deed, passMs } of steps) {
        world.clock.now += passMs;
        await happens(world, deed, take);
      }
      world.launcher.failure = undefined;
      world.clock.now += KNOWN_MS;
      expect(await taken(take)).toBeDefined();
    }),
    { numRuns: 2_000 },
  );
}, 60_000);
