/** Cutting JSON values to a size: texts and lists lose their ends, objects keep their keys. */
import { shares } from './budgets.ts';
import { escapedBytesAt, isRawNumber, JsonSizes, stringBytes } from './json-size.ts';

export const CUT_MARK = '... [truncated]';
const CUT_BYTES = stringBytes(CUT_MARK);
/** What any value can be cut to. */
export const VALUE_BYTES_MIN = CUT_BYTES;
/** Below this a container is not opened any more. */
const CONTAINER_BYTES_MIN = 64;
/** A text that ends with a whole line may be shorter than its room, down to this share of it. */
const LINE_SHARE_MIN = 0.5;
/** Of an object that cannot even keep its keys. */
const MORE_MEMBERS_KEY = '[truncated]';

export interface CutOptions {
  readonly endsAtLines: boolean;
}

/** The value in at most `bytesMax` bytes of JSON, which are `VALUE_BYTES_MIN` at least. */
export const cutValue = (value: unknown, bytesMax: number, options: CutOptions): unknown =>
  new Cutter(options).cut(value, Math.max(bytesMax, VALUE_BYTES_MIN));

/** A text that as a JSON string has at most `bytesMax` bytes, `VALUE_BYTES_MIN` at least; no character is split. */
export function cutText(text: string, bytesMax: number, { endsAtLines }: CutOptions): string {
  const room = bytesMax - CUT_BYTES;
  let [bytes, at, fitting, lineEnd, lineBytes] = [0, 0, 0, 0, 0];
  while (at < text.length && bytes + 2 <= bytesMax) {
    const size = escapedBytesAt(text, at);
    bytes += size;
    const isLineEnd = text.charCodeAt(at) === 10;
    at += size === 4 ? 2 : 1;
    if (bytes > room) continue;
    fitting = at;
    if (isLineEnd) [lineEnd, lineBytes] = [at, bytes];
  }
  if (at >= text.length && bytes + 2 <= bytesMax) return text;
  const isAtLine = endsAtLines && lineBytes > room * LINE_SHARE_MIN;
  return text.slice(0, isAtLine ? lineEnd : fitting) + CUT_MARK;
}

const moreItems = (count: number): string => `[${count} more items truncated]`;

class Cutter {
  readonly #options: CutOptions;
  readonly #sizes = new JsonSizes();

  constructor(options: CutOptions) {
    this.#options = options;
  }

  cut(value: unknown, bytesMax: number): unknown {
    if (this.#sizes.of(value) <= bytesMax) return value;
    if (typeof value === 'string') return cutText(value, bytesMax, this.#options);
    // Only a number kept as it was written can be that long.
    if (typeof value !== 'object' || value === null || isRawNumber(value)) return CUT_MARK;
    if (bytesMax < CONTAINER_BYTES_MIN) return CUT_MARK;
    return Array.isArray(value) ? this.#cutList(value, bytesMax) : this.#cutObject(value, bytesMax);
  }

  #cutList(items: readonly unknown[], bytesMax: number): readonly unknown[] {
    const reserve = stringBytes(moreItems(items.length)) + 1;
    const kept: unknown[] = [];
    let bytes = 2;
    for (const [index, item] of items.entries()) {
      const comma = index === 0 ? 0 : 1;
      const after = index === items.length - 1 ? 0 : reserve;
      const room = bytesMax - bytes - comma - after;
      const size = this.#sizes.of(item);
      if (size <= room) {
        kept.push(item);
        bytes += size + comma;
        continue;
      }
      const isPart = room >= CONTAINER_BYTES_MIN;
      if (isPart) kept.push(this.cut(item, room));
      const left = items.length - index - (isPart ? 1 : 0);
      if (left > 0) kept.push(moreItems(left));
      break;
    }
    return kept;
  }

  #cutObject(value: object, bytesMax: number): object {
    const all = Object.entries(value);
    const needs = all.map(([key, member], index) => {
      const least = Math.min(this.#sizes.of(member), VALUE_BYTES_MIN);
      return stringBytes(key) + 1 + (index === 0 ? 0 : 1) + least;
    });
    const least = needs.reduce((sum, need) => sum + need, 2);
    const entries = least <= bytesMax ? all : fitting(all, needs, bytesMax);
    if (entries.length === 0) return { [MORE_MEMBERS_KEY]: `${all.length} more` };
    const dropped = all.length - entries.length;
    const note: [string, string] = [MORE_MEMBERS_KEY, `${dropped} more`];
    const names = [...entries, ...(dropped > 0 ? [note] : [])];
    const overhead = names.reduce((sum, [key]) => sum + stringBytes(key) + 2, 1);
    const noteBytes = dropped > 0 ? stringBytes(note[1]) : 0;
    const sizes = entries.map(([, member]) => this.#sizes.of(member));
    const rooms = shares(sizes, bytesMax - overhead - noteBytes, VALUE_BYTES_MIN);
    const cut = entries.map(([key, member], index) => [
      key,
      this.cut(member, rooms[index] ?? VALUE_BYTES_MIN),
    ]);
    return Object.fromEntries(dropped > 0 ? [...cut, note] : cut) as object;
  }
}

/** The first entries that fit with a note about the others. */
function fitting(
  entries: readonly [string, unknown][],
  needs: readonly number[],
  bytesMax: number,
): [string, unknown][] {
  const note = stringBytes(MORE_MEMBERS_KEY) + 2 + stringBytes(`${entries.length} more`);
  let bytes = 2 + note;
  const count = needs.findIndex((need) => (bytes += need) > bytesMax);
  return entries.slice(0, Math.max(0, count));
}
