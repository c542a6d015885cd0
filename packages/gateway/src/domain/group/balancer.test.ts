import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balancerOf, type Balancer, type Candidate } from './balancer.ts';
import { STRATEGIES } from './spec.ts';

const candidate = (id: string, part: Partial<Candidate> = {}): Candidate => ({
  id,
  weight: 1,
  priority: 1,
  inFlight: 0,
  ...part,
});

const candidates = fc
  .uniqueArray(
    fc.record({
      id: fc.stringMatching(/^[a-z]{1,3}$/),
      weight: fc.integer({ min: 1, max: 12 }),
      priority: fc.integer({ min: 1, max: 5 }),
      inFlight: fc.integer({ min: 0, max: 4 }),
    }),
    { minLength: 1, maxLength: 8, selector: ({ id }) => id },
  )
  .map((all): readonly Candidate[] => all);

const picks = (
  balancer: Balancer,
  among: readonly Candidate[],
  times: number,
): readonly (string | undefined)[] => Array.from({ length: times }, () => balancer.pick(among));

function countsOf(ids: readonly (string | undefined)[]): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** A linear congruential generator: the same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe.each(STRATEGIES)('%s', (strategy) => {
  it('picks one of the candidates, and none where there are none', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 0 }), (among, seed) => {
        const balancer = balancerOf(strategy, numbers(seed));
        expect(balancer.pick([])).toBeUndefined();
        const ids = among.map(({ id }) => id);
        for (const id of picks(balancer, among, 20)) expect(ids).toContain(id);
      }),
    );
  });

  it('goes by ids, not by objects', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 0 }), (among, seed) => {
        const [one, other] = [
          balancerOf(strategy, numbers(seed)),
          balancerOf(strategy, numbers(seed)),
        ];
        for (let pick = 0; pick < 30; pick += 1) {
          const copies = among.map((each) => ({ ...each }));
          expect(one.pick(copies)).toBe(other.pick(among));
        }
      }),
    );
  });
});

describe.each(['round_robin', 'weighted_round_robin', 'least_connections'] as const)(
  '%s',
  (strategy) => {
    it('starves nobody, whoever comes and goes beside it', () => {
      const sets = fc.array(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), {
        minLength: 200,
        maxLength: 200,
      });
      fc.assert(
        fc.property(candidates, sets, (all, present) => {
          const idle = all.map((each) => ({ ...each, inFlight: 0 }));
          const [stays] = idle;
          if (stays === undefined) return;
          const balancer = balancerOf(strategy, numbers(1));
          const seen = present.map((isThere) =>
            balancer.pick(idle.filter((each, index) => each === stays || isThere[index] === true)),
          );
          // At the latest when everybody's weight was used up once.
          const total = idle.reduce((sum, { weight }) => sum + weight, 0);
          for (let at = 0; at + 2 * total <= seen.length; at += 1)
            expect(seen.slice(at, at + 2 * total)).toContain(stays.id);
        }),
        { numRuns: 50 },
      );
    });
  },
);

describe('round_robin', () => {
  it('goes round, each once', () => {
    fc.assert(
      fc.property(candidates, (among) => {
        const balancer = balancerOf('round_robin', numbers(1));
        const ids = among.map(({ id }) => id);
        expect(picks(balancer, among, ids.length * 3)).toEqual([...ids, ...ids, ...ids]);
      }),
    );
  });
});

describe('weighted_round_robin', () => {
  it('is exact over every cycle, and never far from it in between', () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 0, max: 50 }), (among, skipped) => {
        const balancer = balancerOf('weighted_round_robin', numbers(1));
        const total = among.reduce((sum, { weight }) => sum + weight, 0);
        picks(balancer, among, skipped);
        const counts = countsOf(picks(balancer, among, total));
        for (const { id, weight } of among) expect(counts.get(id)).toBe(weight);
      }),
    );
  });

  it('spreads the heavy one: 3:1 is A A B A', () => {
    const balancer = balancerOf('weighted_round_robin', numbers(1));
    const among = [candidate('a', { weight: 3 }), candidate('b')];
    expect(picks(balancer, among, 8).join('')).toBe('aabaaaba');
  });

  it('begins anew after a reset', () => {
    const balancer = balancerOf('weighted_round_robin', numbers(1));
    const among = [candidate('a', { weight: 3 }), candidate('b')];
    picks(balancer, among, 3);
    balancer.reset();
    expect(picks(balancer, among, 4).join('')).toBe('aaba');
  });
});

describe('least_connections', () => {
  it('follows the calls that are in flight, and keeps them even', () => {
    const actions = fc.array(fc.oneof(fc.constant('call'), fc.nat(20)), { maxLength: 100 });
    fc.assert(
      fc.property(candidates, actions, (among, script) => {
        const balancer = balancerOf('least_connections', numbers(1));
        const load = new Map(among.map(({ id }) => [id, 0]));
        const isLeast: boolean[] = [];
        for (const action of script) {
          if (action === 'call') {
            const now = among.map((each) => ({ ...each, inFlight: load.get(each.id) ?? 0 }));
            const picked = balancer.pick(now) ?? '';
            isLeast.push(load.get(picked) === Math.min(...load.values()));
            load.set(picked, (load.get(picked) ?? 0) + 1);
          } else {
            const busy = [...load].filter(([, inFlight]) => inFlight > 0);
            const [id, inFlight] = busy[Number(action) % Math.max(1, busy.length)] ?? [];
            if (id !== undefined && inFlight !== undefined) load.set(id, inFlight - 1);
          }
        }
        expect(isLeast).not.toContain(false);
      }),
    );
  });

  it('takes the one that was picked longest ago where loads are equal', () => {
    const balancer = balancerOf('least_connections', numbers(1));
    const among = ['a', 'b', 'c'].map((id) => candidate(id));
    expect(picks(balancer, among, 6).join('')).toBe('abcabc');
  });
});

describe('random', () => {
  it('follows the weights in the long run', () => {
    const balancer = balancerOf('random', numbers(7));
    const among = [candidate('a', { weight: 3 }), candidate('b')];
    const share = (countsOf(picks(balancer, among, 10_000)).get('a') ?? 0) / 10_000;
    expect(share).toBeGreaterThan(0.73);
    expect(share).toBeLessThan(0.77);
  });
});

describe('priority', () => {
  it('takes the lowest number, of equal ones the first', () => {
    fc.assert(
      fc.property(candidates, (among) => {
        const least = Math.min(...among.map(({ priority }) => priority));
        const first = among.find(({ priority }) => priority === least);
        expect(balancerOf('priority', numbers(1)).pick(among)).toBe(first?.id);
      }),
    );
  });
});
