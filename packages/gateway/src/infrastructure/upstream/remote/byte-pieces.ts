/** Bytes as they come, joined once. Many tiny pieces are joined in between: each costs far more than its bytes. */

const LOOSE_MAX = 1_024;

export class BytePieces {
  #joined: Buffer[] = [];
  #loose: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    this.#loose.push(piece);
    if (this.#loose.length < LOOSE_MAX) return;
    this.#joined.push(Buffer.concat(this.#loose));
    this.#loose = [];
  }

  /** All of them, in one. They are still there afterwards. */
  join(): Buffer {
    const [only] = this.#loose;
    if (this.#joined.length === 0 && this.#loose.length === 1 && only !== undefined) return only;
    return Buffer.concat([...this.#joined, ...this.#loose], this.#bytes);
  }

  clear(): void {
    this.#joined = [];
    this.#loose = [];
    this.#bytes = 0;
  }
}
