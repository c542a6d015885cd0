/** What one server offers, as it was listed by one of its children. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import { META } from '../../domain/protocol/revisions.ts';
import { ask, RpcRefusal } from '../calls/ask.ts';
import type { UpstreamConnection } from '../ports.ts';

export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

export interface ServerCatalog {
  readonly era: Era;
  /** The answer to `initialize` or `server/discover`. */
  readonly hello: JsonObject;
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
}

const LIST_METHOD: Readonly<Record<ListKind, string>> = {
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
const CHARS_MAX = 33_554_432;
const LIST_TIMEOUT_MS = 30_000;

/** Asks a server for all that it lists. @throws RpcRefusal, Fault: an incomplete catalogue is none */
export async function fetchCatalog(
  connection: UpstreamConnection,
  meta: JsonObject,
): Promise<ServerCatalog> {
  const list = (kind: ListKind): Promise<readonly JsonObject[]> =>
    fetchList(connection, kind, meta);
  const [tools, prompts, resources, resourceTemplates] = await Promise.all([
    list('tools'),
    list('prompts'),
    list('resources'),
    list('resourceTemplates'),
  ]);
  const { era, hello } = connection;
  return { era, hello, tools, prompts, resources, resourceTemplates };
}

/** One list to its end: every page, with caps against servers whose cursors never end. */
export async function fetchList(
  connection: UpstreamConnection,
  kind: ListKind,
  meta: JsonObject,
): Promise<readonly JsonObject[]> {
  const capabilities = connection.hello['capabilities'];
  if (!isObject(capabilities) || capabilities[LIST_CAPABILITY[kind]] === undefined) return [];
  const items: JsonObject[] = [];
  const seen = new Set<string>();
  let cursor: unknown;
  let chars = 0;
  for (let page = 0; page < PAGES_MAX && items.length < ITEMS_MAX; page += 1) {
    const params = cursor === undefined ? meta : { ...meta, cursor };
    const result = await askList(connection, kind, params);
    chars += JSON.stringify(result ?? {}).length;
    if (chars > CHARS_MAX)
      throw new Fault(
        'UPSTREAM_ANSWER_TOO_LARGE',
        `${LIST_METHOD[kind]} lists more than ${CHARS_MAX} characters`,
      );
    const listed = result?.[kind];
    if (Array.isArray(listed)) items.push(...listed.filter(isObject));
    cursor = result?.['nextCursor'];
    if (typeof cursor !== 'string' || seen.has(cursor)) break;
    seen.add(cursor);
  }
  return items.slice(0, ITEMS_MAX);
}

async function askList(
  connection: UpstreamConnection,
  kind: ListKind,
  params: JsonObject,
): Promise<JsonObject | undefined> {
  try {
    return await ask(connection, LIST_METHOD[kind], params, { timeoutMs: LIST_TIMEOUT_MS });
  } catch (error) {
    // Servers with resources often have no templates, and some declare what they do not serve.
    const first = params['cursor'] === undefined;
    if (first && error instanceof RpcRefusal && error.error.code === -32601) return undefined;
    throw error;
  }
}

/** The server's own name and version, where it gives them. */
export function serverInfoOf(hello: JsonObject): unknown {
  const meta = hello['_meta'];
  return hello['serverInfo'] ?? (isObject(meta) ? meta[META.serverInfo] : undefined);
}
