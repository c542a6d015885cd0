/** What one client sees on one endpoint: the lists of many servers merged, and the way back from each name. */
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';
import { paramHeaders, type ParamHeader } from '../protocol/param-headers.ts';
import type { Era } from '../protocol/revisions.ts';
import { requiresTask } from '../protocol/tasks.ts';
import { legacyTool, wrapsOutput } from '../protocol/structured-content.ts';
import { templateMatcher, type ReadingBudget } from '../protocol/uri-template.ts';
import { ownedUri, publicName, splitOwnedUri, splitPublicName } from './public-names.ts';

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
  /** The tool runs as a task only, of an era that the client does not speak. */
  readonly needsTask?: boolean;
  /** What the tool puts out is shown to this client as `{ result: … }`. */
  readonly wrapsOutput?: boolean;
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

/**
 * Whether names of servers stand before names: never where one server stands alone, always, or only where names
 * collide.
 */
export type Prefixed = boolean | 'on-collision';

export interface SurfaceOptions {
  readonly era: Era;
  readonly prefixed: Prefixed;
  /** Tools of the gateway's own; their names are never given to another. */
  readonly ownTools?: readonly JsonObject[];
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

interface Named {
  readonly offer: Offer;
  readonly item: JsonObject;
  /** The server's own name for it. */
  readonly name: string;
}

function mergeNamed(
  offers: readonly Offer[],
  kind: 'tools' | 'prompts',
  options: SurfaceOptions,
): { readonly items: readonly JsonObject[]; readonly routes: ReadonlyMap<string, Route> } {
  const own = kind === 'tools' ? (options.ownTools ?? []) : [];
  const named = offers.flatMap((offer) => namedItems(offer, kind));
  const ownNames = new Set(own.map(({ name }) => String(name)));
  const servers = new Set(offers.map(({ server }) => server));
  const isTaken = ({ offer, name }: Named): boolean => {
    const meant = splitPublicName(name)?.server;
    // The prefixed form of another server's name leads to that server, whether or not its lists are known.
    const isOthers = meant !== undefined && meant !== offer.server && servers.has(meant);
    return isOthers || ownNames.has(name);
  };
  const publicNameOf = naming(named, isTaken, options);
  const items: JsonObject[] = [];
  const routes = new Map<string, Route>();
  for (const entry of named) {
    const { offer, item, name } = entry;
    const shown = publicNameOf(entry);
    if (routes.has(shown)) continue;
    items.push(forEra({ ...item, name: shown }, offer.era, options.era));
    routes.set(
      shown,
      kind === 'tools' ? toolRoute(entry, options.era) : { server: offer.server, name },
    );
  }
  return { items: [...items, ...own], routes };
}

function namedItems(offer: Offer, kind: 'tools' | 'prompts'): readonly Named[] {
  const seen = new Set<string>(); // a server may list a name twice
  return offer[kind].flatMap((item) => {
    const { name } = item;
    if (typeof name !== 'string' || seen.has(name)) return [];
    seen.add(name);
    return [{ offer, item, name }];
  });
}

/** The public name of each entry. @param isTaken whether it may not have its bare name */
function naming(
  named: readonly Named[],
  isTaken: (entry: Named) => boolean,
  { prefixed, hash }: SurfaceOptions,
): (entry: Named) => string {
  const full = ({ offer, name }: Named): string => publicName(offer.server, name, hash);
  if (prefixed === true) return full;
  if (prefixed === false) return ({ name }) => name;
  const colliding = collisions(named, isTaken, full);
  return (entry) => (colliding.has(entry) ? full(entry) : entry.name);
}

/**
 * The entries that cannot keep their bare names: all that share one, whichever server came first. A prefixed name may
 * be another's bare one, so it is looked at again until nothing is left; each round prefixes at least one more.
 */
function collisions(
  named: readonly Named[],
  isTaken: (entry: Named) => boolean,
  full: (entry: Named) => string,
): ReadonlySet<Named> {
  const colliding = new Set<Named>();
  for (;;) {
    const users = new Map<string, number>();
    const shown = (entry: Named): string => (colliding.has(entry) ? full(entry) : entry.name);
    for (const entry of named) users.set(shown(entry), (users.get(shown(entry)) ?? 0) + 1);
    const found = named.filter(
      (entry) => !colliding.has(entry) && (isTaken(entry) || (users.get(entry.name) ?? 0) > 1),
    );
    if (found.length === 0) return colliding;
    for (const entry of found) colliding.add(entry);
  }
}

function toolRoute({ offer: { server, era }, item, name }: Named, to: Era): Route {
  // A client of the modern era sends the headers; for one of the other a modern server still wants them.
  const hasHeaders = to === 'modern' || era === 'modern';
  const headers = hasHeaders ? paramHeaders(item['inputSchema']) : [];
  return {
    server,
    name,
    ...(headers.length > 0 && { paramHeaders: headers }),
    ...(era === 'modern' && to === 'legacy' && wrapsOutput(item) && { wrapsOutput: true }),
    ...(era === 'legacy' && to === 'modern' && requiresTask(item) && { needsTask: true }),
  };
}

/** A tool or prompt as clients of the other era see it. */
export function forEra(item: JsonObject, from: Era, to: Era): JsonObject {
  if (from === to) return item;
  if (to === 'legacy') return legacyTool(item);
  if (!('execution' in item)) return item;
  // It announces the legacy form of tasks, which the modern era does not have.
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
