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

  /** Milliseconds until a token is there: 0 = now. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    const missing = 1 - this.#tokens;
    return missing <= EPSILON ? 0 : Math.ceil((missing * 1_000) / this.limit.perSecond);
  }

  /** Takes a token that is there: `waitMs` was just 0. */
  take(): void {
    this.#tokens -= 1;
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
