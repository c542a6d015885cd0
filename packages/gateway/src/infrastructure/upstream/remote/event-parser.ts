/**
 * Event streams (WHATWG HTML, section 9.2.6) read as bytes: lines end with LF, CR or CRLF, wherever the chunks were
 * cut. What an event carries is never decoded here, and is joined once, when the event is complete.
 */
import { BytePieces } from './byte-pieces.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const NEWLINE = Buffer.from('\n');
/** An id is sent back as a header. */
const ID_CHARS_MAX = 1_024;
const RETRY_MS_MAX = 3_600_000;
/** What is kept of an event that is too large, to find out whom it was for. */
const EDGE_BYTES = 256;

export interface EventHandlers {
  /** A complete event with data. */
  event(data: Buffer, type: string): void;
  /** An event beyond the limit, which is not kept. */
  overlong(head: string, tail: string, bytes: number): void;
}

export class EventParser {
  readonly #handlers: EventHandlers;
  readonly #bytesMax: number;
  /** The line that is not complete yet. */
  readonly #partial = new BytePieces();
  #atStart = true;
  #afterCr = false;
  /** Data of the event, with line ends between its lines. */
  readonly #data = new BytePieces();
  #hasData = false;
  #bytes = 0;
  #type = 'message';
  #pendingId: string | undefined;
  /** `inLine`: something of the current line was there already. */
  #overlong: { readonly head: string; tail: string; inLine: boolean } | undefined;
  /** The id of the last complete event, for `Last-Event-ID`. */
  lastEventId: string | undefined;
  /** What the server wants waited before a reconnection; undefined where it said nothing. */
  retryMs: number | undefined;

  constructor(handlers: EventHandlers, bytesMax: number) {
    this.#handlers = handlers;
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    let at = this.#afterCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#afterCr = false;
    let lf = chunk.indexOf(LF, at);
    let cr = chunk.indexOf(CR, at);
    while (lf !== -1 || cr !== -1) {
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      this.#endLine(chunk.subarray(at, end));
      at = end + 1;
      if (end === cr) {
        if (at === chunk.length) this.#afterCr = true;
        else if (chunk[at] === LF) at += 1;
        cr = chunk.indexOf(CR, at);
      }
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at);
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at));
  }

  /** Part of a line. */
  #keep(piece: Buffer): void {
    if (this.#overlong !== undefined) {
      this.#overlong.tail = tailOf(this.#overlong.tail, piece);
      this.#overlong.inLine = true;
      this.#bytes += piece.length;
      return;
    }
    this.#partial.add(piece);
    if (this.#bytes + this.#partial.bytes > this.#bytesMax) this.#giveUp();
  }

  #endLine(rest: Buffer): void {
    // By the same count as for a line in pieces: how the network cut it decides nothing.
    const fits = this.#bytes + rest.length <= this.#bytesMax;
    if (fits && this.#partial.bytes === 0 && this.#overlong === undefined) {
      this.#line(rest);
      return;
    }
    if (rest.length > 0) this.#keep(rest);
    if (this.#overlong !== undefined) {
      if (this.#overlong.inLine) this.#overlong.inLine = false;
      else this.#dispatch();
      return;
    }
    const line = this.#partial.join();
    this.#partial.clear();
    this.#line(line);
  }

  #line(raw: Buffer): void {
    let line = raw;
    if (this.#atStart) {
      this.#atStart = false;
      if (line.subarray(0, BOM.length).equals(BOM)) line = line.subarray(BOM.length);
    }
    if (line.length === 0) {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(COLON);
    if (colon === 0) return; // a comment: it kept the connection alive
    const name = line.toString('latin1', 0, colon === -1 ? line.length : Math.min(colon, 16));
    const start = colon === -1 ? line.length : colon + (line[colon + 1] === SPACE ? 2 : 1);
    this.#field(name, line.subarray(start));
  }

  #field(name: string, value: Buffer): void {
    switch (name) {
      case 'data':
        this.#bytes += value.length + 1;
        if (this.#hasData) this.#data.add(NEWLINE);
        this.#hasData = true;
        this.#data.add(value);
        return;
      case 'event':
        this.#type = value.toString('utf8', 0, 64);
        return;
      case 'id':
        if (value.length <= ID_CHARS_MAX && !value.includes(0))
          this.#pendingId = value.toString('latin1');
        return;
      case 'retry': {
        const text = value.toString('latin1', 0, 16);
        if (/^\d{1,15}$/.test(text)) this.retryMs = Math.min(Number(text), RETRY_MS_MAX);
        return;
      }
      default: // not ours to know
    }
  }

  /** From here on the event is only counted, to its end. */
  #giveUp(): void {
    const data = this.#data.join();
    const partial = this.#partial.join();
    const [first, last] = [data.length > 0 ? data : partial, partial.length > 0 ? partial : data];
    const head = first.toString('latin1', 0, EDGE_BYTES).replace(/^data: ?/, '');
    this.#overlong = { head, tail: last.subarray(-EDGE_BYTES).toString('latin1'), inLine: true };
    this.#bytes += partial.length;
    this.#data.clear();
    this.#partial.clear();
  }

  #dispatch(): void {
    const data = this.#hasData && this.#overlong === undefined ? this.#data.join() : undefined;
    const overlong = this.#overlong;
    const bytes = this.#bytes;
    const type = this.#type;
    if (this.#pendingId !== undefined) this.lastEventId = this.#pendingId;
    this.#data.clear();
    this.#hasData = false;
    this.#overlong = undefined;
    this.#bytes = 0;
    this.#type = 'message';
    if (overlong !== undefined) this.#handlers.overlong(overlong.head, overlong.tail, bytes);
    else if (data !== undefined) this.#handlers.event(data, type);
  }
}

const tailOf = (tail: string, piece: Buffer): string =>
  (tail + piece.subarray(-EDGE_BYTES).toString('latin1')).slice(-EDGE_BYTES);
