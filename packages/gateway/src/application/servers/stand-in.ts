/** Who gets the calls of a server while its backup stands in for it. A backup that fails, too, locks nobody out. */
import type { McpServer } from './mcp-server.ts';
import type { Upstream } from './upstream.ts';

/** The server itself, its backup while that stands in; the server again where the backup cannot take a call. */
export function calleeOf(server: Upstream, nowMs: () => number): Upstream {
  const { standIn } = server;
  if (standIn === undefined) return server;
  const atMs = nowMs();
  if (isWell(standIn, atMs)) return standIn;
  // Both have failed: the backup is tried where it may be, else the server says why nothing is.
  const isWellItself = server.members.every((one) => isWell(one, atMs));
  return isWellItself || !mayBeTried(standIn, atMs) ? server : standIn;
}

const isWell = ({ phase, breaker }: McpServer, nowMs: number): boolean =>
  phase !== 'dead' && phase !== 'degraded' && (breaker?.retryInMs(nowMs) ?? 0) === 0;

const mayBeTried = ({ spec, retryInMs, breaker }: McpServer, nowMs: number): boolean =>
  spec.launch.kind !== 'inactive' && retryInMs === 0 && (breaker?.retryInMs(nowMs) ?? 0) === 0;
