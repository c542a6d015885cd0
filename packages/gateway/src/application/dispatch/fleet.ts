/** The servers and groups that the gateway has now, and the endpoints under which clients find them. */
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

/** Endpoints outlive what stands behind them: whoever holds one sees the servers of now. */
export class Fleet {
  /** Those that may be used, in the order of the configuration; those that only a group defines stand last. */
  readonly servers: readonly McpServer[];
  /** Those that the configuration switches off. */
  readonly disabled: readonly McpServerSpec[];
  readonly groups: readonly ServerGroup[];
  /** Servers that are shown under their own ids: all but those that only a group defines. */
  readonly standalone: readonly McpServer[];
  /** A group may want to read headers of requests. */
  readonly readsHeaders: boolean;
  /** What clients find at the endpoint of all. */
  readonly #shown: readonly Upstream[];
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();

  constructor(
    { servers, disabled, groups }: Pick<Fleet, 'servers' | 'disabled' | 'groups'>,
    { prefixed, ownTools, toolsOnly }: SharedEndpoint,
  ) {
    this.servers = servers;
    this.disabled = disabled;
    this.groups = groups;
    const inline = new Set<string>(groups.flatMap(({ inlineIds }) => inlineIds));
    this.standalone = servers.filter(({ spec }) => !inline.has(spec.id));
    this.readsHeaders = groups.some(({ spec }) => spec.affinity?.by === 'header');
    this.#shown = toolsOnly ? [] : [...this.standalone, ...groups];
    const shown = (): readonly Upstream[] => this.#shown;
    this.#all = {
      name: '*',
      get servers() {
        return shown();
      },
      prefixed,
      ownTools,
      toolsOnly,
    };
    for (const server of this.#shown) {
      const { id } = server.spec;
      this.#single.set(id, { name: id, servers: [server], prefixed: false });
    }
  }

  /** The endpoint of one server or group, or of all; undefined for an unknown id. */
  endpoint(id: string | undefined): Endpoint | undefined {
    return id === undefined ? this.#all : this.#single.get(id);
  }
}
