/** New parts of a configuration as text, written as the file around them is. */
import { Document, isMap, isNode, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';
import { type Layout, indentAt } from './config-edit.ts';

/** A list of plain values is written in one line up to this width. */
const LIST_CHARS_MAX = 88;
const STEP = '  ';

export function layoutOf(text: string, root: YAMLMap | undefined): Layout {
  const isJson = root?.flow === true;
  return {
    eol: /\r?\n/.exec(text)?.[0] ?? '\n',
    step: (root === undefined ? undefined : stepIn(text, root)) ?? STEP,
    isSingleQuoted: countOf(text, /'/g) > countOf(text, /"/g),
    isJson,
  };
}

const countOf = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

/** By how much the first key of a mapping stands further in than its parent does. */
function stepIn(text: string, map: YAMLMap): string | undefined {
  for (const item of map.items) {
    const inner = stepOf(text, item);
    if (inner !== undefined) return inner;
  }
  const outer = indentOf(text, map);
  // The outermost mapping of JSON is itself one level in.
  return map.flow === true && outer !== undefined && outer !== '' ? outer : undefined;
}

function stepOf(text: string, { key, value }: Pair): string | undefined {
  if (!isNode(key) || !isMap(value)) return undefined;
  const outer = indentAt(text, key.range?.[0] ?? 0);
  const inner = indentOf(text, value);
  if (outer === undefined || inner === undefined || !inner.startsWith(outer)) return undefined;
  return inner.length > outer.length ? inner.slice(outer.length) : undefined;
}

/** The indentation of the keys of a mapping; undefined where the first stands behind something else. */
export function indentOf(text: string, map: YAMLMap): string | undefined {
  const key = map.items[0]?.key;
  return isNode(key) ? indentAt(text, key.range?.[0] ?? 0) : undefined;
}

/** Lines of a block mapping with one key, each with its line end. */
export function blockLines(
  key: string,
  value: unknown,
  { layout, indent }: { readonly layout: Layout; readonly indent: string },
): string {
  const document = new Document({ [key]: value });
  shorten(document.contents);
  const text = document.toString({
    indent: Math.max(1, layout.step.length),
    lineWidth: 0,
    flowCollectionPadding: false,
    ...(layout.isSingleQuoted ? { singleQuote: true } : {}),
  });
  const lines = text.trimEnd().split('\n');
  return lines.map((line) => (line === '' ? '' : indent + line) + layout.eol).join('');
}

/** Lists of plain values that fit go into one line. A text that ends with line ends is quoted, so that they are seen. */
function shorten(node: unknown): void {
  if (isScalar(node) && typeof node.value === 'string' && /\n\s*$/.test(node.value))
    node.type = 'QUOTE_DOUBLE';
  if (isMap(node)) for (const { value } of node.items) shorten(value);
  if (!isSeq(node)) return;
  const values = node.items.map((item) => (isScalar(item) ? item.value : undefined));
  const isPlain = values.every(
    (value) => value !== undefined && !(typeof value === 'string' && value.includes('\n')),
  );
  if (isPlain && JSON.stringify(values).length <= LIST_CHARS_MAX) node.flow = true;
  else for (const item of node.items) shorten(item);
}

/** One member of a flow mapping: JSON, which YAML reads as it is. */
export function flowMember(
  key: string,
  value: unknown,
  { layout, indent }: { readonly layout: Layout; readonly indent: string | undefined },
): string {
  const name = layout.isJson || !/^[A-Za-z][\w-]*$/.test(key) ? JSON.stringify(key) : key;
  return `${name}: ${json(value, indent === undefined ? undefined : { layout, indent })}`;
}

/** In one line where no indentation is given. */
function json(
  value: unknown,
  lines: { readonly layout: Layout; readonly indent: string } | undefined,
): string {
  if (lines === undefined) return JSON.stringify(value, undefined, 1).replaceAll(/\n */g, ' ');
  const { step, eol } = lines.layout;
  return JSON.stringify(value, undefined, step).replaceAll('\n', eol + lines.indent);
}
