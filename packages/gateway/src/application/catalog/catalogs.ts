/**
 * The catalogues of all servers. A catalogue is kept for (server, era, told capabilities); listing from it starts
 * nothing. A complete catalogue is only ever replaced by a complete one.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { redactor } from '../../domain/mcp-server/redactor.ts';
import { catalogKey, type Asker } from '../../domain/mcp-server/sharing.ts';
import { matchesGlob } from '../../domain/catalog/glob.ts';
import type { Offer } from '../../domain/catalog/surface.ts';
import type { Clock, Logger, MemoryStore, ServerMemory } from '../ports.ts';
import { GATEWAY, type ChangedList, type Child, type Owner } from '../servers/child.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import type { ServerCatalog } from '../../domain/catalog/server-catalog.ts';
import { fetchCatalog } from './fetch-catalog.ts';

/** Capability sets that are remembered for one server; the oldest goes first. */
const KEYS_MAX = 32;
const REFRESH_DEBOUNCE_MS = 50;

/** @param announced lists that the server itself said have changed */
export type CatalogListener = (server: McpServer, announced: readonly ChangedList[]) => void;

export interface CatalogOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Servers that are started at one time only to be listed. */
  readonly startConcurrency: number;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
  readonly memory: MemoryStore;
}

export class Catalogs {
  readonly #options: CatalogOptions;
  readonly #known = new Map<McpServer, Map<string, ServerCatalog>>();
  readonly #fetches = new Map<McpServer, Map<string, Promise<void>>>();
  readonly #warms = new WeakMap<Upstream, Map<string, Promise<void>>>();
  readonly #refreshes = new Map<Child, NodeJS.Timeout>();
  /** How clients of either era were last served, by server. */
  readonly #eras = new WeakMap<McpServer, string>();
  readonly #listeners = new Set<CatalogListener>();
  /** By the client whose child listed them; gone with the client. */
  readonly #private = new WeakMap<Owner, Map<McpServer, ServerCatalog>>();
  readonly #announced = new Map<Child, Set<ChangedList>>();
  /** Why the lists of a running server could not be read the last time. */
  readonly #problems = new WeakMap<McpServer, string>();
  readonly #queue: (() => void)[] = [];
  #starting = 0;
  /** Counts changes: whoever kept something made from catalogues compares. */
  version = 0;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  onChange(listener: CatalogListener): void {
    this.#listeners.add(listener);
  }

  /** What was listed before this start holds until a child lists something else. */
  remember(server: McpServer, { catalogs }: Pick<ServerMemory, 'catalogs'>): void {
    this.#known.set(server, new Map(catalogs.slice(-KEYS_MAX)));
    this.version += 1;
  }

  /** What the one offered, the other offers until it is listed: both launch the same. */
  inherit(from: McpServer, to: McpServer): void {
    const known = this.#known.get(from);
    if (known !== undefined) this.remember(to, { catalogs: [...known] });
  }

  /** Nothing is kept any more of a server that is gone. */
  forget(server: McpServer): void {
    this.#known.delete(server);
    this.#fetches.delete(server);
  }

  /** Servers came, went or became others: whoever lists is told. */
  fleetChanged(changes: ReadonlyMap<McpServer, readonly ChangedList[]>): void {
    this.version += 1;
    for (const [server, announced] of changes) this.#tell(server, announced);
  }

