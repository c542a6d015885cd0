import type { Secret } from '@mcp-hangar/kernel/secret';
import { redact, secretTexts } from '../../domain/mcp-server/redactor.ts';

/** Lines kept for one child; older ones are dropped. */
const LINES_MAX = 1_000;
/** A longer line is cut here and ends with `...`. */
const LINE_BYTES_MAX = 8_192;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface StderrRecord {
  readonly atMs: number;
  readonly line: string;
}

export interface StderrOptions {
  readonly nowMs: () => number;
  /** Values that never appear in a record. */
  readonly secrets?: Iterable<Secret>;
  /** Told of every record as it is made. */
  readonly onRecord?: ((record: StderrRecord) => void) | undefined;
}

/**
 * The last lines that a child wrote to stderr, decoded (bad UTF-8 is replaced) and redacted.
 * Memory is bounded whatever the child writes: `LINES_MAX` lines and one unfinished line.
 */
export class StderrBuffer {
  readonly #nowMs: () => number;
  readonly #onRecord: ((record: StderrRecord) => void) | undefined;
  readonly #secrets: readonly string[];
  /** Read past the limit by this much, so that a secret across the cut is seen whole. */
  readonly #overlapBytes: number;
  readonly #unfinished: Buffer;
  #unfinishedBytes = 0;
  #isCut = false;
  readonly #ring: StderrRecord[] = [];
  #oldest = 0;

  constructor(options: StderrOptions) {
    this.#nowMs = options.nowMs;
    this.#onRecord = options.onRecord;
    this.#secrets = secretTexts(options.secrets ?? []);
    this.#overlapBytes = Math.max(0, ...this.#secrets.map((text) => Buffer.byteLength(text) - 1));
    this.#unfinished = Buffer.allocUnsafeSlow(LINE_BYTES_MAX + this.#overlapBytes + 1);
  }

  /** Takes the next bytes of stderr, split anywhere. */
  write(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      this.#append(chunk, start, newline === -1 ? chunk.length : newline);
      if (newline === -1) return;
      this.#finishLine();
      start = newline + 1;
    }
  }

  /** The stream has ended: what is left without a newline becomes a line. */
  end(): void {
    if (this.#unfinishedBytes > 0) this.#finishLine();
  }

  /** The last `count` lines, oldest first. */
  tail(count: number = LINES_MAX): readonly StderrRecord[] {
    const ordered = [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)];
    return count <= 0 ? [] : ordered.slice(-count);
  }

  /** The last lines as one text of at most `charsMax` characters, cut at its beginning. */
  tailText(charsMax: number): string {
    const text = this.tail()
      .map((record) => record.line)
      .join('\n');
    return text.length <= charsMax ? text : text.slice(-charsMax);
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const copied = chunk.copy(this.#unfinished, this.#unfinishedBytes, start, end);
    this.#unfinishedBytes += copied;
    if (copied < end - start) this.#isCut = true;
  }

  #finishLine(): void {
    let bytes = this.#unfinishedBytes;
    if (!this.#isCut && bytes > 0 && this.#unfinished[bytes - 1] === CARRIAGE_RETURN) bytes -= 1;
    const line = this.#redact(this.#unfinished.toString('utf8', 0, bytes));
    const record = { atMs: this.#nowMs(), line: this.#shorten(line) };
    this.#push(record);
    this.#onRecord?.(record);
    this.#unfinishedBytes = 0;
    this.#isCut = false;
  }

  /**
   * Cuts after redaction. When bytes were already lost, the end may hold the beginning of a secret
   * whose rest is gone; that part is always within the overlap and goes with it.
   */
  #shorten(line: string): string {
    const bytes = Buffer.from(line);
    if (!this.#isCut && bytes.length <= LINE_BYTES_MAX) return line;
    let end = Math.min(LINE_BYTES_MAX, bytes.length);
    if (this.#isCut) end = Math.min(end, bytes.length - this.#overlapBytes);
    // Not in the middle of a character: continuation bytes are 10xxxxxx.
    while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    return `${bytes.toString('utf8', 0, end)}...`;
  }

  #redact(line: string): string {
    return redact(line, this.#secrets);
  }

  #push(record: StderrRecord): void {
    if (this.#ring.length < LINES_MAX) {
      this.#ring.push(record);
      return;
    }
    this.#ring[this.#oldest] = record;
    this.#oldest = (this.#oldest + 1) % LINES_MAX;
  }
}
