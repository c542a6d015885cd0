/**
 * Cuts a server's stdout into lines without copying whole chunks: a line is the list of those it came in. A line over
 * the limit is thrown away up to its newline; its two ends are kept, because an id stands at one of them.
 */

/** Enough of either end of a line to find a JSON-RPC id in it. */
const END_BYTES = 128;
const NEWLINE = 10;
const CRUMBS_MAX = 1_024;

export interface LineSink {
  line(pieces: readonly Buffer[], bytes: number): void;
  overlong(head: string, tail: string, bytes: number): void;
  /** Asked of a line that lies within one chunk, by its first byte and its last: whether that was all of it to see. */
  skips?(first: number, last: number, bytes: number): boolean;
}

export class LineSplitter {
  readonly #sink: LineSink;
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #joined = 0;
  /** Set while the rest of an over-long line is thrown away. */
  #dropped: { head: string; tail: string } | undefined;

  constructor(sink: LineSink, bytesMax: number) {
    this.#sink = sink;
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    let start = 0;
    let newline = chunk.indexOf(NEWLINE);
    while (newline !== -1) {
      if (!this.#isSkipped(chunk, start, newline)) {
        this.#take(chunk.subarray(start, newline));
        this.#finish();
      }
      start = newline + 1;
      newline = chunk.indexOf(NEWLINE, start);
    }
    if (start < chunk.length) this.#take(start === 0 ? chunk : chunk.subarray(start));
  }

  #isSkipped(chunk: Buffer, start: number, end: number): boolean {
    if (this.#sink.skips === undefined || this.#bytes > 0 || start === end) return false;
    return this.#sink.skips(chunk[start] ?? 0, chunk[end - 1] ?? 0, end - start);
  }

  #take(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#dropped !== undefined) {
      this.#dropped.tail = (
        this.#dropped.tail + piece.subarray(-END_BYTES).toString('latin1')
      ).slice(-END_BYTES);
      return;
    }
    this.#pieces.push(piece);
    if (this.#pieces.length - this.#joined >= CRUMBS_MAX) {
      // A line in crumbs is joined now and then: each costs far more memory than its bytes.
      this.#pieces.push(Buffer.concat(this.#pieces.splice(this.#joined)));
      this.#joined = this.#pieces.length;
    }
    if (this.#bytes <= this.#bytesMax) return;
    const tail = this.#pieces.map((kept) => kept.subarray(-END_BYTES).toString('latin1')).join('');
    this.#dropped = { head: headOf(this.#pieces), tail: tail.slice(-END_BYTES) };
    this.#pieces = [];
  }

  #finish(): void {
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    const dropped = this.#dropped;
    this.#pieces = [];
    this.#bytes = 0;
    this.#joined = 0;
    this.#dropped = undefined;
    if (dropped !== undefined) this.#sink.overlong(dropped.head, dropped.tail, bytes);
    else if (bytes > 0) this.#sink.line(pieces, bytes);
  }
}

function headOf(pieces: readonly Buffer[]): string {
  let head = '';
  for (const piece of pieces) {
    head += piece.toString('latin1', 0, END_BYTES - head.length);
    if (head.length >= END_BYTES) break;
  }
  return head;
}
