/** The servers and groups that the gateway has now, and the endpoints under which clients find them. */
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Endpoint } from '../catalog/views.ts';
import type { ServerGroup } from '../groups/server-group.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';

/** What holds for the endpoint of all servers. */
export interface SharedEndpoint extends Pick<Endpoint, 'prefixed' | 'ownTools'> {
  /** Only the tools of the gateway itself are there; no server is reached by an endpoint. */
  readonly toolsOnly: boolean;
}

/** What a fleet consists of at one time. */
export interface Formation {
  /** Those that may be used, in the order of the configuration; those that only a group defines stand last. */
  readonly servers: readonly McpServer[];
  /** Those that the configuration switches off. */
  readonly disabled: readonly McpServerSpec[];
  readonly groups: readonly ServerGroup[];
  readonly disabledGroups: readonly GroupSpec[];
}

interface Placement extends Formation {
  readonly standalone: readonly McpServer[];
  readonly readsHeaders: boolean;
  /** What clients find at the endpoint of all. */
  readonly shown: readonly Upstream[];
  /** The same, by the ids of their own endpoints. */
  readonly byId: ReadonlyMap<string, Upstream>;
}

/** Endpoints outlive what stands behind them: whoever holds one sees the servers of now. */
export class Fleet implements Formation {
  #now: Placement;
  readonly #toolsOnly: boolean;
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();
  readonly #listeners = new Set<() => void>();
  /** Of them nothing is wanted any more, and something runs still. */
  readonly #leaving = new Set<McpServer>();

  constructor(first: Formation, { prefixed, ownTools, toolsOnly }: SharedEndpoint) {
    this.#toolsOnly = toolsOnly;
    this.#now = placed(first, toolsOnly);
    const shown = (): readonly Upstream[] => this.#now.shown;
    this.#all = {
      name: '*',
      get servers() {
        return shown();
      },
      prefixed,
      ownTools,
      toolsOnly,
    };
    this.#openEndpoints();
    this.#pair();
  }

  get servers(): readonly McpServer[] {
    return this.#now.servers;
  }

  get disabled(): readonly McpServerSpec[] {
    return this.#now.disabled;
  }

  get groups(): readonly ServerGroup[] {
    return this.#now.groups;
  }

  get disabledGroups(): readonly GroupSpec[] {
    return this.#now.disabledGroups;
  }

  /** Servers that are shown under their own ids: all but those that only a group defines. */
  get standalone(): readonly McpServer[] {
    return this.#now.standalone;
  }

  /** A group may want to read headers of requests. */
  get readsHeaders(): boolean {
    return this.#now.readsHeaders;
  }

  /** Those that may be used, and those that are ending what they have at hand. */
  get all(): readonly McpServer[] {
    return [...this.servers, ...this.#leaving];
  }

  /** A server that is not one of the fleet any more goes on for as long as this takes. */
  leaves(server: McpServer, ended: Promise<void>): void {
    this.#leaving.add(server);
    void ended.finally(() => this.#leaving.delete(server));
  }

  /** The endpoint of one server or group, or of all; undefined for an unknown id. */
  endpoint(id: string | undefined): Endpoint | undefined {
    return id === undefined ? this.#all : this.#single.get(id);
  }

  /** Whether clients still find this endpoint: that of a server or group goes with it. */
  serves(endpoint: Endpoint): boolean {
    return endpoint === this.#all || this.#single.get(endpoint.name) === endpoint;
  }

  /** Puts others in the place of all, at once; then whoever listens is told. */
  swap(next: Formation): void {
    this.#now = placed(next, this.#toolsOnly);
    for (const id of this.#single.keys()) if (!this.#now.byId.has(id)) this.#single.delete(id);
    this.#openEndpoints();
    this.#pair();
    for (const listener of this.#listeners) listener();
  }

  /** Hears of every swap, after it. Answers the function that ends it. */
  onSwap(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Each server knows the backup of now. */
  #pair(): void {
    const byId = new Map<string, McpServer>(this.servers.map((server) => [server.spec.id, server]));
    for (const server of this.servers) {
      const { failover } = server.spec;
      server.backup = failover === undefined ? undefined : byId.get(failover.backup);
    }
  }

  #openEndpoints(): void {
    const find = (id: string): Upstream | undefined => this.#now.byId.get(id);
    for (const id of this.#now.byId.keys())
      if (!this.#single.has(id)) this.#single.set(id, endpointOf(id, find));
  }
}

function placed(formation: Formation, toolsOnly: boolean): Placement {
  const { servers, groups } = formation;
  const inline = new Set<string>(groups.flatMap(({ inlineIds }) => inlineIds));
  const standalone = servers.filter(({ spec }) => !inline.has(spec.id));
  const shown = toolsOnly ? [] : [...standalone, ...groups];
  return {
    ...formation,
    standalone,
    readsHeaders: groups.some(({ spec }) => spec.affinity?.by === 'header'),
    shown,
    byId: new Map(shown.map((server) => [server.spec.id, server])),
  };
}

function endpointOf(id: string, find: (id: string) => Upstream | undefined): Endpoint {
  let found: Upstream | undefined;
  let servers: readonly Upstream[] = [];
  return {
    name: id,
    /** One list for as long as it is one server. */
    get servers() {
      const now = find(id);
      if (now !== found) {
        found = now;
        servers = now === undefined ? [] : [now];
      }
      return servers;
    },
    prefixed: false,
  };
}
