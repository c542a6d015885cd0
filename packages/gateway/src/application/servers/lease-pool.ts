/**
 * Children that were told client capabilities, lent to one owner at a time.
 *
 * Order of choice for an owner: the child that it holds; an idle one that nobody holds or that was never bound;
 * a new one while there are fewer than `max`; an idle bound one of somebody else is ended to make room; else wait.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { Child, Owner } from './child.ts';

export type LeasedSeat = Extract<Seat, { kind: 'leased' }>;

export interface LeaseSource {
  /** Starts a child; rejects where it cannot. */
  start(seat: LeasedSeat): Promise<Child>;
  /** Ends an idle child; its slot is free at once. */
  stop(child: Child): void;
}

interface Waiter {
  readonly seat: LeasedSeat;
  readonly owner: Owner;
  readonly resolve: (child: Child) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

export interface LeaseLimits {
  readonly childrenMax: number;
  readonly waitMs: number;
}

export class LeasePool {
  readonly #source: LeaseSource;
  readonly #limits: LeaseLimits;
  readonly #children = new Set<Child>();
  readonly #waiters: Waiter[] = [];
  #starting = 0;

  constructor(source: LeaseSource, limits: LeaseLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  get size(): number {
    return this.#children.size + this.#starting;
  }

  /** A child for `owner`, at once where one is running and free. Its work has begun: the caller ends it. */
  take(seat: LeasedSeat, owner: Owner): Child | Promise<Child> {
    const child = this.#free(seat, owner);
    if (child !== undefined) return this.#lend(child, owner);
    if (this.size < this.#limits.childrenMax || this.#evict()) return this.#startFor(seat, owner);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(waiter), this.#limits.waitMs);
      const waiter: Waiter = { seat, owner, resolve, reject, timer };
      this.#waiters.push(waiter);
    });
  }

  /** A child rests or is gone: whoever waits may go on. */
  rested(): void {
    const waiter = this.#waiters[0];
    if (waiter === undefined) return;
    const child = this.#free(waiter.seat, waiter.owner);
    const room = child === undefined && (this.size < this.#limits.childrenMax || this.#evict());
    if (child === undefined && !room) return;
    this.#waiters.shift();
    clearTimeout(waiter.timer);
    if (child === undefined)
      this.#startFor(waiter.seat, waiter.owner).then(waiter.resolve, waiter.reject);
    else waiter.resolve(this.#lend(child, waiter.owner));
  }

  ended(child: Child): void {
    if (this.#children.delete(child)) this.rested();
  }

  /** The owner is gone: what it bound is ended, the rest is free for others. */
  release(owner: Owner): void {
    for (const child of this.#children) {
      if (child.owner !== owner) continue;
      child.owner = undefined;
      if (child.bound || child.inFlight > 0) this.#end(child);
    }
    this.rested();
  }

  #free(seat: LeasedSeat, owner: Owner): Child | undefined {
    let idle: Child | undefined;
    for (const child of this.#children) {
      if (child.stopping || child.seat.era !== seat.era || keyOf(child) !== seat.key) continue;
      if (child.owner === owner && child.seat.era === 'legacy') return child;
      if (child.inFlight === 0 && !child.bound && child.asking === 0) idle ??= child;
    }
    return idle;
  }

  #lend(child: Child, owner: Owner): Child {
    child.begin(owner);
    return child;
  }

  /** Ends the bound child that has rested longest; false where every child works. */
  #evict(): boolean {
    const idle = [...this.#children]
      .filter((child) => child.inFlight === 0 && child.asking === 0 && child.pins === 0)
      .toSorted((a, b) => a.lastUsedAtMs - b.lastUsedAtMs)[0];
    if (idle === undefined) return false;
    this.#end(idle);
    return true;
  }

  #end(child: Child): void {
    this.#children.delete(child);
    this.#source.stop(child);
  }

  async #startFor(seat: LeasedSeat, owner: Owner): Promise<Child> {
    this.#starting += 1;
    try {
      const child = await this.#source.start(seat);
      this.#children.add(child);
      return this.#lend(child, owner);
    } finally {
      this.#starting -= 1;
    }
  }

  #expire(waiter: Waiter): void {
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    const { childrenMax, waitMs } = this.#limits;
    const detail = `all ${childrenMax} children of the server were busy for ${waitMs} ms (leased_children_max)`;
    waiter.reject(new Fault('LEASE_TIMED_OUT', detail));
  }
}

const keyOf = (child: Child): string => (child.seat.kind === 'leased' ? child.seat.key : '');
