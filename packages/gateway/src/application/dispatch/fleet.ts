/** The servers that the gateway has now, and the endpoints under which clients find them. */
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Endpoint } from '../catalog/views.ts';
import type { McpServer } from '../servers/mcp-server.ts';

/** What holds for the endpoint of all servers. */
export interface SharedEndpoint extends Pick<Endpoint, 'prefixed' | 'ownTools'> {
  /** Only the tools of the gateway itself are there; no server is reached by an endpoint. */
  readonly toolsOnly: boolean;
}

/** What a fleet consists of at one time. */
export interface Formation {
  /** Those that may be used, in the order of the configuration. */
  readonly servers: readonly McpServer[];
  /** Those that the configuration switches off. */
  readonly disabled: readonly McpServerSpec[];
}

/** Endpoints outlive what stands behind them: whoever holds one sees the servers of now. */
export class Fleet implements Formation {
  #now: Formation;
  #byId: ReadonlyMap<string, McpServer>;
  readonly #toolsOnly: boolean;
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();
  readonly #listeners = new Set<() => void>();
  /** Of them nothing is wanted any more, and something runs still. */
  readonly #leaving = new Set<McpServer>();

  constructor(first: Formation, { prefixed, ownTools, toolsOnly }: SharedEndpoint) {
    this.#now = first;
    this.#byId = byId(first);
    this.#toolsOnly = toolsOnly;
    const shown = (): readonly McpServer[] => (toolsOnly ? [] : this.servers);
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
  }

  get servers(): readonly McpServer[] {
    return this.#now.servers;
  }

  get disabled(): readonly McpServerSpec[] {
    return this.#now.disabled;
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

  /** The endpoint of one server, or of all; undefined for an unknown id. */
  endpoint(serverId: string | undefined): Endpoint | undefined {
    return serverId === undefined ? this.#all : this.#single.get(serverId);
  }

  /** Whether clients still find this endpoint: that of a server goes with the server. */
  serves(endpoint: Endpoint): boolean {
    return endpoint === this.#all || this.#single.get(endpoint.name) === endpoint;
  }

  /** Puts others in the place of all, at once; then whoever listens is told. */
  swap(next: Formation): void {
    this.#now = next;
    this.#byId = byId(next);
    for (const id of this.#single.keys()) if (!this.#byId.has(id)) this.#single.delete(id);
    this.#openEndpoints();
    for (const listener of this.#listeners) listener();
  }

  /** Hears of every swap, after it. Answers the function that ends it. */
  onSwap(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #openEndpoints(): void {
    if (this.#toolsOnly) return;
    const find = (id: string): McpServer | undefined => this.#byId.get(id);
    for (const id of this.#byId.keys())
      if (!this.#single.has(id)) this.#single.set(id, endpointOf(id, find));
  }
}

const byId = ({ servers }: Formation): ReadonlyMap<string, McpServer> =>
  new Map(servers.map((server) => [server.spec.id, server]));

function endpointOf(id: string, find: (id: string) => McpServer | undefined): Endpoint {
  let found: McpServer | undefined;
  let servers: readonly McpServer[] = [];
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
