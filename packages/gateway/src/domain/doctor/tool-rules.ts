/** What is wrong with the tools that a server lists. */
import { PUBLIC_NAME_MAX, publicName } from '../catalog/public-names.ts';
import type { JsonObject } from '../protocol/json-rpc.ts';
import { finding, type Finding, type FindingId } from './finding.ts';
import { schemaProblems, type SchemaProblem } from './schema-problems.ts';
import type { ListFacts } from './server-check.ts';

/** Names that one message lists at most. */
const NAMED_MAX = 3;
/** A tenth of what most models read. */
const TOKENS_MAX = 20_000;
/** What some clients and models take at most. */
const TOOLS_MAX = 128;
const CHARS_PER_TOKEN = 4;
const SEPARATOR_CHARS = 2;

/** A rough measure: JSON of this kind has about four characters a token. */
export const estimatedTokens = (bytes: number): number => Math.ceil(bytes / CHARS_PER_TOKEN);

export interface NamedTools {
  readonly server: string;
  /** Hexadecimal digest of a text. */
  readonly hash: (text: string) => string;
}

export function judgeTools(list: ListFacts, about: NamedTools): readonly Finding[] {
  const names = list.tools.flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
  return [
    ...judgeNames(names, about),
    ...namelessTools(list.tools),
    ...judgeSchemas(list.tools),
    ...judgeSize(list),
  ];
}

/** `"a", "b" and 7 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED_MAX).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

function judgeNames(names: readonly string[], about: NamedTools): readonly Finding[] {
  const findings: Finding[] = [];
  const long = names.filter((name) => lengthOf(about.server, name) > PUBLIC_NAME_MAX);
  if (long.length > 0) findings.push(longNames(long, about));
  const odd = names.filter((name) => !/^[A-Za-z0-9_-]+$/.test(name));
  if (odd.length > 0) {
    const message = `${counted(odd.length, 'tool name')} with other characters than letters, digits, "_" and "-": ${listed(odd)}`;
    const fix = 'ask its authors to rename them; "hide" under "tools" leaves them out';
    findings.push(finding('tool_name_invalid', message, fix));
  }
  for (const [shown, owners] of byPublicName(names, about)) {
    if (owners.length < 2) continue;
    const same = new Set(owners).size === 1 ? `is listed ${owners.length} times` : 'stand for one';
    const message = `${listed([...new Set(owners)])} ${same}: "${shown}"`;
    findings.push(finding('tool_name_collision', message, 'ask its authors to rename one of them'));
  }
  return findings;
}

const lengthOf = (server: string, name: string): number =>
  server.length + SEPARATOR_CHARS + name.length;

function longNames(long: readonly string[], { server, hash }: NamedTools): Finding {
  const longest = Math.max(...long.map((name) => name.length));
  const [first = ''] = long;
  const message = `${counted(long.length, 'tool name')} of more than ${PUBLIC_NAME_MAX} characters with "${server}__" in front: ${listed(long)}; clients see "${publicName(server, first, hash)}"`;
  const room = PUBLIC_NAME_MAX - SEPARATOR_CHARS - longest;
  const fix =
    room >= 1
      ? `give the server an id of at most ${counted(room, 'character')}, or let clients connect to its own path /mcp/${server}`
      : `let clients connect to its own path /mcp/${server}, where no id stands in front`;
  return finding('tool_name_long', message, fix);
}

function byPublicName(
  names: readonly string[],
  { server, hash }: NamedTools,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const shown = publicName(server, name, hash);
    found.set(shown, [...(found.get(shown) ?? []), name]);
  }
  return found;
}

function namelessTools(tools: readonly JsonObject[]): readonly Finding[] {
  const nameless = tools.filter(({ name }) => typeof name !== 'string' || name === '').length;
  if (nameless === 0) return [];
  const message = `${counted(nameless, 'tool')} without a name`;
  return [finding('tool_without_name', message, 'ask its authors to name them')];
}

const SCHEMA_FINDING: Readonly<Record<SchemaProblem['kind'], FindingId>> = {
  missing: 'schema_missing',
  'not-object': 'schema_not_object',
  invalid: 'schema_invalid',
  ref: 'schema_ref_unresolved',
};

/** One finding for each kind of problem. */
function judgeSchemas(tools: readonly JsonObject[]): readonly Finding[] {
  const found = new Map<SchemaProblem['kind'], { names: Set<string>; first: string }>();
  for (const { name, inputSchema } of tools) {
    for (const { kind, message } of schemaProblems(inputSchema)) {
      const tool = String(name);
      const known = found.get(kind) ?? { names: new Set(), first: `"${tool}" ${message}` };
      known.names.add(tool);
      found.set(kind, known);
    }
  }
  return [...found].map(([kind, { names, first }]) => {
    const more = names.size === 1 ? '' : `, and ${counted(names.size - 1, 'tool')} more like it`;
    const fix = 'report it to its authors; "hide" under "tools" leaves the tool out';
    return finding(SCHEMA_FINDING[kind], `the input schema of ${first}${more}`, fix);
  });
}

function judgeSize({ tools, bytes }: ListFacts): readonly Finding[] {
  const findings: Finding[] = [];
  const tokens = estimatedTokens(bytes);
  if (tokens > TOKENS_MAX) {
    const message = `its tools take ${kilobytes(bytes)}, about ${tokens} tokens; the largest: ${listed(largest(tools))}`;
    findings.push(finding('tools_list_large', message, LEAVE_OUT));
  }
  if (tools.length > TOOLS_MAX)
    findings.push(finding('tools_many', `${tools.length} tools`, LEAVE_OUT));
  return findings;
}

const LEAVE_OUT = 'leave out what nobody needs with "hide" under "tools", or by an option of it';

const largest = (tools: readonly JsonObject[]): readonly string[] =>
  tools
    .map((tool) => ({ name: String(tool['name']), chars: JSON.stringify(tool).length }))
    .toSorted((a, b) => b.chars - a.chars)
    .slice(0, NAMED_MAX)
    .map(({ name }) => name);

/** `1234 kB`, or bytes where there are few. */
export const kilobytes = (bytes: number): string =>
  bytes < 1_000 ? `${bytes} bytes` : `${Math.round(bytes / 100) / 10} kB`;
