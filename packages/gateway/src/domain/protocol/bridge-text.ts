/**
 * Plain requests and results across eras as changes to their texts: what the gateway need not understand passes as it
 * came. The rules are those of `bridge.ts`, which does the same to parsed values.
 */
import type { JsonObject } from './json-rpc.ts';
import { membersOf, withFirst, without, type Member, type TextEdit } from './json-edits.ts';
import { META } from './revisions.ts';

type Members = readonly Member[];

/** Members of a request that belong to the rounds of the modern era. */
const ROUNDS: ReadonlySet<string> = new Set(['inputResponses', 'requestState']);
/** Members of a modern result that no legacy one has. */
const MODERN_ONLY: ReadonlySet<string> = new Set(['resultType', 'ttlMs', 'cacheScope']);
const ENVELOPE: ReadonlySet<string> = new Set(Object.values(META));
/** Methods whose modern result says how long it may be kept. */
const CACHEABLE: ReadonlySet<string> = new Set(['resources/read']);

const isReserved = ({ key }: Member): boolean => key.startsWith(META.prefix);
const membersText = (members: JsonObject): string => JSON.stringify(members).slice(1, -1);

const memberOf = (members: Members | undefined, key: string): Member | undefined =>
  members?.find((member) => member.key === key);

/** What changes in the text of a modern request for a legacy server. */
export function requestForLegacy(text: string): readonly TextEdit[] {
  const params = paramsOf(text)?.members ?? [];
  const meta = metaOf(text, params);
  const keepsMeta = !meta.every(isReserved);
  return [
    ...without(params, ({ key }) => ROUNDS.has(key) || (key === '_meta' && !keepsMeta)),
    ...(keepsMeta ? without(meta, isReserved) : []),
  ];
}

/**
 * What changes in the text of a legacy request for a modern server.
 * @param envelope what the gateway says in `_meta`
 * @param retry further params, of a request that is made again
 */
export function requestForModern(
  text: string,
  envelope: JsonObject,
  retry: JsonObject = {},
): readonly TextEdit[] {
  const params = paramsOf(text);
  const again = membersText(retry);
  const said = membersText(envelope);
  const whole = `${again}${again === '' ? '' : ','}"_meta":{${said}}`;
  if (params === undefined) {
    const end = membersOf(text, 0)?.at(-1)?.end ?? 0;
    return [{ start: end, end, text: `,"params":{${whole}}` }];
  }
  const { open, members } = params;
  const meta = metaOf(text, members);
  const keepsMeta = !meta.every(isReserved);
  const isLeftOut = ({ key }: Member): boolean =>
    ROUNDS.has(key) || (key === '_meta' && !keepsMeta);
  return [
    withFirst(open, keepsMeta ? again : whole, members.every(isLeftOut)),
    ...without(members, isLeftOut),
    ...(keepsMeta
      ? [
          withFirst(memberOf(members, '_meta')?.valueStart ?? 0, said, false),
          ...without(meta, isReserved),
        ]
      : []),
  ];
}

/**
 * What changes in the text of a legacy server's answer for a modern client; undefined where only the parsed answer can
 * tell.
 */
export function answerForModern(
  text: string,
  method: string,
  serverInfo: string,
): readonly TextEdit[] | undefined {
  const result = resultOf(text);
  if (result === undefined) return undefined;
  const { open, members } = result;
  const metaMember = memberOf(members, '_meta');
  const meta = metaMember && membersOf(text, metaMember.valueStart);
  const info = `"${META.serverInfo}":${serverInfo}`;
  const isLeftOut = ({ key }: Member): boolean =>
    key === 'resultType' || (key === '_meta' && meta === undefined);
  const added = ['"resultType":"complete"'];
  if (CACHEABLE.has(method)) {
    if (memberOf(members, 'ttlMs') === undefined) added.push('"ttlMs":0');
    if (memberOf(members, 'cacheScope') === undefined) added.push('"cacheScope":"private"');
  }
  const edits = without(members, isLeftOut);
  if (meta === undefined) added.push(`"_meta":{${info}}`);
  const first = withFirst(open, added.join(','), members.every(isLeftOut));
  if (meta === undefined || memberOf(meta, META.serverInfo) !== undefined) return [first, ...edits];
  return [first, ...edits, withFirst(metaMember?.valueStart ?? 0, info, meta.length === 0)];
}

/**
 * What changes in the text of a modern server's answer for a legacy client; undefined where only the parsed answer can
 * tell.
 * @param isWrapped the client was shown the tool's structured output as a member of an object
 */
export function answerForLegacy(text: string, isWrapped: boolean): readonly TextEdit[] | undefined {
  const result = resultOf(text);
  if (result === undefined) return undefined;
  const { members } = result;
  const type = memberOf(members, 'resultType');
  if (type !== undefined && text.slice(type.valueStart, type.end) !== '"complete"')
    return undefined;
  const structured = memberOf(members, 'structuredContent');
  if (structured !== undefined && (isWrapped || text[structured.valueStart] !== '{'))
    return undefined;
  const meta = metaOf(text, members);
  const isEnvelope = ({ key }: Member): boolean => ENVELOPE.has(key);
  const keepsMeta = !meta.every(isEnvelope);
  return [
    ...without(members, ({ key }) => MODERN_ONLY.has(key) || (key === '_meta' && !keepsMeta)),
    ...(keepsMeta ? without(meta, isEnvelope) : []),
  ];
}

interface ObjectText {
  readonly open: number;
  readonly members: Members;
}

function paramsOf(text: string): ObjectText | undefined {
  const params = memberOf(membersOf(text, 0), 'params');
  const members = params && membersOf(text, params.valueStart);
  return members && { open: params.valueStart, members };
}

/** The members of `_meta`; none where it is no object either. */
function metaOf(text: string, members: Members): Members {
  const meta = memberOf(members, '_meta');
  return (meta && membersOf(text, meta.valueStart)) ?? [];
}

/** Undefined where there is no result, or where two parsers may read two. */
function resultOf(text: string): ObjectText | undefined {
  const message = membersOf(text, 0);
  const result = memberOf(message, 'result');
  const members = result && membersOf(text, result.valueStart);
  if (members === undefined || hasTwins(message ?? []) || hasTwins(members)) return undefined;
  return { open: result?.valueStart ?? 0, members };
}

const hasTwins = (members: Members): boolean =>
  new Set(members.map(({ key }) => key)).size !== members.length;
