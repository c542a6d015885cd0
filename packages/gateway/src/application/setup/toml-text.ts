/** TOML as a text: read, and edited by whole tables, so that everything else stays as it is. */
import { parse, stringify, TomlError } from 'smol-toml';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import type { TextEdit } from './json-text.ts';

const BOM = '\uFEFF';

/** The value of a text. Refuses, in words that quote nothing of it, what is no TOML. */
export function readToml(text: string): Result<Readonly<Record<string, unknown>>, string> {
  try {
    return ok(parse(text.replace(BOM, '')));
  } catch (error) {
    if (error instanceof TomlError) return err(`it is no valid TOML (line ${error.line})`);
    throw error;
  }
}

/** The text with one table set or removed. It is for the caller to read it back: not all that is TOML is written so. */
export function editToml(text: string, { path, value }: TextEdit): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text === '' ? [] : text.split(/\r?\n/);
  const { kept, at } = withoutTable(lines, path);
  if (value === undefined) return kept.join(eol);
  const table = tableLines(path, value);
  if (at !== undefined) return [...kept.slice(0, at), ...table, ...kept.slice(at)].join(eol);
  while (kept.at(-1) === '') kept.pop();
  const gap = kept.length === 0 ? [] : [''];
  return [...kept, ...gap, ...table, ''].join(eol);
}

function tableLines(path: readonly string[], value: unknown): readonly string[] {
  let nested: unknown = value;
  for (const key of path.toReversed()) nested = { [key]: nested };
  // Only the tables with something in them are wanted, not those on the way.
  const all = stringify(nested).trimEnd().split('\n');
  const start = all.findIndex((line) => samePath(headerOf(line), path));
  return all.slice(Math.max(start, 0));
}

interface Kept {
  readonly kept: string[];
  /** The line where the table began. */
  readonly at: number | undefined;
}

/** Without the table and those below it; comments before the next table stay with that one. */
function withoutTable(lines: readonly string[], path: readonly string[]): Kept {
  const kept: string[] = [];
  let at: number | undefined;
  let isInside = false;
  for (const [index, line] of lines.entries()) {
    const header = headerOf(line);
    if (header !== undefined) {
      const wasInside = isInside;
      isInside = path.every((key, level) => header[level] === key);
      if (isInside) at ??= kept.length;
      else if (wasInside) keepLeading(kept, leadingOf(lines, index));
    }
    if (!isInside) kept.push(line);
  }
  if (isInside) keepLeading(kept, leadingOf(lines, lines.length));
  return { kept, at };
}

/** One blank line is enough where there was a table between two. */
function keepLeading(kept: string[], leading: readonly string[]): void {
  kept.push(...(kept.at(-1) === '' && leading[0] === '' ? leading.slice(1) : leading));
}

/** The blank and comment lines directly before a line. */
function leadingOf(lines: readonly string[], end: number): readonly string[] {
  let start = end;
  while (start > 0 && /^\s*(?:#.*)?$/.test(lines[start - 1] ?? '')) start -= 1;
  return lines.slice(start, end);
}

const KEY = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*(\.|$)/y;

/** The keys of `[a."b".c]`; undefined for any other line. */
function headerOf(line: string): readonly string[] | undefined {
  const inner = /^\uFEFF?\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(line)?.[1];
  if (inner === undefined) return undefined;
  const keys: string[] = [];
  let index = 0;
  while (index < inner.length) {
    const pattern = new RegExp(KEY.source, 'y');
    pattern.lastIndex = index;
    const match = pattern.exec(inner);
    if (match === null) return undefined;
    keys.push(match[1] ?? match[2] ?? match[3] ?? '');
    index = pattern.lastIndex;
  }
  return keys;
}

const samePath = (header: readonly string[] | undefined, path: readonly string[]): boolean =>
  header !== undefined &&
  header.length === path.length &&
  path.every((key, level) => header[level] === key);
