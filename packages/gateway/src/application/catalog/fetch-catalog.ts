/** What one server offers, as it was listed by one of its children. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, RPC, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { ListKind, ServerCatalog } from '../../domain/catalog/server-catalog.ts';
import { hasUsableHeaders } from '../../domain/protocol/param-headers.ts';
import { ask, RpcRefusal } from '../calls/ask.ts';
import type { UpstreamConnection } from '../ports.ts';

const isCallable = ({ inputSchema }: JsonObject): boolean => hasUsableHeaders(inputSchema);

export const LIST_METHOD: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
};
const KIND_OF_METHOD: Readonly<Record<string, ListKind>> = {
  [LIST_METHOD.tools]: 'tools',
  [LIST_METHOD.prompts]: 'prompts',
  [LIST_METHOD.resources]: 'resources',
  [LIST_METHOD.resourceTemplates]: 'resourceTemplates',
};
/** The list that a method asks for; undefined for any other method. */
export const listKindOf = (method: string): ListKind | undefined =>
  Object.hasOwn(KIND_OF_METHOD, method) ? KIND_OF_METHOD[method] : undefined;

/** The capability without which a list is not asked for. */
const LIST_CAPABILITY: Readonly<Record<ListKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
};

const PAGES_MAX = 1_000;
const ITEMS_MAX = 10_000;
const CHARS_MAX = 16_777_216;
/** For all pages of all lists of one server together. */
const CATALOG_MS_MAX = 60_000;
const PAGE_BYTES_MAX = 4_194_304;

/**
 * Asks a server for all that it lists. Where a server's pages do not end, what was read until the limit, marked so.
 * @throws RpcRefusal, Fault: where a page is missing there is no catalogue
 */
export async function fetchCatalog(
  connection: UpstreamConnection,
  meta: JsonObject,
  signal: AbortSignal = AbortSignal.timeout(CATALOG_MS_MAX),
): Promise<ServerCatalog> {
  const problems: string[] = [];
  const listing: Listing = { connection, meta, signal, problems };
  const [tools, prompts, resources, resourceTemplates] = await Promise.all([
    fetchList(listing, 'tools'),
    fetchList(listing, 'prompts'),
    fetchList(listing, 'resources'),
    fetchList(listing, 'resourceTemplates'),
  ]);
  const { era, hello, mirrorsParams } = connection;
  // The revision wants it of every client over HTTP: a call of such a tool could not be put into headers.
  const uncallable = mirrorsParams === true ? tools.filter((tool) => !isCallable(tool)) : [];
  return {
    era,
    hello,
    tools: uncallable.length === 0 ? tools : tools.filter(isCallable),
    prompts,
    resources,
    resourceTemplates,
    incomplete: problems.length === 0 ? undefined : problems.join('; '),
    uncallable: new Set(uncallable.map(({ name }) => name)),
  };
}

/**
 * The tools alone, with the same limits.
 * @throws RpcRefusal, Fault
 */
export async function fetchTools(
  connection: UpstreamConnection,
  meta: JsonObject,
  signal: AbortSignal,
): Promise<{ readonly tools: readonly JsonObject[]; readonly incomplete: string | undefined }> {
  const problems: string[] = [];
  const tools = await fetchList({ connection, meta, signal, problems }, 'tools');
  return { tools, incomplete: problems.length === 0 ? undefined : problems.join('; ') };
}

interface Listing {
  readonly connection: UpstreamConnection;
  readonly meta: JsonObject;
  readonly signal: AbortSignal;
  /** Why lists were not read to their ends. */
  readonly problems: string[];
}

/** One list to its end: every page, with caps against servers whose cursors never end. */
async function fetchList(listing: Listing, kind: ListKind): Promise<readonly JsonObject[]> {
  const capabilities = listing.connection.hello['capabilities'];
  if (!isObject(capabilities) || capabilities[LIST_CAPABILITY[kind]] === undefined) return [];
  const items: JsonObject[] = [];
  const seen = new Set<string>();
  let cursor: unknown;
  let chars = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const result = await askList(listing, kind, cursor);
    chars += JSON.stringify(result ?? {}).length;
    if (chars > CHARS_MAX) {
      const detail = `${LIST_METHOD[kind]} lists more than ${CHARS_MAX} characters`;
      throw named(new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail), LIST_METHOD[kind]);
    }
    const listed: unknown = result?.[kind];
    if (Array.isArray(listed)) for (const item of listed) if (isObject(item)) items.push(item);
    if (items.length > ITEMS_MAX)
      return cut(listing, items.slice(0, ITEMS_MAX), `${kind} has more than ${ITEMS_MAX} items`);
    cursor = result?.['nextCursor'];
    if (typeof cursor !== 'string') return items;
    if (seen.has(cursor)) return cut(listing, items, `${kind} gave the same cursor twice`);
    seen.add(cursor);
  }
  return cut(listing, items, `${kind} has more than ${PAGES_MAX} pages`);
}

function cut(
  listing: Listing,
  items: readonly JsonObject[],
  problem: string,
): readonly JsonObject[] {
  listing.problems.push(problem);
  return items;
}

async function askList(
  { connection, meta, signal }: Listing,
  kind: ListKind,
  cursor: unknown,
): Promise<JsonObject | undefined> {
  const params = cursor === undefined ? meta : { ...meta, cursor };
  const options = { timeoutMs: CATALOG_MS_MAX, answerBytesMax: PAGE_BYTES_MAX, signal };
  try {
    return await ask(connection, LIST_METHOD[kind], params, options);
  } catch (error) {
    // Servers with resources often have no templates, and some declare what they do not serve.
    const isUnknown = error instanceof RpcRefusal && error.error.code === RPC.methodNotFound;
    if (cursor === undefined && isUnknown) return undefined;
    throw error instanceof Fault ? named(error, LIST_METHOD[kind]) : error;
  }
}

/** What failed, by the name of the list; a page that is too large with what can be done about it. */
function named(error: Fault, method: string): Fault {
  if (error.code !== 'UPSTREAM_ANSWER_TOO_LARGE') return error;
  const reason = `${method} cannot be read: ${error.message}`;
  const fix = 'make the server list less or in pages; many have an option for the tools to offer';
  return new Fault(error.code, `${reason}; ${fix}`, { data: { ...error.data, reason, fix } });
}
