/** What each kind of client sees on each endpoint, kept as bytes that are ready to send. */
import { createHash } from 'node:crypto';
import { mergeOffers, type Prefixed, type Surface } from '../../domain/catalog/surface.ts';
import type { Asker } from '../../domain/mcp-server/sharing.ts';
import {
  capabilitiesForLegacy,
  capabilityKey,
  declaresAsking,
} from '../../domain/protocol/capabilities.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { META } from '../../domain/protocol/revisions.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import type { ChangedList, Owner } from '../servers/child.ts';
import type { Catalogs } from './catalogs.ts';
import type { ListKind } from '../../domain/catalog/server-catalog.ts';

/** Kinds of clients that are remembered at one time. */
const VIEWS_MAX = 128;
const CHANGE_DEBOUNCE_MS = 250;

/** A path that clients connect to: all servers, or one with its own names. */
export interface Endpoint {
  readonly name: string;
  readonly servers: readonly Upstream[];
  readonly prefixed: Prefixed;
  /** Tools of the gateway itself, beside those of the servers. */
  readonly ownTools?: OwnTools | undefined;
  /** Prompts and resources are not even empty here: their methods do not exist. */
  readonly toolsOnly?: boolean;
}

export interface OwnTools {
  /** As `tools/list` shows them. */
  readonly definitions: readonly JsonObject[];
  has(name: string): boolean;
}

interface Viewer {
  readonly endpoint: Endpoint;
  readonly asker: Asker;
  /** Set where the view is one client's alone. */
  readonly owner: Owner | undefined;
}

export interface ViewOptions {
  readonly catalogs: Catalogs;
  readonly serverInfo: JsonObject;
  readonly ttlMs: number;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The lists of one kind of client on one endpoint. Whoever watches one keeps it: it is told of changes also when
 * it is not found by its kind any more.
 */
export class View {
  readonly endpoint: Endpoint;
  readonly asker: Asker;
  readonly #owner: Owner | undefined;
  readonly #options: ViewOptions;
  readonly #allWatched: Set<View>;
  readonly #listeners = new Set<(changed: readonly ChangedList[]) => void>();
  #version = -1;
  #surface: Surface | undefined;
  #bodies = new Map<ListKind, Buffer>();
  /** What the listeners know of; set once there are any. */
  #told: ReadonlyMap<ChangedList, string> | undefined;

  /** @param watched where the view enters itself while it has listeners */
  constructor({ endpoint, asker, owner }: Viewer, options: ViewOptions, watched: Set<View>) {
    this.endpoint = endpoint;
    this.asker = asker;
    this.#owner = owner;
    this.#options = options;
    this.#allWatched = watched;
  }

  get surface(): Surface {
    if (this.#surface === undefined || this.#version !== this.#options.catalogs.version) {
      this.#version = this.#options.catalogs.version;
      this.#bodies = new Map();
      this.#surface = this.#build();
    }
    return this.#surface;
  }

  /** Why the lists of a server that runs could not be read. */
  listProblem(server: Upstream): string | undefined {
    return this.#options.catalogs.problemOf(server);
  }

  /** The end of a JSON-RPC answer with one whole list: `"result":{…}}`. */
  body(kind: ListKind): Buffer {
    const { surface } = this; // makes old bodies go
    const kept = this.#bodies.get(kind);
    if (kept !== undefined) return kept;
    const text = `"result":${JSON.stringify({ [kind]: surface[kind], ...this.envelope })}}`;
    // Memory of its own: a small one from the common pool would keep 64 KiB of that for as long as it is kept.
    const body = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
    body.write(text);
    this.#bodies.set(kind, body);
    return body;
  }

