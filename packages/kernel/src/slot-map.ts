/**
 * Values under numbers that it gives, for what comes and goes with every call. A number is never given again, and what
 * is asked for under any other number is not there.
 *
 * Why not a `Map` or a `Set`: as entries come and go, V8 copies them into a new table now and then, and lets the old
 * table point to the new one. Once an old one was promoted, all that later tables ever held survives the collections of
 * young objects, and whatever that holds: requests, responses, sockets. At 12,000 calls a second that was a fifth of the
 * CPU time, and a heap of four times the size (ADR 27). Arrays form no such chain.
 */
const CAPACITY_MIN = 16;
/** Of an empty slot. */
const FREE = -1;

export class SlotMap<T> implements Iterable<T> {
  /** The number whose value a slot holds: one that leaves the slot's index as its remainder. */
  #keys: number[] = Array.from({ length: CAPACITY_MIN }, () => FREE);
  #values: (T | undefined)[] = this.#keys.map(() => undefined);
  #nextKey = 1;
  /** No number below it is there. */
  #firstKey = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What `insert` answers next. */
  get nextKey(): number {
    if (this.#size * 2 >= this.#keys.length) this.#grow();
    // Half of the slots are free: a few values that stay for long cost a few steps.
    while (this.#keys[this.#nextKey % this.#keys.length] !== FREE) this.#nextKey += 1;
    return this.#nextKey;
  }

  /** Answers the number of the value, from 1 on. */
  insert(value: T): number {
    const key = this.nextKey;
    this.#put(key, value);
    this.#nextKey = key + 1;
    this.#size += 1;
    return key;
  }

  get(key: number): T | undefined {
    return this.#has(key) ? this.#values[key % this.#keys.length] : undefined;
  }

  /** Takes a value out; answers it, or undefined where there was none. */
  remove(key: number): T | undefined {
    if (!this.#has(key)) return undefined;
    const slot = key % this.#keys.length;
    const value = this.#values[slot];
    this.#keys[slot] = FREE;
    this.#values[slot] = undefined;
    this.#size -= 1;
    return value;
  }

  clear(): void {
    this.#keys.fill(FREE);
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** Whether one of them is so; in no order. */
  some(isSo: (value: T) => boolean): boolean {
    return this.#keys.some((key, slot) => key !== FREE && isSo(this.#values[slot] as T));
  }

  /** The one that came before all others that are there. */
  get first(): T | undefined {
    if (this.#size === 0) this.#firstKey = this.#nextKey;
    else while (!this.#has(this.#firstKey)) this.#firstKey += 1;
    return this.get(this.#firstKey);
  }

  /** In the order in which they came, as they are now: what comes or goes meanwhile changes nothing. */
  [Symbol.iterator](): Iterator<T> {
    const keys = this.#keys.filter((key) => key !== FREE).toSorted((one, other) => one - other);
    // They were all there, though one may be undefined itself.
    return keys.map((key) => this.get(key) as T).values();
  }

  #has(key: number): boolean {
    return this.#keys[key % this.#keys.length] === key;
  }

  /** Two numbers with different remainders have different ones for twice the divisor, too. */
  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = Array.from({ length: keys.length * 2 }, () => FREE);
    this.#values = this.#keys.map(() => undefined);
    for (const [slot, key] of keys.entries()) if (key !== FREE) this.#put(key, values[slot]);
  }

  #put(key: number, value: T | undefined): void {
    const slot = key % this.#keys.length;
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }
}
