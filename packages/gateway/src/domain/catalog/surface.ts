/** What one client sees on one endpoint: the lists of many servers merged, and the way back from each name. */
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';
import { paramHeaders, type ParamHeader } from '../protocol/param-headers.ts';
import type { Era } from '../protocol/revisions.ts';
import { templateMatcher, type ReadingBudget } from '../protocol/uri-template.ts';
import { ownedUri, publicName, splitOwnedUri } from './public-names.ts';

export interface Offer {
  readonly server: string;
  readonly era: Era;
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
}

/** Where a public name leads: the server, and the name that the server knows. */
export interface Route {
  readonly server: string;
  readonly name: string;
  /** Arguments of a tool that the client repeats in headers. */
  readonly paramHeaders?: readonly ParamHeader[];
}

export interface TemplateRoute {
  readonly server: string;
  readonly matches: (uri: string, budget: ReadingBudget) => boolean;
}

export interface Surface {
  readonly tools: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  readonly toolRoutes: ReadonlyMap<string, Route>;
  readonly promptRoutes: ReadonlyMap<string, Route>;
  /** The first server that claims a URI owns it. */
  readonly uriOwners: ReadonlyMap<string, string>;
  readonly templates: readonly TemplateRoute[];
}

export interface SurfaceOptions {
  readonly era: Era;
  /** False where one server stands alone: its names are its own. */
  readonly prefixed: boolean;
  /** Hexadecimal digest of a text. */
  readonly hash: (text: string) => string;
}

export function mergeOffers(offers: readonly Offer[], options: SurfaceOptions): Surface {
  const tools = mergeNamed(offers, 'tools', options);
  const prompts = mergeNamed(offers, 'prompts', options);
  const resources = mergeByUri(offers, 'resources', 'uri');
  const templates = mergeByUri(offers, 'resourceTemplates', 'uriTemplate');
  return {
    tools: tools.items,
    prompts: prompts.items,
    resources: resources.items,
    resourceTemplates: templates.items,
    toolRoutes: tools.routes,
    promptRoutes: prompts.routes,
    uriOwners: resources.owners,
    templates: templateRoutes(templates.owners),
  };
}

/** Templates of one server that are held against a URI. */
const TEMPLATES_MAX = 256;

/**
 * The template that says most about a URI comes first. One that names no scheme would catch every server's URIs; it is
 * reached by the form that names the server.
 */
function templateRoutes(owners: ReadonlyMap<string, string>): readonly TemplateRoute[] {
  const held = new Map<string, number>();
  const head = (template: string): string => template.split('{', 1)[0] ?? '';
  return [...owners]
    .filter(([template, server]) => {
      const count = (held.get(server) ?? 0) + 1;
      held.set(server, count);
      return count <= TEMPLATES_MAX && /^[a-z][a-z0-9+.-]*:/i.test(head(template));
    })
    .toSorted(([a], [b]) => head(b).length - head(a).length)
    .map(([template, server]) => ({ server, matches: templateMatcher(template) }));
}

function mergeNamed(
  offers: readonly Offer[],
  kind: 'tools' | 'prompts',
  options: SurfaceOptions,
): { readonly items: readonly JsonObject[]; readonly routes: ReadonlyMap<string, Route> } {
  const items: JsonObject[] = [];
  const routes = new Map<string, Route>();
  for (const offer of offers) {
    for (const item of offer[kind]) {
      const name = item['name'];
      if (typeof name !== 'string') continue;
      const shown = options.prefixed ? publicName(offer.server, name, options.hash) : name;
      if (routes.has(shown)) continue; // a server that lists a name twice
      items.push(forEra({ ...item, name: shown }, offer.era, options.era));
      // A client of the modern era sends the headers; for one of the other a modern server still wants them.
      const hasHeaders = kind === 'tools' && (options.era === 'modern' || offer.era === 'modern');
      routes.set(shown, routeOf(offer.server, name, hasHeaders ? item : undefined));
    }
  }
  return { items, routes };
}

function routeOf(server: string, name: string, tool: JsonObject | undefined): Route {
  const headers = tool === undefined ? [] : paramHeaders(tool['inputSchema']);
  return headers.length === 0 ? { server, name } : { server, name, paramHeaders: headers };
}

/** `execution` announces the legacy form of tasks, which the modern era does not have. */
function forEra(item: JsonObject, from: Era, to: Era): JsonObject {
  if (from === to || to === 'legacy' || !('execution' in item)) return item;
  const { execution: _, ...rest } = item;
  return rest;
}

function mergeByUri(
  offers: readonly Offer[],
  kind: 'resources' | 'resourceTemplates',
  member: 'uri' | 'uriTemplate',
): { readonly items: readonly JsonObject[]; readonly owners: ReadonlyMap<string, string> } {
  const items: JsonObject[] = [];
  const owners = new Map<string, string>();
  for (const offer of offers) {
    const own = new Set<string>();
    for (const item of offer[kind].filter(isObject)) {
      const uri = item[member];
      if (typeof uri !== 'string' || own.has(uri)) continue;
      own.add(uri);
      // A URI that looks like the form of another server's is wrapped in the form of its own.
      if (owners.has(uri) || splitOwnedUri(uri) !== undefined)
        items.push({ ...item, [member]: ownedUri(offer.server, uri) });
      else {
        owners.set(uri, offer.server);
        items.push(item);
      }
    }
  }
  return { items, owners };
}
