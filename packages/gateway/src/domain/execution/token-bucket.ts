/** A limit on calls over time. Nothing runs meanwhile: what has flowed in is reckoned when somebody asks. */
export interface RateLimit {
  readonly perSecond: number;
  /** Most calls at one moment. At least 1. */
  readonly burst: number;
}

/** What arithmetic may lose of a token. */
const EPSILON = 1e-9;

export class TokenBucket {
  readonly limit: RateLimit;
  #tokens: number;
  #atMs: number;

  /** @param nowMs by a clock that never goes back, as all times here */
  constructor(limit: RateLimit, nowMs: number) {
    this.limit = limit;
    this.#tokens = limit.burst;
    this.#atMs = nowMs;
  }

  /** Milliseconds until `count` tokens are there: 0 = now, infinite where the bucket is too small for them. */
  waitMs(count: number, nowMs: number): number {
    const { burst, perSecond } = this.limit;
    if (count > burst) return Number.POSITIVE_INFINITY;
    this.#fill(nowMs);
    const missing = count - this.#tokens;
    return missing <= EPSILON ? 0 : Math.ceil((missing * 1_000) / perSecond);
  }

  /** Takes tokens that are there: `waitMs` was 0 for them at this moment. */
  take(count: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= count;
  }

  /** As good as a new one. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= this.limit.burst;
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs += passedMs;
    const filled = this.#tokens + (passedMs * this.limit.perSecond) / 1_000;
    this.#tokens = Math.min(this.limit.burst, filled);
  }
}
