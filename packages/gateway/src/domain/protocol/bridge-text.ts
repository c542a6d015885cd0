/**
 * Requests and results across eras as changes to their texts: what the gateway need not understand passes as it came.
 * Errors, and results of which more has to be known, are in `bridge.ts`.
 */
import { CACHEABLE, ENVELOPE } from './bridge.ts';
import { oneLine } from './client-message.ts';
import type { JsonObject } from './json-rpc.ts';
import { membersOf, withFirst, without, type Member, type TextEdit } from './json-edits.ts';
import { META, MODERN_REVISION } from './revisions.ts';

type Members = readonly Member[];

/** Members of a request that belong to the rounds of the modern era. */
const ROUNDS: ReadonlySet<string> = new Set(['inputResponses', 'requestState']);
/** Members of a modern result that no legacy one has. */
const MODERN_ONLY: ReadonlySet<string> = new Set(['resultType', 'ttlMs', 'cacheScope']);

const isReserved = ({ key }: Member): boolean => key.startsWith(META.prefix);
const membersText = (members: JsonObject): string => oneLine(JSON.stringify(members)).slice(1, -1);

const memberOf = (members: Members | undefined, key: string): Member | undefined =>
  members?.find((member) => member.key === key);

/** Who asks, as every request of the modern era says it. */
export interface Introduction {
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject;
  /** The level from which on the client wants log messages; undefined where it wants none. */
  readonly logLevel?: string | undefined;
}

/** What the client answered in the last round, and what the server wants back beside it. */
export type RetryParams = Readonly<
  Partial<Record<'inputResponses', JsonObject> & Record<'requestState', string>>
>;

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
 * What changes in the text of a legacy request for a modern server. What only the gateway may say is not the client's
 * to say.
 */
export function requestForModern(
  text: string,
  introduction: Introduction,
  retry: RetryParams = {},
): readonly TextEdit[] {
  const params = paramsOf(text);
  const again = membersText(retry);
  const said = membersText(envelopeOf(introduction));
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
 * @param wraps whether the client is shown the tool's structured output as a member of an object
 */
export function answerForLegacy(
  text: string,
  wraps: () => boolean,
): readonly TextEdit[] | undefined {
  const result = resultOf(text);
  if (result === undefined) return undefined;
  const { members } = result;
  const type = memberOf(members, 'resultType');
  if (type !== undefined && text.slice(type.valueStart, type.end) !== '"complete"')
    return undefined;
  const structured = memberOf(members, 'structuredContent');
  if (structured !== undefined && (text[structured.valueStart] !== '{' || wraps()))
    return undefined;
  const meta = metaOf(text, members);
  const isEnvelope = ({ key }: Member): boolean => ENVELOPE.has(key);
  const keepsMeta = !meta.every(isEnvelope);
  return [
    ...without(members, ({ key }) => MODERN_ONLY.has(key) || (key === '_meta' && !keepsMeta)),
    ...(keepsMeta ? without(meta, isEnvelope) : []),
  ];
}

const envelopeOf = ({ capabilities, clientInfo, logLevel }: Introduction): JsonObject => ({
  [META.protocolVersion]: MODERN_REVISION,
  [META.clientCapabilities]: capabilities,
  [META.clientInfo]: clientInfo,
  [META.logLevel]: logLevel,
});

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
