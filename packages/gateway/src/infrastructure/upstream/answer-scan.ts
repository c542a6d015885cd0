/**
 * Reads the top level of a large answer in its bytes: where its id stands, and that nothing there is ambiguous. What
 * the members contain is skipped; long strings are crossed by `indexOf`.
 */

import { foldCase } from '../../domain/protocol/json-spans.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const COMMA = 44;
const COLON = 58;
const SPACE = 32;
/** Members of an answer; anything else there is unknown to us and passes. */
const KEY_BYTES_MAX = 32;

const DECISIVE: ReadonlySet<string> = new Set(['id', 'method', 'result', 'error']);

export interface ScannedAnswer {
  readonly id: number;
  readonly idStart: number;
  readonly idEnd: number;
  readonly isError: boolean;
}

/** Undefined for what is no answer under an id of ours, is malformed, or says something twice. */
export function scanAnswer(bytes: Buffer): ScannedAnswer | undefined {
  const found = new Map<string, readonly [start: number, end: number]>();
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_OBJECT) return undefined;
  do {
    at = skipSpace(bytes, at + 1);
    const keyEnd = bytes[at] === QUOTE ? skipString(bytes, at) : -1;
    if (keyEnd === -1) return undefined;
    const key = bytes.toString('latin1', at + 1, Math.min(keyEnd - 1, at + 1 + KEY_BYTES_MAX));
    const colon = skipSpace(bytes, keyEnd);
    const name = foldCase(key);
    if (bytes[colon] !== COLON || key.includes('\\') || found.has(name)) return undefined;
    if (name !== key && DECISIVE.has(name)) return undefined; // some parsers would take it for that
    const start = skipSpace(bytes, colon + 1);
    const end = skipValue(bytes, start);
    if (end === -1) return undefined;
    found.set(name, [start, end]);
    at = skipSpace(bytes, end);
  } while (bytes[at] === COMMA);
  const isWhole = bytes[at] === CLOSE_OBJECT && skipSpace(bytes, at + 1) === bytes.length;
  const id = found.get('id');
  if (!isWhole || id === undefined || found.has('method')) return undefined;
  if (found.has('result') === found.has('error')) return undefined;
  const written = bytes.toString('latin1', id[0], id[1]);
  if (!/^"?\d{1,15}"?$/.test(written)) return undefined;
  const isError = found.has('error');
  return { id: Number(written.replaceAll('"', '')), idStart: id[0], idEnd: id[1], isError };
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] ?? 0) <= SPACE) at += 1;
  return at;
}

function skipString(bytes: Buffer, start: number): number {
  let quote = bytes.indexOf(QUOTE, start + 1);
  while (quote !== -1) {
    let slash = quote - 1;
    while (bytes[slash] === BACKSLASH) slash -= 1;
    if ((quote - slash) % 2 === 1) return quote + 1;
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  return -1;
}

function skipValue(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return skipString(bytes, start);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return skipLiteral(bytes, start);
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      if (at === -1) return -1;
      continue;
    }
    at += 1;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

function skipLiteral(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || byte <= SPACE) break;
    at += 1;
  }
  return at === start ? -1 : at;
}
