/**
 * Edits of the text of a configuration. Everything that is not concerned stays byte for byte: comments, order, quotes,
 * line ends. What comes out is read again and means exactly what was asked for, or there is no text.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Pair,
  type ParsedNode,
  type YAMLMap,
} from 'yaml';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import { nearest } from '../../../domain/near-names.ts';
import type { ConfigProblem } from '../problem.ts';
import { SERVER_MAPS } from '../server-maps.ts';
import { syntaxProblems } from '../syntax-problems.ts';
import {
  appendToBlock,
  type Candidates,
  fillBlock,
  prependToBlock,
  rangeOf,
  removeFromBlock,
  replaceInBlock,
} from './block-edit.ts';
import { applySplices, type ConfigEdit, type Layout, type Target } from './config-edit.ts';
import { appendToFlow, prependToFlow, removeFromFlow, replaceInFlow } from './flow-edit.ts';
import { blockLines, layoutOf } from './render.ts';

type ServerMapName = (typeof SERVER_MAPS)[number];
type Plain = Readonly<Record<string, unknown>>;

export interface EditSource {
  /** Named in problems. */
  readonly file: string;
  /** Undefined where there is no file yet. */
  readonly text: string | undefined;
}

/** One server as it stands in a text. */
export interface WrittenServer {
  readonly id: string;
  readonly enabled: boolean;
}

interface ReadText {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  /** Undefined for a text without a value. */
  readonly root: YAMLMap | undefined;
  readonly value: Plain;
  readonly layout: Layout;
}

/**
 * Makes the edits one after the other. Refuses a text that is no YAML mapping, an id that is not there, and an entry
 * that cannot be changed without changing others (anchors); it does not check what the entries mean.
 */
export function editConfig(
  { file, text }: EditSource,
  edits: readonly ConfigEdit[],
): Result<string, readonly ConfigProblem[]> {
  let done = text ?? '';
  for (const edit of edits) {
    const before = readText(file, done);
    if (!before.ok) return before;
    const after = editOnce(before.value, edit);
    if (!after.ok) return after;
    done = after.value;
  }
  return ok(done);
}

/** The servers of a text, in the order in which they are written. Refuses a text that is no YAML mapping. */
export function writtenServers({
  file,
  text,
}: EditSource): Result<readonly WrittenServer[], readonly ConfigProblem[]> {
  const read = readText(file, text ?? '');
  if (!read.ok) return read;
  const { value } = read.value;
  return ok(
    SERVER_MAPS.flatMap((map) =>
      Object.entries(plainAt(value, map)).map(([id, entry]) => ({
        id,
        enabled: !isPlain(entry) || entry['enabled'] !== false,
      })),
    ),
  );
}

function readText(file: string, text: string): Result<ReadText, readonly ConfigProblem[]> {
  const lines = new LineCounter();
  const document = parse(text, lines);
  const problems = syntaxProblems(file, document, lines);
  if (problems.length > 0) return err(problems);
  const { contents } = document;
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  const value = valueOf(document);
  if (!isEmpty && (!isMap(contents) || value === undefined)) {
    const message = 'this cannot be edited here: it is no mapping that can be read';
    return err([
      problem({ file, lines }, 0, { path: '', message, fix: 'run: mcp-hangar config check' }),
    ]);
  }
  const root = isMap(contents) ? contents : undefined;
  return ok({ file, text, lines, root, value: value ?? {}, layout: layoutOf(text, root) });
}

const parse = (text: string, lineCounter?: LineCounter): Document.Parsed<ParsedNode> =>
  parseDocument(text, {
    ...(lineCounter === undefined ? {} : { lineCounter }),
    prettyErrors: false,
    uniqueKeys: false,
    merge: true,
  });

/** Undefined for what is no mapping, or cannot be expanded. */
function valueOf(document: Document.Parsed<ParsedNode>): Plain | undefined {
  try {
    const value: unknown = document.toJS();
    return isPlain(value) ? value : undefined;
  } catch {
    return undefined; // an alias without an anchor, or too many of them
  }
}

