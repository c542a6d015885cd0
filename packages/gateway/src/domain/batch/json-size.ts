/** How long values are as JSON, without writing them. */
import { isObject } from '../protocol/json-rpc.ts';

const SHORT_ESCAPES: ReadonlySet<number> = new Set([8, 9, 10, 12, 13, 34, 92]);
const SPACE = 32;

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
export function stringBytes(text: string): number {
  let bytes = 2;
  for (let at = 0; at < text.length; at += 1) {
    const size = escapedBytesAt(text, at);
    bytes += size;
    if (size === 4) at += 1;
  }
  return bytes;
}

/** A number that was kept as it was written (`parseExactly`). */
export const isRawNumber = (value: unknown): boolean =>
  isObject(value) && Object.getPrototypeOf(value) === null && typeof value['rawJSON'] === 'string';

/** Sizes of one value and of everything in it; each container is measured once. */
export class JsonSizes {
  readonly #known = new Map<object, number>();

  /** UTF-8 bytes of a value that came from JSON. */
  of(value: unknown): number {
    if (typeof value === 'string') return stringBytes(value);
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)?.length ?? 4;
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const bytes = this.#measure(value);
    this.#known.set(value, bytes);
    return bytes;
  }

  #measure(value: object): number {
    if (isRawNumber(value)) return JSON.stringify(value).length;
    const parts = Array.isArray(value)
      ? value.map((item: unknown) => this.of(item))
      : Object.entries(value).map(([key, member]) => stringBytes(key) + 1 + this.of(member));
    const commas = Math.max(0, parts.length - 1);
    return parts.reduce((all, size) => all + size, 2 + commas);
  }
}
