/** Who gets the calls of a server while its backup stands in for it. A backup that fails, too, locks nobody out. */
import type { McpServer } from './mcp-server.ts';
import type { Upstream } from './upstream.ts';

/** The server itself, its backup while that stands in; the server again where the backup cannot take a call. */
export function calleeOf(server: Upstream, nowMs: () => number): Upstream {
  if (server.standIn === undefined && server.backup === undefined) return server;
  const atMs = nowMs();
  const other = standInOf(server, atMs);
  if (other === undefined) return server;
  if (isWell(other, atMs)) return other;
  // Both have failed: the backup is tried where it may be, else the server says why nothing is.
  const isWellItself = server.members.every((one) => isWell(one, atMs));
  return isWellItself || !mayBeTried(other, atMs) ? server : other;
}

/** Its backup, during a failover and where its circuit would refuse the call: the call that tries it is its own. */
export const standInOf = (server: Upstream, nowMs: number): McpServer | undefined =>
  server.standIn ?? (isRefused(server, nowMs) ? server.backup : undefined);

const isRefused = ({ breaker }: Pick<Upstream, 'breaker'>, nowMs: number): boolean =>
  breaker !== undefined && breaker.retryInMs(nowMs) > 0;

const isWell = (server: McpServer, nowMs: number): boolean =>
  server.phase !== 'dead' && server.phase !== 'degraded' && !isRefused(server, nowMs);

const mayBeTried = (server: McpServer, nowMs: number): boolean =>
  server.spec.launch.kind !== 'inactive' && server.retryInMs === 0 && !isRefused(server, nowMs);
