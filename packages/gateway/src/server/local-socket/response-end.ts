/** Whether an HTTP/1.1 connection is between two exchanges, seen from the bytes that pass. */

const HEAD_BYTES_MAX = 65_536;
const HEAD_END = '\r\n\r\n';

/** Where the bytes of the server are. `unknown`: the response ends with the connection. */
type At =
  | { readonly kind: 'between' }
  | { readonly kind: 'head'; readonly text: string }
  | { readonly kind: 'sized'; readonly left: number }
  | { readonly kind: 'chunk-size'; readonly text: string }
  | { readonly kind: 'chunk'; readonly left: number }
  | { readonly kind: 'last-chunk'; readonly left: number }
  | { readonly kind: 'unknown' };

/** Follows the framing of responses, not what they say. */
export class ResponseEnd {
  #at: At = { kind: 'between' };
  #isAsked = false;

  /** Every request so far has its whole response. */
  get isIdle(): boolean {
    return !this.#isAsked && this.#at.kind === 'between';
  }

  /** Bytes of the client passed. */
  asked(): void {
    this.#isAsked = true;
  }

  /** Bytes of the server passed. */
  answered(bytes: Buffer): void {
    let start = 0;
    while (start < bytes.length) start = this.#step(bytes, start);
  }

  #step(bytes: Buffer, start: number): number {
    const at = this.#at;
    switch (at.kind) {
      case 'between':
        this.#at = { kind: 'head', text: '' };
        return start;
      case 'head':
        return this.#readHead(at.text, bytes, start);
      case 'chunk-size':
        return this.#readSize(at.text, bytes, start);
      case 'sized':
      case 'chunk':
      case 'last-chunk':
        return this.#skip(at, bytes, start);
      case 'unknown':
        return bytes.length;
    }
  }

  #readHead(before: string, bytes: Buffer, start: number): number {
    const text = before + bytes.toString('latin1', start, start + HEAD_BYTES_MAX);
    const end = text.indexOf(HEAD_END);
    if (end === -1) {
      this.#at = text.length > HEAD_BYTES_MAX ? { kind: 'unknown' } : { kind: 'head', text };
      return start + HEAD_BYTES_MAX;
    }
    const head = text.slice(0, end).toLowerCase();
    const length = /\r\ncontent-length: *(\d{1,15})/.exec(head)?.[1];
    if (/^http\/1\.1 1\d\d/.test(head)) this.#at = { kind: 'between' };
    else if (/^http\/1\.1 (?:204|304)/.test(head)) this.#done();
    else if (/\r\ntransfer-encoding: *chunked/.test(head))
      this.#at = { kind: 'chunk-size', text: '' };
    else if (length === undefined) this.#at = { kind: 'unknown' };
    else if (Number(length) === 0) this.#done();
    else this.#at = { kind: 'sized', left: Number(length) };
    return start + end + HEAD_END.length - before.length;
  }

  #readSize(before: string, bytes: Buffer, start: number): number {
    const text = before + bytes.toString('latin1', start, start + 32);
    const end = text.indexOf('\r\n');
    if (end === -1) {
      this.#at = text.length > 64 ? { kind: 'unknown' } : { kind: 'chunk-size', text };
      return start + 32;
    }
    const size = Number.parseInt(text, 16);
    if (Number.isNaN(size)) this.#at = { kind: 'unknown' };
    // Behind its bytes a chunk has a line end; behind the last one, where we send no trailers, is nothing else.
    else
      this.#at = size === 0 ? { kind: 'last-chunk', left: 2 } : { kind: 'chunk', left: size + 2 };
    return start + end + 2 - before.length;
  }

  #skip(
    at: { readonly kind: 'sized' | 'chunk' | 'last-chunk'; readonly left: number },
    bytes: Buffer,
    start: number,
  ): number {
    const taken = Math.min(at.left, bytes.length - start);
    if (taken < at.left) this.#at = { ...at, left: at.left - taken };
    else if (at.kind === 'chunk') this.#at = { kind: 'chunk-size', text: '' };
    else this.#done();
    return start + taken;
  }

  #done(): void {
    this.#at = { kind: 'between' };
    this.#isAsked = false;
  }
}
