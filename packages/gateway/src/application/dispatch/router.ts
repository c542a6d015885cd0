/** From a name or URI that a client uses to the server behind it, and back to the server's own name for it. */
import { matchesGlob } from '../../domain/catalog/glob.ts';
import {
  looksShortened,
  PUBLIC_NAME_MAX,
  SHORTENED_HASH_CHARS,
  splitOwnedUri,
  splitPublicName,
} from '../../domain/catalog/public-names.ts';
import type { Route } from '../../domain/catalog/surface.ts';
import { CLIENT_SLOT } from '../../domain/protocol/client-message.ts';
import { isObject, RPC, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import type { ParamHeader } from '../../domain/protocol/param-headers.ts';
import { readingBudget, type ReadingBudget } from '../../domain/protocol/uri-template.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { View } from '../catalog/views.ts';
import type { Upstream } from '../servers/upstream.ts';
import { toolNeedsLegacyTask } from '../tasks/task-faults.ts';

export interface Target {
  readonly server: Upstream;
  readonly replace: { readonly slot: number; readonly text: string } | undefined;
  /** The server's own name or URI, where the client used another. */
  readonly upstreamName: string | undefined;
  readonly paramHeaders: readonly ParamHeader[];
  /** What the tool puts out is shown to this client as `{ result: … }`. */
  readonly wrapsOutput: boolean;
}

export type Routed =
  | { readonly kind: 'target'; readonly target: Target }
  /** A tool of the gateway itself. */
  | { readonly kind: 'own'; readonly tool: string }
  | { readonly kind: 'refused'; readonly error: RpcError }
  /** No catalogue that is known names it; one that is not known yet may. */
  | { readonly kind: 'unknown'; readonly error: RpcError };

const target = (server: Upstream, slot?: number, name?: string, known?: Route): Routed => ({
  kind: 'target',
  target: {
    server,
    replace:
      slot === undefined || name === undefined ? undefined : { slot, text: JSON.stringify(name) },
    upstreamName: name,
    paramHeaders: known?.paramHeaders ?? [],
    wrapsOutput: known?.wrapsOutput ?? false,
  },
});

const invalid = (message: string): Routed => ({
  kind: 'refused',
  error: { code: RPC.invalidParams, message },
});

/** The server that a request is for. */
export function route(view: View, method: string, params: JsonObject | undefined): Routed {
  if (view.endpoint.toolsOnly === true && method !== 'tools/call') return methodNotFound(method);
  switch (method) {
    case 'tools/call':
      return routeName(view, 'tool', params?.['name'], CLIENT_SLOT.name);
    case 'prompts/get':
      return routeName(view, 'prompt', params?.['name'], CLIENT_SLOT.name);
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return routeUri(view, params?.['uri'], CLIENT_SLOT.uri);
    case 'completion/complete': {
      const ref = isObject(params?.['ref']) ? params['ref'] : {};
      return ref['type'] === 'ref/prompt'
        ? routeName(view, 'prompt', ref['name'], CLIENT_SLOT.refName)
        : routeUri(view, ref['uri'], CLIENT_SLOT.refUri);
    }
    default:
      return routeUnknown(view, method);
  }
}

function routeName(view: View, what: 'tool' | 'prompt', name: unknown, slot: number): Routed {
  if (typeof name !== 'string') return invalid(`Invalid params: "name" of the ${what} is missing`);
  const { endpoint, surface } = view;
  const known = (what === 'tool' ? surface.toolRoutes : surface.promptRoutes).get(name);
  if (known?.needsTask === true)
    return { kind: 'refused', error: toolNeedsLegacyTask(known.server, known.name) };
  if (known === undefined && what === 'tool' && endpoint.ownTools?.has(name) === true)
    return { kind: 'own', tool: name };
  if (endpoint.prefixed === false) {
    const only = endpoint.servers[0];
    return only === undefined || (known === undefined && hides(only, what, name))
      ? unknownName(view, what, name)
      : target(only, undefined, undefined, known);
  }
  const split = known ?? (looksShortened(name) ? undefined : splitPublicName(name));
  const server = split === undefined ? undefined : findServer(view, split.server);
  if (split === undefined || server === undefined) return unknownName(view, what, name);
  if (known === undefined && hides(server, what, split.name)) return unknownName(view, what, name);
  return target(server, slot, split.name, known);
}

/** Whether the configuration hides a name that no list shows. */
const hides = (server: Upstream, what: 'tool' | 'prompt', name: string): boolean =>
  what === 'tool' && hidesTool(server, name);

/** Whether the configuration keeps a tool from clients. @param name the server's own */
export const hidesTool = (
  { spec }: { readonly spec: Pick<Upstream['spec'], 'hiddenTools'> },
  name: string,
): boolean => spec.hiddenTools.length > 0 && matchesGlob(name, spec.hiddenTools);

/** Names that a client may have meant: those under which servers offer just this one. */
const MEANT_MAX = 3;

function unknownName(view: View, what: 'tool' | 'prompt', name: string): Routed {
  const { surface } = view;
  const routes = what === 'tool' ? surface.toolRoutes : surface.promptRoutes;
  const meant = [...routes]
    .filter(([shown, known]) => known.name === name || isShortenedLike(shown, name))
    .map(([shown]) => `"${shown}"`)
    .slice(0, MEANT_MAX);
  const hint = meant.length === 0 ? '' : ` (did you mean ${meant.join(' or ')}?)`;
  const message = `Unknown ${what}: ${name}${hint}${whyUnknown(view, what, name)}`;
  return { kind: 'unknown', error: { code: RPC.invalidParams, message } };
}

/** Both are shortened names that differ in their hashes only. */
const isShortenedLike = (shown: string, name: string): boolean =>
  looksShortened(name) &&
  looksShortened(shown) &&
  shown.slice(0, -SHORTENED_HASH_CHARS) === name.slice(0, -SHORTENED_HASH_CHARS);

function whyUnknown(view: View, what: 'tool' | 'prompt', name: string): string {
  const id = splitPublicName(name)?.server;
  const named = id === undefined ? undefined : findServer(view, id);
  const missing = (named === undefined ? view.endpoint.servers : [named]).flatMap((server) => {
    const problem = view.listProblem(server);
    return problem === undefined
      ? []
      : [`the lists of "${server.spec.id}" are missing: ${problem}`];
  });
  if (missing.length > 0) return `; ${missing.slice(0, MEANT_MAX).join('; ')}`;
  if (!looksShortened(name)) return '';
  return `; names of more than ${PUBLIC_NAME_MAX} characters are shown shortened: list the ${what}s again and use those`;
}

function routeUri(view: View, uri: unknown, slot: number, budget = readingBudget()): Routed {
  if (typeof uri !== 'string') return invalid('Invalid params: "uri" is missing');
  const { endpoint, surface } = view;
  const owned = splitOwnedUri(uri);
  const named = owned === undefined ? undefined : findServer(view, owned.server);
  if (owned !== undefined && named !== undefined) return target(named, slot, owned.uri);
  if (endpoint.servers.length === 1 && endpoint.servers[0] !== undefined)
    return target(endpoint.servers[0]);
  const owner =
    surface.uriOwners.get(uri) ??
    surface.templates.find((template) => template.matches(uri, budget))?.server;
  const server = owner === undefined ? undefined : findServer(view, owner);
  return server === undefined
    ? { kind: 'unknown', error: resourceNotFound(uri, view.asker.era) }
    : target(server);
}

const resourceNotFound = (uri: string, era: Era): RpcError => ({
  code: era === 'legacy' ? RPC.resourceNotFound : RPC.invalidParams,
  message: `Resource not found: ${uri}`,
  data: { uri },
});

/** The server of one of many resources; they share one budget. */
export const routeResource = (view: View, uri: string, budget: ReadingBudget): Routed =>
  routeUri(view, uri, CLIENT_SLOT.uri, budget);

/** A method that we do not know passes where it has one possible target; those of tasks go by the id of a task. */
function routeUnknown(view: View, method: string): Routed {
  const only = view.endpoint.servers.length === 1 ? view.endpoint.servers[0] : undefined;
  if (only !== undefined && !method.startsWith('tasks/')) return target(only);
  return methodNotFound(method);
}

const methodNotFound = (method: string): Routed => ({
  kind: 'refused',
  error: unknownMethod(method),
});

export const unknownMethod = (method: string): RpcError => ({
  code: RPC.methodNotFound,
  message: `Method not found: ${method}`,
});

const findServer = (view: View, id: string): Upstream | undefined =>
  view.endpoint.servers.find((server) => server.spec.id === id);
