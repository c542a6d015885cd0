/**
 * Finds where a few values stand in a JSON text, so that they can be replaced and every other byte kept as it
 * came (numbers beyond 2^53, key order, unknown fields). It does not validate: whoever needs that parses too.
 *
 * Members that stand twice make the text ambiguous (two parsers may read two different values), so `locate`
 * answers undefined for it and the caller falls back to its parsed form. So do members whose names differ from wanted
 * ones only in case: some parsers, Go's among them, take `ID` for `id`.
 */

/** Which members are wanted: a number is the slot of a value, an object leads to members of a member. */
export interface Plan {
  readonly [key: string]: number | Plan;
}

/** Start and end offsets, two numbers a slot; an absent value has end 0. */
export type Spans = Int32Array;

export const QUOTE = 34;
const BACKSLASH = 92;
export const OPEN_OBJECT = 123;
export const CLOSE_OBJECT = 125;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
export const COMMA = 44;
export const COLON = 58;
const SPACE = 32;

/** Spans of the wanted values of a JSON object, or undefined where it is malformed or ambiguous. */
export function locate(text: string, plan: Plan, slots: number): Spans | undefined {
  const spans = new Int32Array(slots * 2);
  const start = skipSpace(text, 0);
  if (text.charCodeAt(start) !== OPEN_OBJECT) return undefined;
  const end = scanObject(text, start, plan, spans);
  return end === -1 || skipSpace(text, end) !== text.length ? undefined : spans;
}

export const spanStart = (spans: Spans, slot: number): number => spans[slot * 2] ?? 0;
export const spanEnd = (spans: Spans, slot: number): number => spans[slot * 2 + 1] ?? 0;
export const hasSpan = (spans: Spans, slot: number): boolean => spanEnd(spans, slot) !== 0;
/** The text of a value as it was written, or undefined. */
export const spanText = (text: string, spans: Spans, slot: number): string | undefined =>
  hasSpan(spans, slot) ? text.slice(spanStart(spans, slot), spanEnd(spans, slot)) : undefined;

/** Scans the object that opens at `start`; the offset behind it, or -1. */
function scanObject(text: string, start: number, plan: Plan, spans: Spans): number {
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === CLOSE_OBJECT) return at + 1;
  let entered: Plan[] | undefined;
  for (;;) {
    if (text.charCodeAt(at) !== QUOTE) return -1;
    const keyEnd = skipString(text, at);
    if (keyEnd === -1) return -1;
    const key = keyOf(text, at, keyEnd);
    const wanted = Object.hasOwn(plan, key) ? plan[key] : undefined; // a key may be "__proto__"
    if (wanted === undefined && isMistakable(key, plan)) return -1;
    if (typeof wanted === 'object') {
      if (entered?.includes(wanted) === true) return -1; // the same member twice: ambiguous
      (entered ??= []).push(wanted);
    }
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) !== COLON) return -1;
    at = scanValue(text, skipSpace(text, at + 1), wanted, spans);
    if (at === -1) return -1;
    at = skipSpace(text, at);
    const separator = text.charCodeAt(at);
    if (separator === CLOSE_OBJECT) return at + 1;
    if (separator !== COMMA) return -1;
    at = skipSpace(text, at + 1);
  }
}

/** Whether a name that is not wanted is a wanted one to parsers that do not mind case. */
export function isMistakable(key: string, plan: Plan): boolean {
  for (const wanted in plan) {
    if (wanted.length === key.length && wanted !== key && foldCase(wanted) === foldCase(key))
      return true;
  }
  return false;
}

/** One form for all that differs only in case, the long s and the sign of Kelvin among it. */
export const foldCase = (text: string): string => text.toUpperCase().toLowerCase();

function scanValue(
  text: string,
  at: number,
  wanted: number | Plan | undefined,
  spans: Spans,
): number {
  if (typeof wanted === 'object' && text.charCodeAt(at) === OPEN_OBJECT) {
    return scanObject(text, at, wanted, spans);
  }
  const end = skipValue(text, at);
  if (typeof wanted !== 'number' || end === -1) return end;
  if (hasSpan(spans, wanted)) return -1; // the same member twice: ambiguous
  spans[wanted * 2] = at;
  spans[wanted * 2 + 1] = end;
  return end;
}

/** The name of a member, from its quoted text. */
export function keyOf(text: string, start: number, end: number): string {
  const key = text.slice(start + 1, end - 1);
  if (!key.includes('\\')) return key;
  try {
    return String(JSON.parse(text.slice(start, end)));
  } catch {
    return key; // not a JSON string: no plan has such a key
  }
}

/** The offset of the next character that is no white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= SPACE) at += 1;
  return at;
}

/** The offset behind the string that opens at `start`, or -1. Long strings are crossed by `indexOf`. */
export function skipString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1) {
    let slash = quote - 1;
    while (text.charCodeAt(slash) === BACKSLASH) slash -= 1;
    if ((quote - slash) % 2 === 1) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return -1;
}

/** The offset behind the value at `start`, or -1. Not recursive: nesting costs a counter. */
export function skipValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return skipString(text, start);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return skipLiteral(text, start);
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = skipString(text, at);
      if (at === -1) return -1;
      continue;
    }
    at += 1;
    if (char === OPEN_OBJECT || char === OPEN_ARRAY) depth += 1;
    else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

function skipLiteral(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char === COMMA || char === CLOSE_OBJECT || char === CLOSE_ARRAY || char <= SPACE) break;
    at += 1;
  }
  return at === start ? -1 : at;
}

/** What replaces one span. */
export interface Edit {
  readonly slot: number;
  readonly text: string;
}

/** The text with the given spans replaced; edits of absent spans are left out. */
export function splice(text: string, spans: Spans, edits: readonly Edit[]): string {
  const present = edits
    .filter((edit) => hasSpan(spans, edit.slot))
    .toSorted((a, b) => spanStart(spans, a.slot) - spanStart(spans, b.slot));
  let out = '';
  let at = 0;
  for (const edit of present) {
    out += text.slice(at, spanStart(spans, edit.slot)) + edit.text;
    at = spanEnd(spans, edit.slot);
  }
  return out + text.slice(at);
}
