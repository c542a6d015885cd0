/** The servers that the gateway has now, and the endpoints under which clients find them. */
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Endpoint } from '../catalog/views.ts';
import type { McpServer } from '../servers/mcp-server.ts';

/** What holds for the endpoint of all servers. */
export interface SharedEndpoint extends Pick<Endpoint, 'prefixed' | 'ownTools'> {
  /** Only the tools of the gateway itself are there; no server is reached by an endpoint. */
  readonly toolsOnly: boolean;
}

/** Endpoints outlive what stands behind them: whoever holds one sees the servers of now. */
export class Fleet {
  /** Those that may be used, in the order of the configuration. */
  readonly servers: readonly McpServer[];
  /** Those that the configuration switches off. */
  readonly disabled: readonly McpServerSpec[];
  readonly #all: Endpoint;
  readonly #single = new Map<string, Endpoint>();

  constructor(
    { servers, disabled }: Pick<Fleet, 'servers' | 'disabled'>,
    { prefixed, ownTools, toolsOnly }: SharedEndpoint,
  ) {
    this.servers = servers;
    this.disabled = disabled;
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
    for (const server of shown()) {
      const { id } = server.spec;
      this.#single.set(id, { name: id, servers: [server], prefixed: false });
    }
  }

  /** The endpoint of one server, or of all; undefined for an unknown id. */
  endpoint(serverId: string | undefined): Endpoint | undefined {
    return serverId === undefined ? this.#all : this.#single.get(serverId);
  }
}
