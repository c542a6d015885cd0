/** Children of a degraded server that are worked with and go before the next try. */
import type { Child } from './child.ts';

export class Suspects {
  readonly #children = new Set<Child>();
  readonly #stop: (child: Child) => void;

  constructor(stop: (child: Child) => void) {
    this.#stop = stop;
  }

  /** Shared children of a server that fails may hang: the next try gets new ones. */
  add(children: readonly Child[]): void {
    for (const child of children) {
      if (child.isHeld) this.#children.add(child);
      else this.#stop(child);
    }
  }

  /** It has answered, or is gone. */
  clear(child: Child): void {
    this.#children.delete(child);
  }

  end(): void {
    for (const child of this.#children) this.#stop(child);
    this.#children.clear();
  }
}
