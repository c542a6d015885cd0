/** How calls ended within the last while, in a few buckets of time. It is written by every call: it changes in place. */

export interface WindowPolicy {
  readonly windowMs: number;
  /** Fewer calls within the window say nothing. */
  readonly callsMin: number;
  readonly errorRatePct: number | undefined;
  /** From then on a call is slow. */
  readonly slowCallMs: number | undefined;
  readonly slowRatePct: number;
}

/** A result by the wall clock. */
export interface CountedCall {
  readonly beganAtMs: number;
  readonly nowMs: number;
}

interface Bucket {
  /** Which part of time it counts. */
  key: number;
  calls: number;
  failures: number;
  slow: number;
}

const BUCKETS = 10;

export class CallWindow {
  readonly #policy: WindowPolicy;
  /** The bucket of a part of time is at the remainder of its number, in place of the one ten parts before. */
  readonly #buckets: readonly Bucket[];
  #latestKey = 0;

  constructor(policy: WindowPolicy) {
    this.#policy = policy;
    this.#buckets = Array.from({ length: BUCKETS }, () => ({ ...EMPTY }));
  }

  count({ beganAtMs, nowMs }: CountedCall, isFailure: boolean): void {
    const { slowCallMs } = this.#policy;
    let key = this.#keyAt(nowMs);
    // The clock was set back: what was counted is of another time. A correction by a little is none.
    if (key < this.#latestKey - 1) this.clear();
    else if (key < this.#latestKey) key = this.#latestKey;
    this.#latestKey = key;
    const bucket = this.#buckets[key % BUCKETS];
    if (bucket === undefined) return; // a time before 1970
    if (bucket.key !== key) Object.assign(bucket, EMPTY, { key });
    bucket.calls += 1;
    if (isFailure) bucket.failures += 1;
    if (slowCallMs !== undefined && nowMs - beganAtMs >= slowCallMs) bucket.slow += 1;
  }

  /** What of the last while is too much; undefined where nothing is. */
  reasonToTrip(nowMs: number): string | undefined {
    const { windowMs, callsMin, errorRatePct, slowCallMs, slowRatePct } = this.#policy;
    const key = this.#keyAt(nowMs);
    let [calls, failures, slow] = [0, 0, 0];
    for (const bucket of this.#buckets) {
      if (bucket.key <= key - BUCKETS) continue;
      calls += bucket.calls;
      failures += bucket.failures;
      slow += bucket.slow;
    }
    if (calls === 0 || calls < callsMin) return undefined;
    const over = `of ${calls} calls in ${windowMs / 1_000} s`;
    if (errorRatePct !== undefined && failures * 100 >= errorRatePct * calls)
      return `${failures} ${over} failed`;
    if (slowCallMs !== undefined && slow * 100 >= slowRatePct * calls)
      return `${slow} ${over} took ${slowCallMs} ms or longer`;
    return undefined;
  }

  clear(): void {
    for (const bucket of this.#buckets) Object.assign(bucket, EMPTY);
  }

  #keyAt(atMs: number): number {
    return Math.floor((atMs * BUCKETS) / this.#policy.windowMs);
  }
}

const EMPTY: Readonly<Bucket> = { key: -BUCKETS, calls: 0, failures: 0, slow: 0 };
