/** The text of a client's message, with the places that a multiplexed hop has to rewrite. */
import { cutText, type TextEdit } from './json-edits.ts';
import { isObject, type Message, type RpcId } from './json-rpc.ts';
import {
  hasSpan,
  isMistakable,
  locate,
  spanEnd,
  spanStart,
  spanText,
  type Plan,
  type Spans,
} from './json-spans.ts';
import { META } from './revisions.ts';

export const CLIENT_SLOT = {
  id: 0,
  name: 1,
  uri: 2,
  refName: 3,
  refUri: 4,
  progressToken: 5,
  requestId: 6,
  notifiedToken: 7,
  // Never cut, only never ambiguous: what the gateway decides by is what the server reads.
  method: 8,
  arguments: 9,
  refType: 10,
  protocolVersion: 11,
  clientCapabilities: 12,
} as const;
const SLOTS = 13;

const PLAN: Plan = {
  id: CLIENT_SLOT.id,
  method: CLIENT_SLOT.method,
  params: {
    name: CLIENT_SLOT.name,
    uri: CLIENT_SLOT.uri,
    arguments: CLIENT_SLOT.arguments,
    ref: {
      type: CLIENT_SLOT.refType,
      name: CLIENT_SLOT.refName,
      uri: CLIENT_SLOT.refUri,
    },
    _meta: {
      progressToken: CLIENT_SLOT.progressToken,
      [META.protocolVersion]: CLIENT_SLOT.protocolVersion,
      [META.clientCapabilities]: CLIENT_SLOT.clientCapabilities,
    },
    requestId: CLIENT_SLOT.requestId,
    progressToken: CLIENT_SLOT.notifiedToken,
  },
};

/** One line of JSON and the spans in it. */
export interface ClientText {
  readonly text: string;
  readonly spans: Spans;
}

/** A message beside the text that it came as. */
export interface ClientMessage {
  readonly message: Message;
  readonly text: ClientText;
}

/**
 * The text as one line, ready to be cut. `parsed` is the same message: where the text is ambiguous
 * (a member twice, or under a name of another case) its canonical form is used, so that both sides of the gateway read
 * one value.
 */
export function clientText(raw: string, parsed: unknown): ClientText {
  const text = oneLine(raw);
  const spans = locate(text, PLAN, SLOTS);
  if (spans !== undefined) return { text, spans };
  const canonical = oneLine(JSON.stringify(unmistakable(parsed, PLAN)));
  return { text: canonical, spans: locate(canonical, PLAN, SLOTS) ?? new Int32Array(SLOTS * 2) };
}

/** Without the members that some parsers would take for those which the gateway has read. */
function unmistakable(value: unknown, plan: Plan): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isMistakable(key, plan))
      .map(([key, member]) => {
        const inner = Object.hasOwn(plan, key) ? plan[key] : undefined;
        return [key, typeof inner === 'object' ? unmistakable(member, inner) : member];
      }),
  );
}

/** The id of a request as the client wrote it: 1.0 and 12345678901234567890 are ids too. */
export const rawIdOf = ({ id }: { readonly id: RpcId }, { text, spans }: ClientText): string =>
  spanText(text, spans, CLIENT_SLOT.id) ?? JSON.stringify(id);

/** U+2028 and U+2029 end a line for some readers, Node's among them. */
const LINE_ENDS = ['\n', '\r', '\u2028', '\u2029'];

/** JSON as one line. Raw line ends are white space there, except for the last two, which only stand in strings. */
export function oneLine(json: string): string {
  if (!LINE_ENDS.some((end) => json.includes(end))) return json;
  return json
    .replaceAll(/[\r\n]/g, ' ')
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
}

/**
 * The text cut at every place where the gateway's own id goes (`id` and `progressToken`), with `replace` put
 * in its slot, and further edits. Joined with an id, the parts are the line for the server.
 */
export function cutForServer(
  { text, spans }: ClientText,
  replace?: { readonly slot: number; readonly text: string },
  further: readonly TextEdit[] = [],
): readonly string[] {
  const edits = [...further];
  const add = (slot: number, put: string | undefined): void => {
    if (hasSpan(spans, slot))
      edits.push({ start: spanStart(spans, slot), end: spanEnd(spans, slot), text: put });
  };
  add(CLIENT_SLOT.id, undefined);
  add(CLIENT_SLOT.progressToken, undefined);
  if (replace !== undefined) add(replace.slot, replace.text);
  return cutText(text, edits);
}

/** Members that a request begins with before its parameters, in whatever order. */
const LEADING = /^\s*\{\s*(?:"(?:jsonrpc|method|id)"\s*:\s*(?:"[^"\\]*"|-?\d+)\s*,\s*)+/;
const LEADING_ID = /"id"\s*:\s*("[^"\\]*"|-?\d+)/;
/** Members that stand before the last brace belong to the message itself. */
const LAST_ID = /,\s*"id"\s*:\s*("[^"\\]*"|-?\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/** The id of a request that is too long to be read, from its two ends; undefined where they do not show one. */
export function requestIdAtEnds(head: string, tail: string): string | undefined {
  const leading = LEADING.exec(head)?.[0];
  // What has no method is the answer to a question: its id is none of the client's.
  if (leading === undefined || !/"method"\s*:/.test(leading)) return undefined;
  return LEADING_ID.exec(leading)?.[1] ?? LAST_ID.exec(tail)?.[1];
}
