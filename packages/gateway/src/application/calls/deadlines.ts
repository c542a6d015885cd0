/**
 * The time limits of all calls in flight, looked at together: a timer a call would cost more than the call's
 * parsing. A limit is kept to within a tenth of the shortest one, at most a second late.
 */
import { SlotMap } from '@mcp-hangar/kernel/slot-map';

const LOOK_MS_MAX = 1_000;
const LOOK_MS_MIN = 10;
const LOOKS_PER_LIMIT = 10;

const everyMs = (shortestMs: number): number =>
  Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, shortestMs / LOOKS_PER_LIMIT));

export interface Limited {
  /** When the time is up, by `performance.now()`: the wall clock may jump. Moved forward by any sign of life. */
  readonly deadlineMs: number;
  /** Where it is among the others; 0 = it is not. `Deadlines` writes it. */
  deadlineKey: number;
  onDeadline(): void;
}

export class Deadlines {
  #everyMs: number;
  readonly #limited = new SlotMap<Limited>();
  #timer: NodeJS.Timeout | undefined;

  /** @param shortestMs the shortest limit that anything here will have */
  constructor(shortestMs: number) {
    this.#everyMs = everyMs(shortestMs);
  }

  /** Another shortest limit from now on. */
  adapt(shortestMs: number): void {
    if (everyMs(shortestMs) === this.#everyMs) return;
    this.#everyMs = everyMs(shortestMs);
    this.close();
    if (this.#limited.size > 0) this.#timer = setInterval(() => this.#look(), this.#everyMs);
  }

  add(limited: Limited): void {
    if (limited.deadlineKey === 0) limited.deadlineKey = this.#limited.insert(limited);
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs);
  }

  remove(limited: Limited): void {
    this.#limited.remove(limited.deadlineKey);
    limited.deadlineKey = 0;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#limited.size === 0) {
      this.close(); // nothing in flight: no reason to wake up
      return;
    }
    const nowMs = performance.now();
    for (const limited of this.#limited) {
      // The end of one may be the end of another one's wait.
      if (limited.deadlineKey !== 0 && limited.deadlineMs <= nowMs) limited.onDeadline();
    }
  }
}
