/**
 * Changes of block mappings. Each answers candidates, the nicest first: the caller takes the first one that means what
 * it should, so a way of writing that is not foreseen here costs an edit and never a file.
 */
import { isCollection, isMap, isNode, isScalar, type Pair, type YAMLMap } from 'yaml';
import { indentAt, lineStart, nextLine, type Splice, type Target } from './config-edit.ts';
import { blockLines, indentOf } from './render.ts';

export type Candidates = readonly (readonly Splice[])[];

/** Adds a key behind the last one. */
export function appendToBlock(target: Target, key: string, value: unknown): Candidates {
  const { text, layout, map } = target;
  const last = map.items.at(-1);
  const indent = indentOf(text, map);
  if (last === undefined || indent === undefined) return [];
  const at = pairEnd(text, last);
  const separator = isSpaced(text, map) || indent === '' ? layout.eol : '';
  const lines = blockLines(key, value, { layout, indent });
  return [[linesAt(target, at, separator + lines)], [linesAt(target, at, lines)]];
}

/** Gives a key without a value, or with `{}`, its first entry. */
export function fillBlock(
  target: Target,
  pair: Pair,
  entry: { readonly key: string; readonly value: unknown },
): Candidates {
  const { text, layout } = target;
  const indent = isNode(pair.key) ? indentAt(text, pair.key.range?.[0] ?? 0) : undefined;
  if (indent === undefined) return [];
  const lines = blockLines(entry.key, entry.value, { layout, indent: indent + layout.step });
  const put = linesAt(target, pairEnd(text, pair), lines);
  const [start, end] = rangeOf(pair.value);
  if (end === start) return [[put]];
  const spaces = /[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0;
  return [[{ start: start - spaces, end, text: '' }, put]];
}

/** Takes a pair out, with the comments inside it; those above it stay. */
export function removeFromBlock(target: Target, pair: Pair, parent: Pair): Candidates {
  const { text, map } = target;
  const start = lineStart(text, rangeOf(pair.key)[0]);
  const end = pairEnd(text, pair);
  const spaced = skipBlankLines(text, end);
  const isAfterBlank = start > 0 && /(^|\n)[ \t]*\r?\n$/.test(text.slice(0, start));
  const isUnderKey = map.items.length > 1 && start === nextLine(text, rangeOf(parent.key)[0]);
  const ends = isAfterBlank || isUnderKey ? [spaced, end] : [end, spaced];
  if (map.items.length > 1) return ends.map((to) => [{ start, end: to, text: '' }]);
  const at = behindColon(text, parent);
  return at === undefined
    ? []
    : ends.map((to) => [
        { start: at, end: at, text: ' {}' },
        { start, end: to, text: '' },
      ]);
}

/** Puts another value in the place of that of a pair; the line of its key stays where it can. */
export function replaceInBlock(target: Target, pair: Pair, value: unknown): Candidates {
  const { text, layout } = target;
  const keyStart = rangeOf(pair.key)[0];
  const indent = indentAt(text, keyStart);
  const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
  if (indent === undefined || key === undefined) return [];
  const lines = blockLines(key, value, { layout, indent });
  const start = lineStart(text, keyStart);
  const end = pairEnd(text, pair);
  const body = nextLine(lines, 0);
  const first = nextLine(text, keyStart);
  const whole = { start, end, text: lines };
  return rangeOf(pair.value)[0] < first || body === lines.length
    ? [[fitted(target, whole)]]
    : [[fitted(target, { start: first, end, text: lines.slice(body) })], [fitted(target, whole)]];
}

/** Adds a key to an entry, where it is seen first. */
export function prependToBlock(target: Target, pair: Pair, member: string): Candidates {
  const { text, layout, map } = target;
  const indent = indentOf(text, map);
  const first = map.items[0];
  if (indent === undefined || first === undefined) return [];
  const line = indent + member + layout.eol;
  const at = rangeOf(first.key)[0];
  return [
    [linesAt(target, nextLine(text, rangeOf(pair.key)[0]), line)],
    [{ start: at, end: at, text: member + layout.eol + indent }],
    [linesAt(target, pairEnd(text, pair), line)],
  ];
}

export function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range = isNode(node) ? node.range : undefined;
  return range ? [range[0], range[1]] : [0, 0];
}

/** Behind the last line of a pair: the rest of that line, and comments below that stand further in than its key. */
function pairEnd(text: string, pair: Pair): number {
  const content = contentEnd(pair);
  const column = rangeOf(pair.key)[0] - lineStart(text, rangeOf(pair.key)[0]);
  let end = text[content - 1] === '\n' ? content : nextLine(text, content);
  for (let at = end; at < text.length; at = nextLine(text, at)) {
    const line = text.slice(at, nextLine(text, at));
    const comment = /^([ \t]*)#/.exec(line);
    if (comment !== null && (comment[1]?.length ?? 0) > column) end = nextLine(text, at);
    else if (line.trim() !== '') break;
  }
  return end;
}

/** Where the last value within a pair ends, comments behind it not counted. */
function contentEnd({ key, value }: Pair): number {
  if (isCollection(value) && value.flow !== true) {
    const last = value.items.at(-1);
    if (isMap(value)) return last === undefined ? rangeOf(value)[1] : contentEnd(last as Pair); // a mapping has pairs
    return contentEnd({ key: value, value: last } as Pair); // of a list, its last item
  }
  return Math.max(rangeOf(key)[1] * (isCollection(key) ? 0 : 1), rangeOf(value)[1]);
}

/** Whether every entry but the first stands behind an empty line. */
function isSpaced(text: string, map: YAMLMap): boolean {
  const pairs = map.items;
  return (
    pairs.length > 1 &&
    pairs.every((pair, index) => {
      const earlier = pairs[index - 1];
      if (earlier === undefined) return true;
      const between = text.slice(contentEnd(earlier) - 1, rangeOf(pair.key)[0]);
      return /\n[ \t]*\r?\n/.test(between);
    })
  );
}

function skipBlankLines(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.slice(at, nextLine(text, at)).trim() === '')
    at = nextLine(text, at);
  return at;
}

/** Whole lines at the start of a line, or at the end of a text whose last line has no end. */
function linesAt({ text, layout }: Target, at: number, lines: string): Splice {
  const isOpen = at === text.length && at > 0 && text[at - 1] !== '\n';
  const put = isOpen ? layout.eol + lines.slice(0, -layout.eol.length) : lines;
  return { start: at, end: at, text: put };
}

/** Lines in the place of lines, the last of which may have no end. */
function fitted({ text, layout }: Target, { start, end, text: lines }: Splice): Splice {
  const isOpen = end === text.length && text[end - 1] !== '\n';
  return { start, end, text: isOpen ? lines.slice(0, -layout.eol.length) : lines };
}

/** The place behind the ":" of a key whose value begins in a later line. */
function behindColon(text: string, pair: Pair): number | undefined {
  const from = rangeOf(pair.key)[1];
  const rest = /^[ \t]*:/.exec(text.slice(from));
  return rest === null ? undefined : from + rest[0].length;
}