  /** What a modern client finds beside every result that the gateway makes. */
  get envelope(): JsonObject {
    if (this.asker.era === 'legacy') return {};
    return {
      resultType: 'complete',
      ttlMs: this.#options.ttlMs,
      cacheScope: 'private',
      _meta: { [META.serverInfo]: this.#options.serverInfo },
    };
  }

  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Hears which lists changed, after they did. Answers the function that ends it. */
  watch(listener: (changed: readonly ChangedList[]) => void): () => void {
    if (!this.watched) this.#told = this.#digests();
    this.#listeners.add(listener);
    this.#allWatched.add(this);
    return () => {
      this.#listeners.delete(listener);
      if (!this.watched) this.#allWatched.delete(this);
    };
  }

  /** @param announced lists that a server said have changed, by server */
  tellChanges(announced: ReadonlyMap<McpServer, ReadonlySet<ChangedList>>): void {
    if (!this.watched) return;
    const now = this.#digests();
    const servers = this.endpoint.servers.flatMap(({ members }) => members);
    const said = servers.flatMap((server) => [...(announced.get(server) ?? [])]);
    const changed = [...now.keys()].filter(
      (kind) => said.includes(kind) || now.get(kind) !== this.#told?.get(kind),
    );
    this.#told = now;
    if (changed.length > 0) for (const listener of this.#listeners) listener(changed);
  }

  #digests(): ReadonlyMap<ChangedList, string> {
    const digest = (...kinds: readonly ListKind[]): string =>
      kinds.map((kind) => hash(this.body(kind).toString('latin1'))).join();
    return new Map([
      ['tools', digest('tools')],
      ['prompts', digest('prompts')],
      ['resources', digest('resources', 'resourceTemplates')],
    ]);
  }

  #build(): Surface {
    const offers = this.endpoint.servers.map((server) =>
      this.#options.catalogs.offer(server, this.asker, this.#owner),
    );
    const { prefixed, ownTools } = this.endpoint;
    const own = ownTools === undefined ? {} : { ownTools: ownTools.definitions };
    return mergeOffers(offers, { era: this.asker.era, prefixed, hash, ...own });
  }
}

export class Views {
  readonly #options: ViewOptions;
  readonly #views = new Map<string, View>();
  readonly #watched = new Set<View>();
  readonly #announced = new Map<McpServer, Set<ChangedList>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
    options.catalogs.onChange((server, announced) => this.#changed(server, announced));
  }

  of(endpoint: Endpoint, asker: Asker): View {
    const key = viewKey(endpoint, asker);
    const known = this.#views.get(key);
    // An endpoint that went and came again under the same name is another one.
    if (known?.endpoint === endpoint) return known;
    const viewer = { endpoint, asker: { ...asker, owner: '' }, owner: undefined };
    const view = new View(viewer, this.#options, this.#watched);
    this.#views.set(key, view);
    if (this.#views.size > VIEWS_MAX) this.#dropIdle();
    return view;
  }

  /** What one client sees whose own children list more than others know of. */
  own(endpoint: Endpoint, asker: Asker, owner: Owner): View {
    return new View({ endpoint, asker, owner }, this.#options, this.#watched);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Many servers become known one after the other: clients hear of it once. */
  #changed(server: McpServer, announced: readonly ChangedList[]): void {
    const own = this.#announced.get(server) ?? new Set<ChangedList>();
    this.#announced.set(server, own);
    for (const kind of announced) own.add(kind);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const view of this.#watched) view.tellChanges(this.#announced);
      this.#announced.clear();
    }, CHANGE_DEBOUNCE_MS);
  }

  #dropIdle(): void {
    for (const [key, view] of this.#views) {
      if (this.#views.size <= VIEWS_MAX) return;
      if (!view.watched) this.#views.delete(key);
    }
  }
}

/**
 * Clients see the same where they see the same catalogue of every server, whatever servers there are. What decides is
 * what of their capabilities a child is told.
 */
function viewKey({ name }: Endpoint, { era, capabilities }: Asker): string {
  // Which catalogues they see today says nothing about servers that come later.
  if (era === 'legacy') return `${name} legacy ${capabilityKey(capabilities)}`;
  const told = capabilitiesForLegacy(capabilities);
  return declaresAsking(told) ? `${name} modern ${capabilityKey(told)}` : `${name} modern`;
}
