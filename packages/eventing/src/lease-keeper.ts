/**
 * Takes a lease, renews it, and tells whether this process has it.
 *
 * Invariants
 * 1. `current` is over `deadlineMs` after the last success was asked for, by a clock that does not jump: earlier than
 *    the store lets the next one have it.
 * 2. One question is under way at one time; a store that does not answer or fails is asked again.
 * 3. Every beginning of a time in which it is held is told once (`onChange`), and every end of one once.
 * 4. What ended for want of an answer goes on with the same generation, unless somebody else had it meanwhile.
 */
import type { Lease, LeaseStore } from '@mcp-hangar/kernel/lease';

const TTL_MS = 15_000;
const RENEW_MS = 5_000;
const DEADLINE_MS = 10_000;

export interface LeaseKeeperOptions {
  readonly leases: LeaseStore;
  readonly name: string;
  /** Of this process and no other. */
  readonly holder: string;
  /** How long the store keeps it for a holder that is silent (15,000). */
  readonly ttlMs?: number;
  /** How often it is renewed, or tried for (5,000). */
  readonly renewMs?: number;
  /** How long it counts without a success (10,000): less than `ttlMs`. */
  readonly deadlineMs?: number;
  /** It is held, or is over. Must not throw. */
  readonly onChange?: (lease: Lease | undefined) => void;
  /** The store failed; undefined when it works again. Must not throw. */
  readonly onProblem?: (error: unknown) => void;
}

export class LeaseKeeper implements AsyncDisposable {
  readonly #options: Required<LeaseKeeperOptions>;
  #last: Lease | undefined;
  /** Nobody is known to have acquired it since. */
  #isLast = false;
  #isTold = false;
  #untilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #over: NodeJS.Timeout | undefined;
  #asking: Promise<void> = Promise.resolve();
  #isAsking = false;
  #isClosed = false;

  /** @throws RangeError where the store would give it away before this process lets go */
  constructor(options: LeaseKeeperOptions) {
    const { ttlMs = TTL_MS, renewMs = RENEW_MS, deadlineMs = DEADLINE_MS } = options;
    if (!(renewMs < deadlineMs && deadlineMs < ttlMs))
      throw new RangeError('a lease is renewed within its deadline, which ends before the lease');
    const ignore = (): void => undefined;
    const { onChange = ignore, onProblem = ignore } = options;
    this.#options = { ...options, ttlMs, renewMs, deadlineMs, onChange, onProblem };
  }

  /** Undefined while another process has it, or nobody knows. */
  get current(): Lease | undefined {
    return this.#isTold && performance.now() < this.#untilMs ? this.#last : undefined;
  }

  /** The last acquisition of this process, over or not: whether it still counts the store knows (`Append.guard`). */
  get last(): Lease | undefined {
    return this.#last;
  }

  /** Resolves after the first try, whatever came of it. */
  start(): Promise<void> {
    if (this.#timer === undefined && !this.#isClosed) {
      this.#timer = setInterval(() => void this.ask(), this.#options.renewMs).unref();
      void this.ask();
    }
    return this.#asking;
  }

  /** Lets the next process have it at once, where the store can be told. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return this.#asking;
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#asking;
    this.#end();
    // Its time ends by itself too.
    if (this.#last !== undefined && this.#isLast)
      await this.#options.leases.release(this.#last).catch(() => undefined);
  }

  /** Asks the store now, as it does by itself again and again. Never rejects. */
  ask(): Promise<void> {
    if (this.#isAsking || this.#isClosed) return this.#asking;
    this.#isAsking = true;
    this.#asking = this.#try().finally(() => {
      this.#isAsking = false;
    });
    return this.#asking;
  }

  async #try(): Promise<void> {
    const { leases, name, holder, ttlMs, deadlineMs, onChange, onProblem } = this.#options;
    const sinceMs = performance.now();
    try {
      if (this.#last !== undefined && this.#isLast)
        this.#isLast = await leases.renew(this.#last, ttlMs);
      if (!this.#isLast) {
        this.#end();
        const acquired = await leases.acquire(name, holder, ttlMs);
        this.#last = acquired ?? this.#last;
        this.#isLast = acquired !== undefined;
      }
      onProblem(undefined);
      if (!this.#isLast) return;
      this.#untilMs = sinceMs + deadlineMs;
      clearTimeout(this.#over);
      this.#over = setTimeout(() => this.#end(), this.#untilMs - performance.now()).unref();
      if (this.#isTold) return;
      this.#isTold = true;
      onChange(this.#last);
    } catch (error) {
      onProblem(error);
    }
  }

  #end(): void {
    clearTimeout(this.#over);
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#untilMs = 0;
    this.#options.onChange(undefined);
  }
}
