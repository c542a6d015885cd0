/**
 * Acceptance 5: clients with equal ids, equal progress tokens and equal names never see each other's messages.
 * HANGAR_SEED repeats a run, HANGAR_RUNS changes the number of runs.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Tally } from './canary.ts';
import { ANSWERINGS, CLIENT_BITS, MODES, type Scene } from './scene.ts';
import { World } from './world.ts';

const RUNS = Number(process.env['HANGAR_RUNS'] ?? 10_000);
const SEED = Number(process.env['HANGAR_SEED'] ?? Date.now() % 2 ** 31);
const LIMIT_MS = 180_000;

const tally = new Tally();
/** Without its bias to small numbers fast-check reaches all operations alike. */
const number = fc.noBias(fc.nat(1_023));

interface Cast {
  /** Share of the runs. */
  readonly share: number;
  readonly clients: readonly [min: number, max: number];
  readonly steps: readonly [min: number, max: number];
  /** Bits that every client has, and those that no client has. */
  readonly set?: number;
  readonly clear?: number;
  /** Modes of which servers are drawn; all unless given. */
  readonly modes?: readonly number[];
  readonly leasedChildrenMax?: number;
}

const { era, capabilities } = CLIENT_BITS;
/** Capabilities of the odd kinds: those that include questions of more than one kind. */
const CAN_BE_ASKED = capabilities & -capabilities;

const scenes = (cast: Cast): fc.Arbitrary<Scene> => {
  const { clients, steps, set = 0, clear = 0, modes = MODES.map((_, index) => index) } = cast;
  const server = number.map((choice) => modes[choice % modes.length] ?? 0);
  const client = number.map((bits) => (bits & ~clear) | set);
  return fc.record({
    servers: fc.array(server, { minLength: 1, maxLength: 3 }),
    clients: fc.array(client, { minLength: clients[0], maxLength: clients[1], size: 'max' }),
    steps: fc.array(fc.tuple(number, number, number), {
      minLength: steps[0],
      maxLength: steps[1],
      size: 'max',
    }),
    servedToTheEnd: fc.boolean(),
    leasedChildrenMax: fc.constant(cast.leasedChildrenMax ?? 2),
  });
};

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

const FEW = { clients: [2, 5], steps: [6, 45] } as const;
const PROPERTIES: readonly (Cast & { readonly who: string })[] = [
  { who: 'clients of both eras', share: 0.3, ...FEW },
  {
    who: 'legacy clients that can all be asked',
    share: 0.2,
    ...FEW,
    set: CAN_BE_ASKED,
    clear: era,
  },
  { who: 'modern clients', share: 0.15, ...FEW, set: era },
  {
    who: 'modern clients that legacy servers ask',
    share: 0.35,
    ...FEW,
    set: era | CAN_BE_ASKED,
    modes: [0, 0, 2],
  },
  {
    who: 'twenty clients of both eras',
    share: 0.03,
    clients: [20, 20],
    steps: [100, 200],
    leasedChildrenMax: 8,
  },
];

test.each(PROPERTIES)(
  '$who never see what belongs to another one, and every request settles once',
  async (cast) => {
    const numRuns = Math.ceil(RUNS * cast.share);
    await fc.assert(fc.asyncProperty(scenes(cast), holds), { numRuns, seed: SEED });
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
  const asked = questions.map((method) => `asked ${method}`);
  const all = [...methods, ...outcomes, ...asked, ...(RUNS < ENOUGH_RUNS ? [] : RARE)];
  expect(all.filter((what) => tally.of(what) === 0)).toEqual([]);
});

/** For what happens once in a thousand scenes. */
const ENOUGH_RUNS = 10_000;
const RARE: readonly string[] = [
  ...new Set(ANSWERINGS.map((how) => `retry with ${how} answered`)),
  ...['INVALID', 'FOREIGN', 'MISMATCH', 'REPLAYED', 'EXPIRED'].map(
    (what) => `REQUEST_STATE_${what}`,
  ),
  'PARKED_CALL_GONE',
  'cancelled retry',
  'answered while parked',
  'expired while parked',
  'timed out while parked',
  'crash while parked',
  'left while parked',
  'made anew',
  'modern server went on for a legacy client',
  'modern server went on for a modern client',
];
