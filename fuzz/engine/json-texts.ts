/** JSON as texts, not as values: members twice, escapes, numbers that do not survive, white space everywhere. */
import type { Random } from './random.ts';

const NUMBERS = ['0', '-0', '1', '1.0', '1e2', '-3.5E-7', '12345678901234567890', '1e400', '7'];
const CHARACTERS = [
  'a',
  'id',
  'x',
  ' ',
  '\u00e9',
  '\ud83d\ude00',
  '\u2028',
  '{',
  '"',
  '\\',
  '\n',
  '\u0000',
  ']',
];
const ESCAPED = [
  String.raw`\ud800`,
  String.raw`\udc00`,
  String.raw`\u0069`,
  String.raw`\/`,
  String.raw`\b`,
];
const SPACES = ['', '', '', '', ' ', '\t', '\r\n', '\n '];
const DEPTH_MAX = 5;

/** Names that mean something where JSON is read. */
const NAMES: readonly string[] = [
  'jsonrpc',
  'id',
  'ID',
  'method',
  'params',
  'result',
  'error',
  'name',
  'uri',
  'arguments',
  '_meta',
  '_Meta',
  'progressToken',
  'requestId',
  'ref',
  'type',
  'requestState',
  'inputResponses',
  'resultType',
  'structuredContent',
  'content',
  'ttlMs',
  'cacheScope',
  '__proto__',
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
  'io.modelcontextprotocol/serverInfo',
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/logLevel',
];

const space = (random: Random): string => random.pick(SPACES);

/** A string, quoted. */
function makeString(random: Random): string {
  let inner = '';
  for (let left = random.below(5); left > 0; left -= 1)
    inner += random.once(4)
      ? random.pick(ESCAPED)
      : JSON.stringify(random.pick(CHARACTERS)).slice(1, -1);
  return `"${inner}"`;
}

/** A name of a member, quoted, now and then with an escape for its first letter. */
function makeName(random: Random): string {
  const name = random.pick(NAMES);
  if (!random.once(12)) return `"${name}"`;
  const code = name.charCodeAt(0).toString(16).padStart(4, '0');
  return `"\\u${code}${name.slice(1)}"`;
}

export function makeValue(random: Random, depth = 0): string {
  const kind = random.below(depth >= DEPTH_MAX ? 4 : 7);
  switch (kind) {
    case 0:
      return random.pick(NUMBERS);
    case 1:
    case 2:
      return makeString(random);
    case 3:
      return random.pick(['true', 'false', 'null']);
    case 4:
      return `[${Array.from({ length: random.below(4) }, () => padded(makeValue(random, depth + 1), random)).join(',')}${space(random)}]`;
    default:
      return makeObject(random, [], depth);
  }
}

const padded = (text: string, random: Random): string => space(random) + text + space(random);

/** An object with these members, `"a":1` each, and others, in any order. */
export function makeObject(random: Random, members: readonly string[] = [], depth = 0): string {
  const others = Array.from(
    { length: random.below(members.length > 0 ? 3 : 5) },
    () => `${makeName(random)}${space(random)}:${padded(makeValue(random, depth + 1), random)}`,
  );
  const all = [...members, ...others];
  for (let at = all.length - 1; at > 0; at -= 1) {
    const to = random.once(2) ? at : random.below(at + 1);
    [all[at], all[to]] = [all[to] ?? '', all[at] ?? ''];
  }
  return `{${all.map((member) => padded(member, random)).join(',')}}`;
}

const METHODS = [
  'tools/call',
  'tools/call',
  'tools/list',
  'initialize',
  'ping',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'completion/complete',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
  'tasks/get',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'x',
];

const makeId = (random: Random): string =>
  random.once(4)
    ? random.pick([makeString(random), ...NUMBERS, 'null', '{}', 'true'])
    : String(1 + random.below(8));

/** `_meta` with what it may hold. */
function makeMeta(random: Random): string {
  const members = [
    ...(random.once(2) ? ['"io.modelcontextprotocol/protocolVersion":"2026-07-28"'] : []),
    ...(random.once(2) ? ['"io.modelcontextprotocol/clientCapabilities":{}'] : []),
    ...(random.once(2) ? [`"progressToken":${makeId(random)}`] : []),
  ];
  return `"_meta":${makeObject(random, members, 3)}`;
}

/** The parameters of a request, as a member. */
function makeParams(random: Random): string {
  const members = [
    ...(random.once(4)
      ? []
      : [`"name":${random.pick(['"s__work"', '"s__again"', makeString(random)])}`]),
    ...(random.once(3) ? [] : [`"arguments":${makeObject(random, [], 2)}`]),
    ...(random.once(3) ? [] : [makeMeta(random)]),
    ...(random.once(6) ? [`"uri":${random.pick(['"x://a"', makeString(random)])}`] : []),
    ...(random.once(8) ? [`"requestState":${random.pick(['"@STATE@"', makeString(random)])}`] : []),
    ...(random.once(8) ? [`"requestId":${makeId(random)}`] : []),
  ];
  return `"params":${makeObject(random, members, 2)}`;
}

export function makeRequest(random: Random): string {
  return makeObject(
    random,
    [
      '"jsonrpc":"2.0"',
      ...(random.once(6) ? [] : [`"id":${makeId(random)}`]),
      `"method":"${random.pick(METHODS)}"`,
      ...(random.once(6) ? [] : [makeParams(random)]),
    ],
    3,
  );
}

function makeAnswer(random: Random): string {
  const members = ['"jsonrpc":"2.0"', `"id":${makeId(random)}`];
  const result = `"result":${makeResult(random)}`;
  const error = `"error":{"code":-32${random.below(999)},"message":${makeString(random)}}`;
  return makeObject(random, [...members, random.once(4) ? error : result], 4);
}

/** The result of an answer. */
export function makeResult(random: Random): string {
  return makeObject(
    random,
    [
      ...(random.once(2) ? [`"content":[{"type":"text","text":${makeString(random)}}]`] : []),
      ...(random.once(3)
        ? [`"resultType":${random.pick(['"complete"', '"input_required"', '1'])}`]
        : []),
      ...(random.once(3) ? [`"structuredContent":${makeValue(random, 2)}`] : []),
      ...(random.once(3) ? [makeMeta(random)] : []),
      ...(random.once(5) ? [`"ttlMs":${random.pick(NUMBERS)}`, '"cacheScope":"public"'] : []),
    ],
    3,
  );
}

/** A message, or several, or nothing of the kind. */
export function makeJsonRpc(random: Random): string {
  const kind = random.below(12);
  if (kind === 0) return makeValue(random);
  if (kind === 1)
    return `[${Array.from({ length: random.below(5) }, () => makeRequest(random)).join(',')}]`;
  return kind < 7 ? makeRequest(random) : makeAnswer(random);
}