  /** The catalogue that this asker sees, or undefined where it is not known. Of a group: of the first that is known. */
  find(server: Upstream, asker: Asker, owner?: Owner): ServerCatalog | undefined {
    for (const member of server.members) {
      const known = this.#findOf(member, asker, owner);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  #findOf(server: McpServer, asker: Asker, owner: Owner | undefined): ServerCatalog | undefined {
    const own = owner === undefined ? undefined : this.#private.get(owner)?.get(server);
    if (own !== undefined) return own;
    const key = server.catalogKeyFor(asker);
    return key === undefined ? undefined : this.#known.get(server)?.get(key);
  }

  /** Why the lists of a server that runs could not be read; undefined where they could, or were not asked for. */
  problemOf({ members }: Upstream): string | undefined {
    for (const member of members) {
      const problem = this.#problems.get(member);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** What a server offers to this asker: its catalogue, else the tools that its configuration declares. */
  offer(server: Upstream, asker: Asker, owner?: Owner): Offer {
    const { id, predefinedTools } = server.spec;
    const known = this.find(server, asker, owner);
    if (known !== undefined) return { ...known, server: id, tools: shown(server, known.tools) };
    const none = { prompts: [], resources: [], resourceTemplates: [] };
    return { server: id, era: asker.era, tools: shown(server, predefinedTools ?? []), ...none };
  }

  /** Tools of the catalogue that most clients see; undefined where none is known. */
  toolsKnown(server: McpServer): number | undefined {
    const known = this.#known.get(server)?.values();
    return known?.next().value?.tools.length ?? server.spec.predefinedTools?.length;
  }

  /** Whether a list has to start this server to know what it offers. */
  lacks(server: Upstream, asker: Asker): boolean {
    const { members, spec } = server;
    if (spec.predefinedTools !== undefined || members.every(isInactive)) return false;
    return this.find(server, asker) === undefined;
  }

  /** Starts the server once to list it. Never rejects: a server that cannot be listed offers nothing. */
  warm(server: Upstream, user: ServerUser): Promise<void> {
    const key = server.catalogKeyFor(user.asker) ?? `${user.asker.era} unknown`;
    return once(this.#warms, server, key, async () => {
      await this.#slot();
      try {
        await this.#list(server, user);
      } finally {
        const next = this.#queue.shift();
        if (next === undefined) this.#starting -= 1;
        else next(); // it goes on in this place
      }
    });
  }

  /**
   * The same for a call that waits for this one server: it does not queue behind the lists of others.
   * @throws Fault where the server cannot be started: the call would only be told that it failed before
   */
  async listNow(server: Upstream, user: ServerUser): Promise<void> {
    const failure = await this.#list(server, user);
    if (failure !== undefined) throw failure;
  }

  /**
   * Lists a server for somebody who cannot go on without; `again` also where its lists are known.
   * @throws Fault, RpcRefusal where it cannot be started or listed
   */
  async demand(server: Upstream, user: ServerUser, again = false): Promise<void> {
    await eachInTurn(server, (member) => this.#demandOf(member, user, again));
  }

  async #demandOf(server: McpServer, user: ServerUser, again: boolean): Promise<void> {
    const shared = server.seatKindFor(user.asker) === 'shared';
    const child = await server.take(shared ? { ...user, owner: GATEWAY } : user);
    try {
      await this.#refresh(server, child, again ? 'always' : 'if-missing');
    } finally {
      child.end(this.#options.clock.nowMs(), false);
    }
  }

  /** A child is ready: list it, where its lists are not known or it may have changed since. */
  childReady(server: McpServer, child: Child): void {
    // Which catalogue a client sees depends on the eras that the server has shown to speak.
    const eras = `${server.eraFor('legacy')} ${server.eraFor('modern')}`;
    if (this.#eras.get(server) !== eras) this.version += 1;
    this.#eras.set(server, eras);
    this.#refresh(server, child).catch((error: unknown) => this.#failed(server, error));
  }

  /** The server said that a list changed: it is listed again, and clients hear of it even if it looks the same. */
  childChanged(server: McpServer, child: Child, method: string): void {
    const kind = CHANGED_BY[method];
    if (kind === undefined || isOfOneCall(child)) return;
    const announced = this.#announced.get(child) ?? new Set<ChangedList>();
    this.#announced.set(child, announced.add(kind));
    if (this.#refreshes.has(child)) return;
    const timer = setTimeout(() => {
      this.#refreshes.delete(child);
      this.#announced.delete(child);
      const owner = child.workedFor;
      const refreshed =
        owner === undefined
          ? this.#refreshAgain(server, child).then(() => this.#tell(server, [...announced]))
          : this.#refreshPrivate(server, child, owner).then(() =>
              owner.listsChanged([...announced]),
            );
      refreshed.catch((error: unknown) => this.#failed(server, error));
    }, REFRESH_DEBOUNCE_MS);
    timer.unref();
    this.#refreshes.set(child, timer);
  }

  /** Whether this client sees something that others do not. */
  hasPrivate(owner: Owner): boolean {
    return this.#private.has(owner);
  }

  close(): void {
    for (const timer of this.#refreshes.values()) clearTimeout(timer);
    this.#refreshes.clear();
  }

  /** @returns why there was no child to list; that a child cannot be listed is only logged */
  async #list(server: Upstream, user: ServerUser): Promise<Error | undefined> {
    try {
      await eachInTurn(server, async (member) => {
        const failure = await this.#listOf(member, user);
        if (failure !== undefined) throw failure;
      });
      return undefined;
    } catch (error) {
      return error as Error; // nothing else is thrown above
    }
  }

  async #listOf(server: McpServer, user: ServerUser): Promise<Error | undefined> {
    let child: Child | undefined;
    try {
      const shared = server.seatKindFor(user.asker) === 'shared';
      child = await server.take(shared ? { ...user, owner: GATEWAY } : user);
      await this.#refresh(server, child, 'if-missing');
    } catch (error) {
      this.#failed(server, error);
      return child === undefined && error instanceof Error ? error : undefined;
    } finally {
      child?.end(this.#options.clock.nowMs(), false);
    }
    return undefined;
  }

  async #slot(): Promise<void> {
    if (this.#starting < this.#options.startConcurrency) this.#starting += 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  #refresh(
    server: McpServer,
    child: Child,
    when: 'always' | 'if-missing' = 'always',
  ): Promise<void> {
    const key = catalogKey(child.seat);
    const owner = child.workedFor;
    if (owner !== undefined && child.proved) return this.#refreshPrivate(server, child, owner);
    if (when === 'if-missing' && this.#known.get(server)?.has(key) === true)
      return Promise.resolve();
    return once(this.#fetches, server, key, async () => {
      this.#keep(server, key, await fetchCatalog(child.connection, this.#meta(child)));
    });
  }

  /** A listing that began before the change may have missed it: its outcome is not enough. */
  async #refreshAgain(server: McpServer, child: Child): Promise<void> {
    await this.#fetches
      .get(server)
      ?.get(catalogKey(child.seat))
      ?.catch(() => undefined);
    await this.#refresh(server, child);
  }

  /** What a client's own child lists once it has worked for it is that client's business alone. */
  async #refreshPrivate(server: McpServer, child: Child, owner: Owner): Promise<void> {
    const catalog = await fetchCatalog(child.connection, this.#meta(child));
    if (child.isGone) return;
    const own = this.#private.get(owner) ?? new Map<McpServer, ServerCatalog>();
    for (const known of own.keys()) if (known.isRetired) own.delete(known);
    if (!this.#mayReplace(server, own.get(server), catalog)) return;
    this.#private.set(owner, own.set(server, catalog));
    this.version += 1;
  }

  #meta(child: Child): JsonObject {
    return child.seat.era === 'modern' ? this.#options.modernMeta : {};
  }

  #keep(server: McpServer, key: string, catalog: ServerCatalog): void {
    if (server.isRetired) return; // under its id stands what took its place
    const known = this.#known.get(server) ?? new Map<string, ServerCatalog>();
    this.#known.set(server, known);
    const previous = known.get(key);
    this.#problems.delete(server);
    if (!this.#mayReplace(server, previous, catalog)) return;
    known.delete(key);
    known.set(key, catalog);
    const oldest = known.keys().next().value;
    if (known.size > KEYS_MAX && oldest !== undefined) known.delete(oldest);
    this.#options.memory.save(server.spec, { eras: server.eraVerdict, catalogs: [...known] });
    if (previous !== undefined && sameLists(previous, catalog)) return;
    this.version += 1;
    this.#tell(server, []);
  }

  /** What was not listed to its end takes the place of nothing that was. */
  #mayReplace(
    server: McpServer,
    previous: ServerCatalog | undefined,
    { incomplete }: ServerCatalog,
  ): boolean {
    if (incomplete === undefined) return true;
    const isKept = previous === undefined || previous.incomplete !== undefined;
    const fields = { mcpServerId: server.spec.id, reason: incomplete, isKept };
    this.#options.logger.warn(fields, 'catalog_incomplete');
    return isKept;
  }

  #tell(server: McpServer, announced: readonly ChangedList[]): void {
    for (const listener of this.#listeners) listener(server, announced);
  }

  #failed(server: McpServer, error: unknown): void {
    // A server may repeat what it was shown.
    const clean = redactor(server.spec.secrets);
    const reason = clean(messageOf(error));
    const { logger } = this.#options;
    const fields = { mcpServerId: server.spec.id, reason };
    // Its end and its back-off were logged where they began; every list comes by here.
    if (error instanceof Fault && LOGGED_ELSEWHERE.has(error.code))
      logger.debug(fields, 'catalog_not_listed');
    else {
      if (server.running.length > 0) this.#problems.set(server, reason);
      logger.warn(fields, 'catalog_not_listed');
    }
  }
}

const LOGGED_ELSEWHERE: ReadonlySet<string> = new Set([
  'GATEWAY_STOPPING',
  'MCP_SERVER_BACKING_OFF',
  'MCP_SERVER_START_FAILED',
  'UPSTREAM_ENDED',
]);

const CHANGED_BY: Readonly<Record<string, ChangedList>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
};

/** What it lists now may be due to one call, whose client has no session in which it could see it. */
const isOfOneCall = (child: Child): boolean =>
  child.seat.era === 'legacy' && child.isLentByCall && child.proved;

interface Running<Server> {
  get(server: Server): Map<string, Promise<void>> | undefined;
  set(server: Server, own: Map<string, Promise<void>>): unknown;
}

/** Runs `work` unless the same is under way: then its outcome is shared. */
function once<Server extends Upstream>(
  running: Running<Server>,
  server: Server,
  key: string,
  work: () => Promise<void>,
): Promise<void> {
  const own = running.get(server) ?? new Map<string, Promise<void>>();
  running.set(server, own);
  const current = own.get(key);
  if (current !== undefined) return current;
  const started = work().finally(() => own.delete(key));
  own.set(key, started);
  return started;
}

const isInactive = ({ spec }: McpServer): boolean => spec.launch.kind === 'inactive';

/** Members of a group that are tried for its lists. */
const MEMBERS_LISTED_MAX = 3;

/** Does it with the first server that can, those that run first. @throws what the last one that was tried threw */
async function eachInTurn(
  { members }: Upstream,
  work: (server: McpServer) => Promise<void>,
): Promise<void> {
  const order = members.toSorted((a, b) => Number(b.isRunning) - Number(a.isRunning));
  let failure: unknown;
  for (const member of order.slice(0, MEMBERS_LISTED_MAX)) {
    try {
      await work(member);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Without the tools that the configuration hides. */
function shown({ spec }: Upstream, tools: readonly JsonObject[]): readonly JsonObject[] {
  if (spec.hiddenTools.length === 0) return tools;
  return tools.filter(({ name }) => !matchesGlob(String(name), spec.hiddenTools));
}

const LISTS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;
const sameLists = (a: ServerCatalog, b: ServerCatalog): boolean =>
  LISTS.every((kind) => JSON.stringify(a[kind]) === JSON.stringify(b[kind])) &&
  JSON.stringify(a.hello) === JSON.stringify(b.hello);

/** The capabilities that a server declared to us. */
export function capabilitiesOf(catalog: ServerCatalog): JsonObject {
  const declared = catalog.hello['capabilities'];
  return isObject(declared) ? declared : {};
}
