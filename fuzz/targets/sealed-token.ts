/** Request states: what a client may bring back, changed or made up. */
import { Parking } from '../../packages/gateway/src/application/parking/parking.ts';
import { sealState } from '../../packages/gateway/src/application/parking/request-state.ts';
import { MemoryParkedCalls } from '../../packages/gateway/src/infrastructure/state/memory-parked-calls.ts';
import { AesSealer } from '../../packages/gateway/src/infrastructure/state/sealer.ts';
import { Fault } from '@mcp-hangar/kernel/errors';
import { Random, seedOf } from '../engine/random.ts';
import { expect, type Target } from '../engine/target.ts';

const NOW_MS = 1_000_000;
/** What a state may be refused with. */
const REFUSALS: ReadonlySet<string> = new Set([
  'REQUEST_STATE_INVALID',
  'REQUEST_STATE_FOREIGN',
  'REQUEST_STATE_MISMATCH',
  'REQUEST_STATE_EXPIRED',
  'REQUEST_STATE_REPLAYED',
  'PARKED_CALL_GONE',
]);
const ALICE = { principal: 'alice', requestDigest: 'd' };
const FACTS = {
  ...ALICE,
  mcpServerId: 's',
  method: 'tools/call',
  name: 'work',
  asks: ['elicitation/create'],
  round: 1,
};
const WAITING = { bytes: 1, goOn: () => ({ cancel: () => undefined }), abandon: () => undefined };

class Subject {
  readonly #sealer = new AesSealer();
  readonly #other = new AesSealer();
  readonly #parking = new Parking({
    clock: { nowMs: () => NOW_MS },
    store: new MemoryParkedCalls(10),
    sealer: this.#sealer,
    info: {},
  });
  readonly #state = this.#parking.park('call', FACTS, WAITING);

  /** The first byte says what is done with the others. */
  run(input: Buffer): void {
    const [first = 0] = input;
    const text = input.toString('utf8', 1);
    const random = new Random(seedOf(input));
    if (first % 4 === 0) this.#bring(text.replace('@STATE@', this.#state));
    else if (first % 4 === 1) this.#bring(changed(this.#state, random));
    else if (first % 4 === 2) this.#sealed(text, random);
    else this.#bring(random.once(2) ? this.#other.seal(text) : this.#made(random));
  }

  close(): Promise<void> {
    this.#parking.close();
    return Promise.resolve();
  }

  /** What was sealed is what is opened; what was changed is not. */
  #sealed(text: string, random: Random): void {
    const sealed = this.#sealer.seal(text);
    const opened = this.#sealer.open(sealed);
    const isWhole = opened.kind === 'ours' && opened.text === text;
    expect(isWhole || sealed.length > 8_192, 'what was sealed can be opened', opened);
    const forged = this.#sealer.open(changed(sealed, random));
    expect(forged.kind !== 'ours', 'what was changed cannot be opened', forged);
    expect(this.#other.open(sealed).kind !== 'ours', 'nobody else can open it');
  }

  /** A state as this gateway may have handed it out at another time, for another call. */
  #made(random: Random): string {
    return sealState(this.#sealer, {
      kind: random.pick(['call', 'again']),
      id: `of ${random.below(10_000)}`,
      principal: random.pick(['alice', 'bob']),
      requestDigest: random.pick(['d', 'e']),
      expiresAtMs: NOW_MS + random.below(3) - 1,
      round: random.below(12),
    });
  }

  #bring(state: string): void {
    for (const bearer of [
      ALICE,
      { ...ALICE, principal: 'bob' },
      { ...ALICE, requestDigest: 'e' },
    ]) {
      const found = tried(() => this.#parking.find(state, bearer));
      if (found?.kind !== 'call') continue;
      expect(bearer === ALICE, 'a call goes on for who made it alone', bearer);
      expect(state === this.#state, 'a state opens its call as it was handed out', state);
    }
    tried(() => {
      throw this.#parking.stray(state);
    });
  }
}

/** @throws whatever is no documented refusal */
function tried<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault && REFUSALS.has(error.code)) return undefined;
    throw error;
  }
}

/** Never the same. */
function changed(sealed: string, random: Random): string {
  const at = random.below(sealed.length);
  const put = random.pick('A|z|0|9|-|_|.|=|+| |\u00e9|'.split('|'));
  const other = sealed.slice(0, at) + put + sealed.slice(at + random.below(random.once(4) ? 9 : 2));
  return other === sealed ? `${sealed}A` : other;
}

const STATE = {
  kind: 'call',
  id: 'call',
  principal: 'bob',
  requestDigest: 'd',
  expiresAtMs: 9e15,
  round: 1,
} as const;

export const target: Target = {
  beginnings: [
    '\u0000@STATE@',
    '\u0000hgr1.AAAAAAAA.AAAA',
    `\u0000${sealState(new AesSealer(), STATE)}`,
    '\u0001a',
    '\u0002plain text \u00e9',
    `\u0003${JSON.stringify(STATE)}`,
    '\u0003{"kind":"again","id":"x"}',
  ],
  dictionary: [
    'hgr1.',
    '.',
    '@STATE@',
    'AAAA',
    '=',
    '\u00e9',
    '"kind":"again"',
    '"round":1e9',
    'A'.repeat(9_000),
  ],
  bytesMax: 12_000,
  open: () => Promise.resolve(new Subject()),
};
