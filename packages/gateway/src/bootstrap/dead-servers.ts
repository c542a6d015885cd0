import type { GatewayConfig } from './config/gateway-config.ts';

/** One line for each server that cannot run in this build. */
export function deadServers({ servers }: GatewayConfig): readonly string[] {
  return servers.flatMap(({ id, launch }) =>
    launch.kind === 'inactive' ? [`MCP server "${id}" is dead: ${launch.reason}`] : [],
  );
}