function editOnce(read: ReadText, edit: ConfigEdit): Result<string, readonly ConfigProblem[]> {
  const { text, value } = read;
  const map = mapOf(read, edit.id);
  if (map === undefined && edit.kind !== 'set') return err([unknownId(read, edit.id)]);
  if (!isEditable(value, map ?? mapForNew(value), edit)) return err([notEditable(read, edit.id)]);
  const expected = expectedAfter(value, edit, map ?? mapForNew(value));
  if (isDeepStrictEqual(expected, value)) return ok(text);
  for (const splices of candidatesOf(read, edit, map)) {
    const edited = applySplices(text, splices);
    const document = parse(edited);
    if (document.errors.length > 0 || document.warnings.length > 0) continue;
    if (isDeepStrictEqual(valueOf(document), expected)) return ok(edited);
  }
  return err([notEditable(read, edit.id)]);
}

const mapOf = ({ value }: ReadText, id: string): ServerMapName | undefined =>
  SERVER_MAPS.find((map) => Object.hasOwn(plainAt(value, map), id));

/** The map that new servers go into: the one that is there. */
const mapForNew = (value: Plain): ServerMapName =>
  SERVER_MAPS.find((map) => Object.hasOwn(value, map)) ?? 'mcp_servers';

/** What is no mapping where one belongs is somebody's mistake, and not ours to write over. */
function isEditable(value: Plain, map: ServerMapName, { kind, id }: ConfigEdit): boolean {
  const servers = value[map] ?? {};
  return isPlain(servers) && (kind !== 'enable' || isPlain(servers[id] ?? {}));
}

function expectedAfter(value: Plain, edit: ConfigEdit, map: ServerMapName): Plain {
  const servers = plainAt(value, map);
  const entry = servers[edit.id];
  switch (edit.kind) {
    case 'set':
      // What is written is JSON: keys without a value are not.
      return { ...value, [map]: { ...servers, [edit.id]: jsonOf(edit.server) } };
    case 'remove': {
      const { [edit.id]: _removed, ...others } = servers;
      return { ...value, [map]: others };
    }
    case 'enable': {
      const own = isPlain(entry) ? entry : {};
      if ((own['enabled'] ?? true) === edit.enabled) return value;
      return { ...value, [map]: { ...servers, [edit.id]: { ...own, enabled: edit.enabled } } };
    }
  }
}

function candidatesOf(
  read: ReadText,
  edit: ConfigEdit,
  map: ServerMapName | undefined,
): Candidates {
  const { root, value, layout } = read;
  const name = map ?? mapForNew(value);
  const parent = root === undefined ? undefined : pairOf(root, name);
  const server = edit.kind === 'set' ? jsonOf(edit.server) : undefined;
  if (root === undefined || parent === undefined) return newMap(read, edit.id, server);
  const servers = parent.value;
  if (!isMap(servers) || servers.items.length === 0) {
    if (layout.isJson) return appendOrReplaceMap(read, root, parent, { [edit.id]: server });
    return fillBlock({ ...read, map: root }, parent, { key: edit.id, value: server });
  }
  const target: Target = { ...read, map: servers };
  const pair = pairOf(servers, edit.id);
  const isFlow = servers.flow === true;
  if (pair === undefined) {
    if (edit.kind !== 'set') return []; // it comes with a merge key
    return (isFlow ? appendToFlow : appendToBlock)(target, edit.id, server);
  }
  switch (edit.kind) {
    case 'set':
      return (isFlow ? replaceInFlow : replaceInBlock)(target, pair, server);
    case 'remove':
      return isFlow ? removeFromFlow(target, pair) : removeFromBlock(target, pair, parent);
    case 'enable':
      return enableCandidates(target, pair, edit.enabled);
  }
}

