/** Leases within one process, by a clock that does not jump. */
import { LeaseLost, type Lease } from '@mcp-hangar/kernel/lease';

interface Kept extends Lease {
  readonly untilMs: number;
}

export class MemoryLeases {
  readonly #kept = new Map<string, Kept>();

  acquire(name: string, holder: string, ttlMs: number): Lease | undefined {
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.holder !== holder && !isOver(kept)) return undefined;
    const lease = { name, holder, generation: (kept?.generation ?? 0) + 1 };
    this.#kept.set(name, { ...lease, untilMs: performance.now() + ttlMs });
    return lease;
  }

  renew(lease: Lease, ttlMs: number): boolean {
    const kept = this.#own(lease);
    if (kept === undefined) return false;
    this.#kept.set(lease.name, { ...kept, untilMs: performance.now() + ttlMs });
    return true;
  }

  release(lease: Lease): void {
    const kept = this.#own(lease);
    if (kept !== undefined) this.#kept.set(lease.name, { ...kept, untilMs: 0 });
  }

  held(prefix: string): readonly Lease[] {
    return [...this.#kept.values()]
      .filter((kept) => kept.name.startsWith(prefix) && !isOver(kept))
      .map(({ name, holder, generation }) => ({ name, holder, generation }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** @throws LeaseLost where this is not the last acquisition */
  check({ name, generation }: Pick<Lease, 'name' | 'generation'>): void {
    const actual = this.#kept.get(name)?.generation ?? 0;
    if (actual !== generation) throw new LeaseLost(name, generation, actual);
  }

  #own({ name, holder, generation }: Lease): Kept | undefined {
    const kept = this.#kept.get(name);
    return kept?.holder === holder && kept.generation === generation ? kept : undefined;
  }
}

const isOver = ({ untilMs }: Kept): boolean => untilMs <= performance.now();
