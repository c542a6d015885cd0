/** Inputs worth changing: those that reached something new. Bounded in number and bytes. */
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const ENTRIES_MAX = 4_096;
const BYTES_MAX = 33_554_432;
const INPUT_BYTES_MAX = 4_096;
/** The latest ones are changed as often as all others together. */
const LATEST = 32;

export class Corpus {
  readonly #target: Target;
  readonly #random: Random;
  readonly #entries: Buffer[] = [];
  #bytes = 0;

  constructor(target: Target, random: Random) {
    this.#target = target;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.length;
  }

  keep(input: Buffer): void {
    // A copy: a stretch of a larger buffer would keep all of it.
    const entry = Buffer.from(input);
    if (this.size < ENTRIES_MAX && this.#bytes + entry.length <= BYTES_MAX) {
      this.#entries.push(entry);
      this.#bytes += entry.length;
      return;
    }
    const at = this.#random.below(this.size);
    this.#bytes += entry.length - (this.#entries[at]?.length ?? 0);
    this.#entries[at] = entry;
  }

  /** An input to try. */
  next(): Buffer {
    const { make, dictionary: words, bytesMax = INPUT_BYTES_MAX } = this.#target;
    const random = this.#random;
    const isMade = make !== undefined && (this.size === 0 || random.once(3));
    const base = isMade ? Buffer.from(make(random)) : this.#another();
    if (isMade && random.once(2)) return base;
    return mutated(base, random, { words, another: () => this.#another(), bytesMax });
  }

  #another(): Buffer {
    if (this.size === 0) return Buffer.alloc(0);
    const latest = this.#random.once(2) ? Math.min(LATEST, this.size) : this.size;
    return this.#entries[this.size - 1 - this.#random.below(latest)] ?? Buffer.alloc(0);
  }
}
