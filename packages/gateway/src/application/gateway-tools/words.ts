/** The two families of gateway tools do the same under other words: 0.1 spoke of providers, 2.x of MCP servers. */
export interface Words {
  readonly family: 'registry' | 'hangar';
  /** One server, as argument and in results. */
  readonly one: 'provider' | 'mcp_server';
  readonly many: 'providers' | 'mcp_servers';
}

export const REGISTRY_WORDS: Words = { family: 'registry', one: 'provider', many: 'providers' };
export const HANGAR_WORDS: Words = { family: 'hangar', one: 'mcp_server', many: 'mcp_servers' };
