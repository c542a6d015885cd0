/**
 * Which of several members gets the next call. What a strategy remembers is kept by the id of the member, so that
 * nothing changes where a member is replaced by a new object of the same id.
 *
 * Invariants
 * 1. The member that is picked is one of the candidates.
 * 2. But for `priority` and `random`, no candidate that stays one starves.
 */
import type { Strategy } from './spec.ts';

export interface Candidate {
  readonly id: string;
  readonly weight: number;
  /** The lowest is chosen first. */
  readonly priority: number;
  /** Calls that it works on, or that wait for its start. */
  readonly inFlight: number;
}

export interface Balancer {
  /** The id of one of them; undefined where there are none. */
  pick(candidates: readonly Candidate[]): string | undefined;
  /** Forgets what was picked before. */
  reset(): void;
}

/** @param random uniform in [0, 1) */
export function balancerOf(strategy: Strategy, random: () => number): Balancer {
  switch (strategy) {
    case 'round_robin':
      return new LeastRecent((candidates) => candidates);
    case 'least_connections':
      return new LeastRecent(leastLoaded);
    case 'weighted_round_robin':
      return new SmoothWeights();
    case 'random':
      return new Weighted(random);
    case 'priority':
      return { pick: firstByPriority, reset: () => undefined };
  }
}

function leastLoaded(candidates: readonly Candidate[]): readonly Candidate[] {
  const least = Math.min(...candidates.map(({ inFlight }) => inFlight));
  return candidates.filter(({ inFlight }) => inFlight === least);
}

/** The one that was picked longest ago, of those that `among` leaves; that is round robin where it leaves all. */
class LeastRecent implements Balancer {
  readonly #among: (candidates: readonly Candidate[]) => readonly Candidate[];
  readonly #pickedAt = new Map<string, number>();
  #picks = 0;

  constructor(among: (candidates: readonly Candidate[]) => readonly Candidate[]) {
    this.#among = among;
  }

  pick(candidates: readonly Candidate[]): string | undefined {
    if (candidates.length === 0) return undefined;
    let picked: string | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { id } of this.#among(candidates)) {
      const at = this.#pickedAt.get(id) ?? 0;
      if (at < earliest) [picked, earliest] = [id, at];
    }
    if (picked !== undefined) this.#pickedAt.set(picked, (this.#picks += 1));
    return picked;
  }

  reset(): void {
    this.#pickedAt.clear();
    this.#picks = 0;
  }
}

/**
 * Smooth weighted round robin: each pick adds to every candidate its weight, and takes the sum of all weights from the
 * one that is picked. Over as many picks as that sum each one is picked as often as its weight says.
 */
class SmoothWeights implements Balancer {
  readonly #current = new Map<string, number>();

  pick(candidates: readonly Candidate[]): string | undefined {
    let total = 0;
    let picked: string | undefined;
    let highest = Number.NEGATIVE_INFINITY;
    for (const { id, weight } of candidates) {
      const current = (this.#current.get(id) ?? 0) + weight;
      this.#current.set(id, current);
      total += weight;
      if (current > highest) [picked, highest] = [id, current];
    }
    if (picked !== undefined) this.#current.set(picked, highest - total);
    return picked;
  }

  reset(): void {
    this.#current.clear();
  }
}

class Weighted implements Balancer {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  pick(candidates: readonly Candidate[]): string | undefined {
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#random() * total;
    for (const { id, weight } of candidates) {
      left -= weight;
      if (left < 0) return id;
    }
    return candidates.at(-1)?.id; // a sum of fractions may end above 0
  }

  reset(): void {
    // Nothing is remembered.
  }
}

function firstByPriority(candidates: readonly Candidate[]): string | undefined {
  let first: Candidate | undefined;
  for (const candidate of candidates)
    if (first === undefined || candidate.priority < first.priority) first = candidate;
  return first?.id;
}
