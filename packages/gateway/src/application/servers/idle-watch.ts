/** Stops children that nobody used for a while. One timer a child; it looks again instead of being moved by every call. */
import type { Clock } from '../ports.ts';
import type { Child } from './child.ts';

export class IdleWatch {
  #ttlMs: number;
  readonly #clock: Clock;
  readonly #onIdle: (child: Child, idleMs: number) => void;
  readonly #timers = new Map<Child, NodeJS.Timeout>();

  /** @param ttlMs 0 = children are kept for ever */
  constructor(ttlMs: number, clock: Clock, onIdle: (child: Child, idleMs: number) => void) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
    this.#onIdle = onIdle;
  }

  /** From now on, until `forget`. Watching a child twice changes nothing. */
  watch(child: Child): void {
    if (this.#ttlMs > 0 && !this.#timers.has(child)) this.#look(child);
  }

  /** Another time from now on, for these too. */
  retime(ttlMs: number, children: Iterable<Child>): void {
    if (ttlMs === this.#ttlMs) return;
    this.#ttlMs = ttlMs;
    for (const child of children) {
      this.forget(child);
      this.watch(child);
    }
  }

  forget(child: Child): void {
    clearTimeout(this.#timers.get(child));
    this.#timers.delete(child);
  }

  #look(child: Child): void {
    // Not negative where the clock was set back: it would be looked at after that much longer.
    const idleMs = Math.max(0, this.#clock.nowMs() - child.lastUsedAtMs);
    const isHeld = child.isHeld;
    if (!isHeld && idleMs >= this.#ttlMs) {
      this.#onIdle(child, idleMs);
      return;
    }
    const timer = setTimeout(() => this.#look(child), isHeld ? this.#ttlMs : this.#ttlMs - idleMs);
    timer.unref();
    this.#timers.set(child, timer);
  }
}