function appendOrReplaceMap(read: ReadText, root: YAMLMap, parent: Pair, map: Plain): Candidates {
  const [entry] = Object.entries(map);
  if (isMap(parent.value) && entry !== undefined)
    return appendToFlow({ ...read, map: parent.value }, ...entry);
  return replaceInFlow({ ...read, map: root }, parent, map);
}

/** The map of servers itself. */
function newMap(read: ReadText, id: string, server: unknown): Candidates {
  const { text, root, layout } = read;
  const map = { [id]: server };
  if (root === undefined) {
    const lines = blockLines('mcp_servers', map, { layout, indent: '' });
    const gap = text === '' || text.endsWith('\n') ? '' : layout.eol;
    const end = text.length;
    return [[{ start: end, end, text: gap + lines }]];
  }
  const append = root.flow === true ? appendToFlow : appendToBlock;
  return append({ ...read, map: root }, 'mcp_servers', map);
}

function enableCandidates(target: Target, pair: Pair, enabled: boolean): Candidates {
  const { text, layout } = target;
  const { value } = pair;
  if (isAlias(value)) {
    const [start, end] = rangeOf(value);
    const put = `{ <<: ${text.slice(start, end)}, enabled: ${enabled} }`;
    return [[{ start, end, text: put }]];
  }
  if (!isMap(value) || value.items.length === 0) {
    if (isMap(value)) return prependToFlow({ ...target, map: value }, 'enabled', enabled);
    return layout.isJson || target.map.flow === true
      ? replaceInFlow(target, pair, { enabled })
      : fillBlock(target, pair, { key: 'enabled', value: enabled });
  }
  const flag = pairOf(value, 'enabled');
  const [start, end] = rangeOf(flag?.value);
  if (flag !== undefined && end > start) return [[{ start, end, text: String(enabled) }]];
  const entry: Target = { ...target, map: value };
  return value.flow === true
    ? prependToFlow(entry, 'enabled', enabled)
    : prependToBlock(entry, pair, `enabled: ${enabled}`);
}

/** The last one, as a reader of a file with a key twice would see it; the loader refuses such a file. */
const pairOf = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.findLast((pair) => isScalar(pair.key) && pair.key.value === key);

function plainAt(value: Plain, key: string): Plain {
  const inner = value[key];
  return isPlain(inner) ? inner : {};
}

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const jsonOf = (server: unknown): unknown => JSON.parse(JSON.stringify(server)) as unknown;

function unknownId(read: ReadText, id: string): ConfigProblem {
  const ids = SERVER_MAPS.flatMap((map) => Object.keys(plainAt(read.value, map)));
  const meant = nearest(id, ids);
  const message = `no MCP server has the id "${id}"`;
  const fix =
    meant === undefined
      ? `there ${ids.length === 1 ? 'is' : 'are'} ${ids.length === 0 ? 'none' : ids.join(', ')}`
      : `did you mean "${meant}"?`;
  return { file: read.file, line: undefined, column: undefined, path: '', message, fix };
}

function notEditable(read: ReadText, id: string): ConfigProblem {
  const { root, value } = read;
  const name = mapOf(read, id) ?? mapForNew(value);
  const parent = root === undefined ? undefined : pairOf(root, name);
  const pair = isMap(parent?.value) ? pairOf(parent.value, id) : undefined;
  return problem(read, rangeOf((pair ?? parent)?.key)[0], {
    path: `${name}.${id}`,
    message: 'the entry is written in a way that cannot be changed without changing others',
    fix: 'change it by hand; anchors (&name) and merge keys (<<) tie entries together',
  });
}

function problem(
  { file, lines }: Pick<ReadText, 'file' | 'lines'>,
  at: number,
  what: Pick<ConfigProblem, 'path' | 'message' | 'fix'>,
): ConfigProblem {
  const { line, col } = lines.linePos(at);
  return { file, line: Math.max(1, line), column: Math.max(1, col), ...what };
}
