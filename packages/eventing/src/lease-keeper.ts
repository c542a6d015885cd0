/**
 * Takes a lease, renews it, and tells whether this process has it.
 *
 * Invariants
 * 1. `current` is over `deadlineMs` after the last success was asked for, by a clock that does not jump: earlier than
 *    the store lets the next one have it.
 * 2. One question is under way at one time; a store that does not answer or fails is asked again.
 * 3. Every acquisition is told once (`onChange`), and its end once.
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
  /** It was acquired, or is over. Must not throw. */
  readonly onChange?: (lease: Lease | undefined) => void;
  /** The store failed; undefined when it works again. Must not throw. */
  readonly onProblem?: (error: unknown) => void;
}

export class LeaseKeeper implements AsyncDisposable {
  readonly #options: Required<LeaseKeeperOptions>;
  #lease: Lease | undefined;
  #untilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #over: NodeJS.Timeout | undefined;
  #asking: Promise<void> = Promise.resolve();
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
    return this.#lease !== undefined && performance.now() < this.#untilMs ? this.#lease : undefined;
  }

  /** Resolves after the first try, whatever came of it. */
  start(): Promise<void> {
    if (this.#timer === undefined && !this.#isClosed) {
      this.#timer = setInterval(() => this.#ask(), this.#options.renewMs).unref();
      this.#ask();
    }
    return this.#asking;
  }

  /** Lets the next process have it at once, where the store can be told. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return this.#asking;
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#asking;
    const lease = this.#lease;
    this.#lost();
    // Its time ends by itself too.
    if (lease !== undefined) await this.#options.leases.release(lease).catch(() => undefined);
  }

  #isAsking = false;

  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#asking = this.#try().finally(() => {
      this.#isAsking = false;
    });
  }

  async #try(): Promise<void> {
    const { leases, name, holder, ttlMs, deadlineMs, onChange, onProblem } = this.#options;
    const sinceMs = performance.now();
    try {
      if (this.#lease !== undefined && !(await leases.renew(this.#lease, ttlMs))) this.#lost();
      const isNew = this.#lease === undefined;
      if (isNew) this.#lease = await leases.acquire(name, holder, ttlMs);
      onProblem(undefined);
      if (this.#lease === undefined) return;
      this.#untilMs = sinceMs + deadlineMs;
      clearTimeout(this.#over);
      this.#over = setTimeout(() => this.#lost(), this.#untilMs - performance.now()).unref();
      if (isNew) onChange(this.#lease);
    } catch (error) {
      onProblem(error);
    }
  }

  #lost(): void {
    clearTimeout(this.#over);
    if (this.#lease === undefined) return;
    this.#lease = undefined;
    this.#untilMs = 0;
    this.#options.onChange(undefined);
  }
}
