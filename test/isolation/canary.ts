/**
 * Every message of the tests names its rightful owner: `K2g0n7;` is the seventh request of client 2 in its
 * session number 0. Whoever receives a text checks that every name in it is its own.
 */

export interface Owner {
  readonly client: number;
  /** Counts the sessions of one client: what belonged to an ended session belongs to nobody. */
  readonly generation: number;
}

export interface Canary extends Owner {
  readonly request: number;
}

const CANARY = /K(\d+)g(\d+)n(\d+);/g;

export const canaryText = ({ client, generation }: Owner, request: number): string =>
  `K${client}g${generation}n${request};`;

export function canariesIn(text: string): readonly Canary[] {
  return [...text.matchAll(CANARY)].map(([, client, generation, request]) => ({
    client: Number(client),
    generation: Number(generation),
    request: Number(request),
  }));
}

export const isOf = (canary: Owner, owner: Owner): boolean =>
  canary.client === owner.client && canary.generation === owner.generation;

export const ownerText = ({ client, generation }: Owner): string => `${client}/${generation}`;

/** What went wrong in one run; the property reports all of it. */
export class Violations {
  readonly #found: string[] = [];

  add(sentence: string): void {
    this.#found.push(sentence);
  }

  /** Starts anew. @throws Error that names the first violations */
  check(): void {
    const found = this.#found.splice(0);
    if (found.length > 0) throw new Error(found.slice(0, 5).join('\n'));
  }
}

/** How often something happened over all runs: a property about what never happens proves nothing. */
export class Tally {
  readonly #counts = new Map<string, number>();

  count(what: string): void {
    this.#counts.set(what, this.of(what) + 1);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  toString(): string {
    return [...this.#counts].map(([what, count]) => `${what} ${count}`).join(', ');
  }
}
