/** How long values are as JSON, without writing them. */
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';

const SHORT_ESCAPES: ReadonlySet<number> = new Set([8, 9, 10, 12, 13, 34, 92]);
const SPACE = 32;
/** Up to here counting is faster than writing. */
const SHORT_CHARS = 64;

/** UTF-8 bytes of the character at `at` inside a JSON string, escaped as `JSON.stringify` does. */
export function escapedBytesAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return SHORT_ESCAPES.has(unit) ? 2 : unit < SPACE ? 6 : 1;
  if (unit < 0x800) return 2;
  if (unit < 0xd800 || unit > 0xdfff) return 3;
  return isPairAt(text, at) ? 4 : 6;
}

/** Whether one character begins here that takes two units of the text. */
function isPairAt(text: string, at: number): boolean {
  const [first, second] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
  return first >= 0xd800 && first < 0xdc00 && second >= 0xdc00 && second < 0xe000;
}

/** UTF-8 bytes of a text as a JSON string, quotes included. */
export const stringBytes = (text: string): number =>
  text.length < SHORT_CHARS ? countedBytes(text) : writtenBytes(JSON.stringify(text));

function countedBytes(text: string): number {
  let bytes = 2;
  for (let at = 0; at < text.length; at += 1) {
    const size = escapedBytesAt(text, at);
    bytes += size;
    if (size === 4) at += 1;
  }
  return bytes;
}

/** Of a text that is escaped already. */
function writtenBytes(written: string): number {
  // eslint-disable-next-line no-control-regex -- the range is the whole point: what is all ASCII has its length
  if (/^[\x00-\x7f]*$/.test(written)) return written.length;
  let bytes = written.length;
  for (let at = 0; at < written.length; at += 1) {
    const unit = written.charCodeAt(at);
    // Half of a pair counts two bytes; one that stands alone was written as ASCII.
    if (unit >= 0x80) bytes += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return bytes;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** A number that was kept as it was written (`parseExactly`). */
export const isRawNumber = (value: unknown): boolean =>
  isObject(value) && Object.getPrototypeOf(value) === null && typeof value['rawJSON'] === 'string';

/** From here on a size is worth remembering. Bytes. */
const REMEMBERED_BYTES_MIN = 1_024;

/** Sizes of one value and of everything in it; what is long is measured once. */
export class JsonSizes {
  readonly #known = new Map<object | string, number>();

  /** UTF-8 bytes of a value that came from JSON. */
  of(value: unknown): number {
    if (typeof value === 'number' || typeof value === 'boolean') return String(value).length;
    if (typeof value === 'string' && value.length < REMEMBERED_BYTES_MIN) return stringBytes(value);
    if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return 4;
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const bytes = typeof value === 'string' ? stringBytes(value) : this.#measure(value);
    if (bytes >= REMEMBERED_BYTES_MIN) this.#known.set(value, bytes);
    return bytes;
  }

  #measure(value: object): number {
    if (isRawNumber(value)) return JSON.stringify(value).length;
    let bytes = 1; // a bracket; the other one takes the place of the comma that is one too many
    if (Array.isArray(value)) {
      for (const item of value) bytes += 1 + this.of(item);
    } else {
      for (const key of Object.keys(value))
        bytes += stringBytes(key) + 2 + this.of((value as JsonObject)[key]);
    }
    return Math.max(2, bytes);
  }
}
