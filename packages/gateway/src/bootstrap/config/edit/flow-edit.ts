/** Changes of flow mappings, `{ … }`: JSON, and what is written so within YAML. */
import { isScalar, type Pair } from 'yaml';
import { rangeOf, type Candidates } from './block-edit.ts';
import { indentAt, lineStart, nextLine, type Splice, type Target } from './config-edit.ts';
import { flowMember, indentOf } from './render.ts';

const COMMENT_OR_SPACE = /^(?:\s|(?<=\s)#[^\n]*)*/;

/** Adds a key behind the last one. */
export function appendToFlow(target: Target, key: string, value: unknown): Candidates {
  const { text, layout, map } = target;
  const last = map.items.at(-1);
  if (last === undefined) return fillFlow(target, key, value);
  const indent = indentOf(text, map);
  const member = flowMember(key, value, { layout, indent });
  const end = memberEnd(last);
  const comma = commaAfter(text, end);
  const at = comma === undefined ? end : comma + 1;
  if (indent === undefined) {
    const put = comma === undefined ? `, ${member}` : ` ${member},`;
    return [[{ start: at, end: at, text: put }]];
  }
  const put = layout.eol + indent + member + (comma === undefined ? '' : ',');
  const lineEnd = endOfLine(text, at);
  const isCommentOnly = /^[ \t]*(#.*)?$/.test(text.slice(at, lineEnd));
  const separator: Splice[] = comma === undefined ? [{ start: at, end: at, text: ',' }] : [];
  const within: Splice = { start: at, end: at, text: (comma === undefined ? ',' : '') + put };
  return isCommentOnly && lineEnd > at
    ? [[{ start: lineEnd, end: lineEnd, text: put }, ...separator], [within]]
    : [[within]];
}

/** The first key of an empty mapping; the outermost one goes over several lines, others as the mapping around them. */
function fillFlow({ text, layout, map }: Target, key: string, value: unknown): Candidates {
  const [start, end] = rangeOf(map);
  const outer = layout.isJson ? lineIndent(text, start) : undefined;
  const isWhole = layout.isJson && text.slice(0, start).trim() === '';
  if (outer === undefined || !(isWhole || text.slice(0, start).includes('\n')))
    return [[{ start, end, text: `{ ${flowMember(key, value, { layout, indent: undefined })} }` }]];
  const indent = outer + layout.step;
  const member = flowMember(key, value, { layout, indent });
  const { eol } = layout;
  return [[{ start, end, text: `{${eol}${indent}${member}${eol}${outer}}` }]];
}

/** Takes a pair out with its comma, and with the comment behind that in the same line. */
export function removeFromFlow({ text, map }: Target, pair: Pair): Candidates {
  const index = map.items.indexOf(pair);
  const previous = map.items[index - 1];
  const next = map.items[index + 1];
  const start = rangeOf(pair.key)[0];
  const end = memberEnd(pair);
  if (next !== undefined) {
    const comma = commaAfter(text, end) ?? end;
    const lineEnd = endOfLine(text, comma);
    const isOwnLine = indentAt(text, start) !== undefined;
    const rest = text.slice(comma + 1, lineEnd);
    return isOwnLine && /^[ \t]*(#.*)?\r?$/.test(rest)
      ? [[{ start: lineStart(text, start), end: nextLine(text, comma), text: '' }]]
      : [[{ start, end: rangeOf(next.key)[0], text: '' }]];
  }
  if (previous !== undefined) {
    const comma = commaAfter(text, end);
    // A comma behind the last one stays behind the one that is last then.
    const from =
      comma === undefined ? memberEnd(previous) : (commaAfter(text, memberEnd(previous)) ?? start);
    return [[{ start: from, end, text: '' }]];
  }
  const [open, close] = rangeOf(map);
  const isBare =
    (text.slice(open + 1, start) + text.slice(end, close - 1)).replace(',', '').trim() === '';
  const comma = commaAfter(text, end);
  return [
    [
      isBare
        ? { start: open, end: close, text: '{}' }
        : { start, end: (comma ?? end - 1) + 1, text: '' },
    ],
  ];
}

/** Puts another value in the place of that of a pair. */
export function replaceInFlow({ text, layout }: Target, pair: Pair, value: unknown): Candidates {
  const [keyStart] = rangeOf(pair.key);
  const [start, end] = rangeOf(pair.value);
  const indent = indentAt(text, keyStart);
  const key = isScalar(pair.key) ? String(pair.key.value) : '';
  const member = flowMember(key, value, { layout, indent });
  const put = member.slice(flowMember(key, 0, { layout, indent }).length - 1);
  return [[{ start, end, text: put }], [{ start: keyStart, end: memberEnd(pair), text: member }]];
}

/** Adds a key to a mapping, where it is seen first. */
export function prependToFlow(target: Target, key: string, value: unknown): Candidates {
  const { text, layout, map } = target;
  const first = map.items[0];
  if (first === undefined) return fillFlow(target, key, value);
  const indent = indentOf(text, map);
  const member = flowMember(key, value, { layout, indent });
  const at = rangeOf(first.key)[0];
  const gap = indent === undefined ? ' ' : layout.eol + indent;
  return [[{ start: at, end: at, text: `${member},${gap}` }]];
}

const memberEnd = ({ key, value }: Pair): number => Math.max(rangeOf(key)[1], rangeOf(value)[1]);

function commaAfter(text: string, from: number): number | undefined {
  const gap = COMMENT_OR_SPACE.exec(text.slice(from))?.[0].length ?? 0;
  return text[from + gap] === ',' ? from + gap : undefined;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  if (end === -1) return text.length;
  return text[end - 1] === '\r' && end > at ? end - 1 : end;
}

const lineIndent = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(lineStart(text, at), at))?.[0] ?? '';
