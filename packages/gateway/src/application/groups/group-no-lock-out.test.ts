/** Whatever happened to a group and its members: it takes a call again within a known time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupSpecOf } from '../../../test-kit/group-spec.ts';
import { SILENT } from '../../../test-kit/scripted-launcher.ts';
import {
  BREAKER,
  deeds,
  happens,
  KNOWN_MS,
  pauses,
  RESET_MS,
  taken,
  type Take,
} from '../../../test-kit/server-deeds.ts';
import { userOf, worldOf } from '../../../test-kit/server-world.ts';
import { STRATEGIES } from '../../domain/group/spec.ts';
import { Groups } from './groups.ts';

const MEMBERS = ['one', 'two', 'three'];
const step = fc.record({
  deed: fc.oneof({ weight: 12, arbitrary: deeds }, fc.constant('rebalance' as const)),
  at: fc.nat(MEMBERS.length - 1),
  passMs: pauses,
});
const shape = fc.record({
  strategy: fc.constantFrom(...STRATEGIES),
  failureThreshold: fc.integer({ min: 1, max: 4 }),
  unhealthyThreshold: fc.integer({ min: 1, max: 3 }),
  hasBreakers: fc.boolean(),
});

test('1,000 random lives: a group lets a call through within the times of its members and its own', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(step, { minLength: 1, maxLength: 30 }), async (of, steps) => {
      const breaker = of.hasBreakers ? BREAKER : undefined;
      const worlds = MEMBERS.map((id) => worldOf({ id, breaker, failuresMax: 2 }, { hello: {} }));
      const pass = (ms: number): void => {
        for (const { clock } of worlds) clock.now += ms;
      };
      const spec = groupSpecOf({
        members: MEMBERS,
        strategy: of.strategy,
        autoStart: false,
        health: { unhealthyThreshold: of.unhealthyThreshold, healthyThreshold: 1 },
        breaker: { failureThreshold: of.failureThreshold, resetTimeoutMs: RESET_MS },
      });
      const groups = new Groups(
        [spec],
        worlds.map(({ server }) => server),
        {
          clock: { nowMs: () => worlds[0]?.clock.now ?? 0 },
          logger: SILENT,
          random: () => 0.5,
          events: { record: () => undefined },
          past: new Map(),
          startConcurrency: 1,
          modernMeta: {},
        },
      );
      const [group] = groups.all;
      const take: Take = (work) => {
        if (group === undefined) throw new Error('there is no group');
        return group.take(userOf(), work);
      };
      for (const { deed, at, passMs } of steps) {
        pass(passMs);
        const world = worlds[at];
        if (deed === 'rebalance') group?.rebalance();
        else if (world !== undefined) await happens(world, deed, take);
      }
      for (const { launcher } of worlds) launcher.failure = undefined;
      pass(KNOWN_MS);
      expect(await taken(take)).toBeDefined();
      groups.close();
    }),
    { numRuns: 1_000 },
  );
}, 60_000);
