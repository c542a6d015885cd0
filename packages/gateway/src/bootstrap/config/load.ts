import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Pair,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { z } from 'zod';

import type { ConfigNode, Place, ScalarNode } from './config-node.ts';
import { type Environment, interpolate, referencedNames } from './interpolate.ts';
import { type ConfigPath, type ConfigProblem, formatPath } from './problem.ts';
import { retypeInterpolated, textAsWritten } from './retype.ts';
import { type Accepts, childAccepts, scalarKinds, unwrap } from './schema-walk.ts';
import { syntaxProblems } from './syntax-problems.ts';

/** Bounds what aliases can expand to; a large real file has some thousand values. */
const NODES_MAX = 100_000;
const DEPTH_MAX = 64;

interface Source {
  readonly file: string;
  readonly parsed: ParsedText;
  readonly env: Environment;
  readonly schema: z.core.$ZodType;
}

/** A text as YAML, before anybody has looked at what it says. */
export interface ParsedText {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

interface Loaded {
  /** Undefined when the text is not YAML, not a mapping, or expands to too much. */
  readonly root: ConfigNode | undefined;
  readonly problems: readonly ConfigProblem[];
  /** The variables that the text refers to. */
  readonly names: ReadonlySet<string>;
}

interface Reading {
  readonly source: Source;
  readonly lines: LineCounter;
  readonly problems: ConfigProblem[];
  readonly anchors: Map<string, ParsedNode>;
  readonly names: Set<string>;
  nodes: number;
}

/** Where the walk is: what the schema accepts here decides how numbers, booleans and references are read. */
interface Here {
  readonly path: ConfigPath;
  readonly accepts: Accepts;
  readonly keyAt: Place;
  /** Levels from the top, merges included, so that nothing can recurse for ever. */
  readonly depth: number;
}

/** YAML, so JSON too. What is wrong with it is told by `loadDocument`. */
export function parseText(text: string): ParsedText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Found by the walk, which can name both places.
    uniqueKeys: false,
  });
  return { document, lines };
}

/** Turns a text into located values, resolving `${…}` once, in values only. */
export function loadDocument(source: Source): Loaded {
  const { document, lines } = source.parsed;
  const problems = [...syntaxProblems(source.file, document, lines)];
  if (problems.length > 0) return { root: undefined, problems, names: new Set() };
  const reading: Reading = {
    source,
    lines,
    problems,
    anchors: new Map(),
    names: new Set(),
    nodes: 0,
  };
  const top: Here = {
    path: [],
    accepts: unwrap(source.schema),
    keyAt: { line: 1, column: 1 },
    depth: 0,
  };
  if (document.contents === null)
    return { root: mapNode(top, top.keyAt, new Map()), problems, names: reading.names };
  const root = convert(reading, document.contents, top);
  // To check what is left of it would take longer than to read it, and say nothing that counts.
  if (reading.nodes > NODES_MAX) return { root: undefined, problems, names: reading.names };
  if (root.kind === 'map') return { root, problems, names: reading.names };
  if (root.kind === 'scalar' && root.value === undefined && !root.broken) {
    return { root: mapNode(top, top.keyAt, new Map()), problems, names: reading.names };
  }
  report(reading, root.at, [], {
    message: `expected a mapping at the top, got ${root.kind === 'list' ? 'a list' : 'text'}`,
    fix: 'start with "mcp_servers:" and one indented entry for each server',
  });
  return { root: undefined, problems, names: reading.names };
}

function mapNode(here: Here, at: Place, entries: ReadonlyMap<string, ConfigNode>): ConfigNode {
  return { kind: 'map', keyAt: here.keyAt, at, entries };
}

function convert(reading: Reading, node: ParsedNode | null, here: Here): ConfigNode {
  const at = node === null ? here.keyAt : placeOf(reading, node);
  reading.nodes += 1;
  if (reading.nodes > NODES_MAX || here.depth > DEPTH_MAX) {
    return tooLarge(reading, here, at);
  }
  if (node === null) {
    return { kind: 'scalar', keyAt: here.keyAt, at, value: undefined, written: '', broken: false };
  }
  if (isAlias(node)) {
    const target = reading.anchors.get(node.source);
    if (target !== undefined) return convert(reading, target, here);
    report(reading, at, here.path, {
      message: 'no anchor has the name after "*"',
      fix: 'put quotes around a text that starts with *',
    });
    return brokenNode(here, at);
  }
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
  if (isMap(node)) return convertMap(reading, node, here);
  if (isSeq(node)) return convertList(reading, node, here);
  return convertScalar(reading, node, here);
}

function tooLarge(reading: Reading, here: Here, at: Place): ConfigNode {
  const fix = 'check the aliases (*name) for one that contains itself';
  const depth = here.depth > DEPTH_MAX;
  const message = depth
    ? `nested deeper than ${DEPTH_MAX} levels`
    : `more than ${NODES_MAX} values after aliases are expanded`;
  // Once is enough: every further value is one too many.
  if (!reading.problems.some((problem) => problem.message === message)) {
    report(reading, at, depth ? here.path.slice(0, 4) : [], { message, fix });
  }
  return brokenNode(here, at);
}

function brokenNode(here: Here, at: Place): ScalarNode {
  return { kind: 'scalar', keyAt: here.keyAt, at, value: undefined, written: '', broken: true };
}

