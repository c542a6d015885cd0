/**
 * JSON with comments as a text: read, and edited so that every other byte stays. Comments on lines of their own stay
 * too; one behind an entry on its line goes with it.
 */
import { findNodeAtLocation, type Node, parse, type ParseError, parseTree } from 'jsonc-parser';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';

export interface TextEdit {
  /** Of the entry in its file. */
  readonly path: readonly string[];
  /** Undefined removes it. */
  readonly value: unknown;
}

const LENIENT = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: true };
const BOM = '\uFEFF';

/** The value of a text; an empty one is an empty object. Refuses, in words, what is no JSON object. */
export function readJson(text: string): Result<Readonly<Record<string, unknown>>, string> {
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(BOM, ''), errors, LENIENT);
  const [first] = errors;
  if (first !== undefined) return err(`it is no valid JSON (line ${lineAt(text, first.offset)})`);
  if (value === undefined) return ok({});
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return err('it holds no JSON object');
  return ok({ ...value });
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** The text with one entry set or removed. The caller has read it before and reads it back. */
export function editJson(text: string, { path, value }: TextEdit): string {
  const mark = text.startsWith(BOM) ? BOM : '';
  const body = text.slice(mark.length);
  const start = body.trim() === '' ? `{}${eolOf(body)}` : body;
  const root = parseTree(start, [], LENIENT);
  if (root === undefined) return text;
  return (
    mark + (value === undefined ? removed(start, root, path) : put(start, root, { path, value }))
  );
}

function put(text: string, root: Node, { path, value }: TextEdit): string {
  const layout = layoutOf(text);
  const found = findNodeAtLocation(root, [...path]);
  if (found !== undefined) {
    const rendered = rendering(value, layout, indentAt(text, found.offset));
    return spliced(text, found.offset, endOf(found), rendered);
  }
  let depth = path.length - 1;
  while (depth > 0 && findNodeAtLocation(root, path.slice(0, depth)) === undefined) depth -= 1;
  const parent = depth === 0 ? root : (findNodeAtLocation(root, path.slice(0, depth)) ?? root);
  const name = path[depth] ?? '';
  let inner = value;
  for (const key of path.slice(depth + 1).toReversed()) inner = { [key]: inner };
  return inserted(text, parent, { name, value: inner });
}

interface Member {
  readonly name: string;
  readonly value: unknown;
}

/** A new last member. */
function inserted(text: string, parent: Node, { name, value }: Member): string {
  const layout = layoutOf(text);
  const outer = indentAt(text, parent.offset);
  const last = parent.children?.at(-1);
  if (last === undefined) {
    const inside = text.slice(parent.offset + 1, endOf(parent) - 1);
    const member = `${JSON.stringify(name)}: ${rendering(value, layout, outer + layout.unit)}`;
    const rest = inside.trim() === '' ? layout.eol + outer : inside;
    const body = `${layout.eol}${outer}${layout.unit}${member}${rest}`;
    return spliced(text, parent.offset + 1, endOf(parent) - 1, body);
  }
  if (!text.slice(parent.offset, endOf(parent)).includes('\n'))
    return spliced(text, endOf(last), endOf(last), `,${compact(text, last, { name, value })}`);
  const startsLine = /^[ \t]*$/.test(text.slice(lineStart(text, last.offset), last.offset));
  const indent = startsLine ? indentAt(text, last.offset) : outer + layout.unit;
  const member = `${layout.eol}${indent}${JSON.stringify(name)}: ${rendering(value, layout, indent)}`;
  const comma = commaAfter(text, endOf(last));
  const at = restOfLineEnd(text, comma === undefined ? endOf(last) : comma + 1);
  if (comma !== undefined) return spliced(text, at, at, `${member},`);
  return spliced(spliced(text, at, at, member), endOf(last), endOf(last), ',');
}

/** On one line, spaced as its neighbour. */
function compact(text: string, { offset, length }: Node, { name, value }: Member): string {
  const isSpaced = text[offset - 1] === ' ';
  const colon = text.slice(offset, offset + length).includes('": ') ? ': ' : ':';
  return `${isSpaced ? ' ' : ''}${JSON.stringify(name)}${colon}${JSON.stringify(value)}`;
}

function removed(text: string, root: Node, path: readonly string[]): string {
  const member = findNodeAtLocation(root, [...path])?.parent;
  const parent = member?.parent;
  if (member === undefined || parent?.children === undefined) return text;
  const at = parent.children.indexOf(member);
  if (parent.children.length === 1) return spliced(text, parent.offset, endOf(parent), '{}');
  const comma = commaAfter(text, endOf(member));
  const end = comma === undefined ? endOf(member) : comma + 1;
  const before = lineStart(text, member.offset);
  const isAlone = /^[ \t]*$/.test(text.slice(before, member.offset)) && before > 0;
  const lineEnd = restOfLineEnd(text, end);
  const hasLineEnd = /^\r?\n/.test(text.slice(lineEnd));
  const cut =
    isAlone && hasLineEnd
      ? spliced(text, before, text.indexOf('\n', lineEnd) + 1, '')
      : spliced(text, member.offset, comma === undefined ? end : skipSpaces(text, end), '');
  if (comma !== undefined || at === 0) return cut;
  // It was the last, so the comma before it goes too.
  const previous = parent.children[at - 1];
  const dangling = previous === undefined ? undefined : commaAfter(text, endOf(previous));
  return dangling === undefined ? cut : spliced(cut, dangling, dangling + 1, '');
}

const endOf = ({ offset, length }: Node): number => offset + length;
const spliced = (text: string, start: number, end: number, put: string): string =>
  text.slice(0, start) + put + text.slice(end);
const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;
const indentAt = (text: string, offset: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
const skipSpaces = (text: string, offset: number): number =>
  offset + (/^[ \t]*/.exec(text.slice(offset))?.[0].length ?? 0);

/** Spaces, line ends and comments. */
const GAP = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;

/** The comma that follows, whatever comments are between. */
function commaAfter(text: string, offset: number): number | undefined {
  const gap = new RegExp(GAP.source, 'y');
  gap.lastIndex = offset;
  const at = offset + (gap.exec(text)?.[0].length ?? 0);
  return text[at] === ',' ? at : undefined;
}

/** Where the line ends, if only spaces and comments are left on it; else the offset itself. */
function restOfLineEnd(text: string, offset: number): number {
  const rest = /^(?:[ \t]|\/\*[^\n]*?\*\/)*(?:\/\/[^\r\n]*)?(?=\r?\n|$)/.exec(text.slice(offset));
  return offset + (rest?.[0].length ?? 0);
}

interface Layout {
  readonly unit: string;
  readonly eol: string;
}

function layoutOf(text: string): Layout {
  const unit = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  return { unit: unit.startsWith('\t') ? '\t' : unit.slice(0, 8), eol: eolOf(text) };
}

const eolOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

const rendering = (value: unknown, { unit, eol }: Layout, indent: string): string =>
  JSON.stringify(value, undefined, unit).replaceAll('\n', `${eol}${indent}`);
