/**
 * The port of leases: at most one holder has a name at one time, among all processes that share a store.
 *
 * Invariants
 * 1. Each acquisition has a generation of its own, greater than every one before; a generation has one holder.
 * 2. The clock is that of the store. A holder knows only that it is over: it must stop by a clock of its own that does
 *    not jump, and name its generation with what it appends (`Append.guard`).
 * 3. An append with the generation of an earlier acquisition is refused, however late it comes.
 */
export interface Lease {
  readonly name: string;
  /** Who has it: unique among all processes. */
  readonly holder: string;
  readonly generation: number;
}

/** Every method @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY; TypeError where a name is none */
export interface LeaseStore {
  /**
   * Takes a lease that nobody has, whose time is over, or that this holder has already, for `ttlMs`; with the next
   * generation. Undefined while another holder has it.
   */
  acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined>;
  /** Has it for another `ttlMs` from now on. False where it was acquired anew, by whomever: it is lost. */
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /** Lets the next one have it at once. Where it is lost already, nothing happens. */
  release(lease: Lease): Promise<void>;
  /** Those whose names begin with `prefix` and whose time is not over. */
  heldLeases(prefix: string): Promise<readonly Lease[]>;
}

/** What was to be appended belongs to an acquisition that is not the last one of its lease. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  readonly lease: string;
  readonly generation: number;
  /** The last one that was given; 0 where there is no such lease. */
  readonly actual: number;
  constructor(lease: string, generation: number, actual: number) {
    super(`lease "${lease}" is at generation ${actual}, not at ${generation}`);
    this.lease = lease;
    this.generation = generation;
    this.actual = actual;
  }
}
