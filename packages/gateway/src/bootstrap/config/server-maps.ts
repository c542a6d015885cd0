/** The two names of the map of servers: ours, and the one of product 0.1. */
export const SERVER_MAPS = ['mcp_servers', 'providers'] as const;

export function isServerMap(key: string | number | undefined): boolean {
  return key === 'mcp_servers' || key === 'providers';
}
