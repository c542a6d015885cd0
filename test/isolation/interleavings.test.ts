/**
 * Acceptance 5: clients with equal ids, equal progress tokens and equal names never see each other's messages.
 * HANGAR_SEED repeats a run, HANGAR_RUNS changes the number of runs.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Tally } from './canary.ts';
import type { Scene } from './scene.ts';
import { World } from './world.ts';

const RUNS = Number(process.env['HANGAR_RUNS'] ?? 10_000);
const SEED = Number(process.env['HANGAR_SEED'] ?? Date.now() % 2 ** 31);
const LIMIT_MS = 180_000;

const tally = new Tally();
/** Without its bias to small numbers fast-check reaches all operations alike. */
const number = fc.noBias(fc.nat(1_023));

const scenes = (options: { clientMask: number; clientBits: number }): fc.Arbitrary<Scene> =>
  fc.record({
    servers: fc.array(number, { minLength: 1, maxLength: 3 }),
    clients: fc.array(
      number.map((choice) => (choice & options.clientMask) | options.clientBits),
      { minLength: 2, maxLength: 5 },
    ),
    steps: fc.array(fc.tuple(number, number, number), {
      minLength: 6,
      maxLength: 45,
      size: 'max',
    }),
    servedToTheEnd: fc.boolean(),
  });

const holds = async (scene: Scene): Promise<void> => {
  const world = await World.open(scene, tally);
  await world.run(scene);
};

beforeAll(() => {
  console.log(`seed ${SEED}, ${RUNS} runs (HANGAR_SEED, HANGAR_RUNS)`);
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
});
afterAll(() => {
  vi.useRealTimers();
});

const PROPERTIES = [
  { who: 'clients of both eras', share: 0.5, clientMask: -1, clientBits: 0 },
  { who: 'legacy clients that can all be asked', share: 0.3, clientMask: ~1, clientBits: 2 },
  { who: 'modern clients', share: 0.2, clientMask: -1, clientBits: 1 },
] as const;

test.each(PROPERTIES)(
  '$who never see what belongs to another one, and every request settles once',
  async ({ share, clientMask, clientBits }) => {
    const numRuns = Math.ceil(RUNS * share);
    await fc.assert(fc.asyncProperty(scenes({ clientMask, clientBits }), holds), {
      numRuns,
      seed: SEED,
    });
    expect(numRuns).toBeGreaterThan(0);
  },
  LIMIT_MS,
);

test('and all of it happened', () => {
  console.log(`received: ${tally.toString()}`);
  const messages = ['progress', 'message', 'resources/updated', 'tools/list_changed', 'cancelled'];
  const questions = ['sampling/createMessage', 'elicitation/create', 'roots/list'];
  const methods = [...messages.map((message) => `notifications/${message}`), ...questions];
  const outcomes = ['answer', 'result', 'refusal', 'nothing'];
  const never = [...methods, ...outcomes].filter((what) => tally.of(what) === 0);
  expect(never).toEqual([]);
});