function convertList(reading: Reading, node: YAMLSeq, here: Here): ConfigNode {
  const items: ConfigNode[] = [];
  for (const [index, item] of node.items.entries()) {
    if (reading.nodes > NODES_MAX) break;
    // A parsed sequence holds parsed nodes; the library types its items as unknown.
    const child = item as ParsedNode | null;
    items.push(
      convert(reading, child, {
        path: [...here.path, index],
        accepts: childAccepts(here.accepts, index),
        keyAt: child === null ? placeOf(reading, node) : placeOf(reading, child),
        depth: here.depth + 1,
      }),
    );
  }
  return { kind: 'list', keyAt: here.keyAt, at: placeOf(reading, node), items };
}

function convertMap(reading: Reading, node: YAMLMap, here: Here): ConfigNode {
  const entries = new Map<string, ConfigNode>();
  const merged: ParsedNode[] = [];
  for (const item of node.items) {
    if (reading.nodes > NODES_MAX) break;
    // A parsed mapping holds parsed pairs; the library types them as unknown.
    const pair = item as Pair<ParsedNode, ParsedNode | null>;
    if (isMergeKey(pair.key)) {
      merged.push(...mergeSources(reading, pair.value, here));
      continue;
    }
    convertPair(reading, pair, { here, entries });
  }
  for (const source of merged) {
    const inherited = convert(reading, source, { ...here, depth: here.depth + 1 });
    if (inherited.kind !== 'map') continue;
    for (const [key, child] of inherited.entries) {
      if (!entries.has(key)) entries.set(key, child);
    }
  }
  return mapNode(here, placeOf(reading, node), entries);
}

function isMergeKey(key: ParsedNode): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/** What `<<: *name` and `<<: [*a, *b]` bring in. */
function mergeSources(
  reading: Reading,
  node: ParsedNode | null,
  here: Here,
): readonly ParsedNode[] {
  const target = isAlias(node) ? reading.anchors.get(node.source) : node;
  if (target !== undefined && isMap(target)) return [target];
  // Parsed items; see `convertList`.
  if (isSeq(target)) {
    return target.items.flatMap((item) => mergeSources(reading, item as ParsedNode, here));
  }
  report(reading, node === null ? here.keyAt : placeOf(reading, node), here.path, {
    message: 'the merge key "<<" takes a mapping',
    fix: 'write <<: *name, with an anchor &name on a mapping above',
  });
  return [];
}

interface Into {
  readonly here: Here;
  readonly entries: Map<string, ConfigNode>;
}

function convertPair(
  reading: Reading,
  pair: Pair<ParsedNode, ParsedNode | null>,
  { here, entries }: Into,
): void {
  const keyAt = placeOf(reading, pair.key);
  const key = keyText(pair.key);
  if (key === undefined || key === '__proto__') {
    report(reading, keyAt, here.path, {
      message:
        key === undefined ? 'a key must be plain text' : 'the key "__proto__" is not allowed',
      fix: key === undefined ? 'write "key: value"' : 'use another key',
    });
    return;
  }
  const path = [...here.path, key];
  const earlier = entries.get(key);
  if (earlier !== undefined) {
    report(reading, keyAt, path, {
      message: `the key "${key}" is given twice`,
      fix: `keep one; the first is in line ${earlier.keyAt.line}`,
    });
    return;
  }
  const child = convert(reading, pair.value, {
    path,
    accepts: childAccepts(here.accepts, key),
    keyAt,
    depth: here.depth + 1,
  });
  entries.set(key, child);
}

function keyText(key: ParsedNode): string | undefined {
  if (!isScalar(key)) return undefined;
  if (typeof key.value === 'string') return key.value;
  return key.value === null ? undefined : key.source;
}

function convertScalar(reading: Reading, node: Scalar, here: Here): ScalarNode {
  const at = placeOf(reading, node);
  const kinds = scalarKinds(here.accepts);
  const scalar = (value: ScalarNode['value'], written: string): ScalarNode => ({
    kind: 'scalar',
    keyAt: here.keyAt,
    at,
    value,
    written,
    broken: false,
  });
  const { value } = node;
  if (value === null || value === undefined) return scalar(undefined, '');
  if (typeof value === 'number' || typeof value === 'boolean') {
    const written = node.source ?? String(value);
    return scalar(textAsWritten(value, written, kinds), written);
  }
  const written = typeof value === 'string' ? value : (node.source ?? '');
  // Most values refer to nothing.
  if (!written.includes('${')) return scalar(written, written);
  const resolved = interpolate(written, reading.source.env);
  for (const name of referencedNames(written)) reading.names.add(name);
  if (resolved.ok) {
    const { text, changed } = resolved.value;
    return scalar(changed ? retypeInterpolated(text, kinds) : text, written);
  }
  for (const failure of resolved.error) report(reading, at, here.path, failure);
  return { ...brokenNode(here, at), written };
}

function placeOf(reading: Reading, node: ParsedNode | Scalar | YAMLMap | YAMLSeq): Place {
  const { line, col } = reading.lines.linePos(node.range?.[0] ?? 0);
  return { line, column: col };
}

function report(
  reading: Reading,
  at: Place,
  path: ConfigPath,
  what: { readonly message: string; readonly fix: string },
): void {
  const { file } = reading.source;
  reading.problems.push({ file, ...at, path: formatPath(path), ...what });
}
