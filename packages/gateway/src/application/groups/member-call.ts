/** A call to a group: which member works on it, and whether it goes on with another one where that fails. */
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import type { JsonObject, Request } from '../../domain/protocol/json-rpc.ts';
import type { Call } from '../calls/call.ts';
import { Hedge } from '../calls/hedge.ts';
import { isRepeatable } from '../execution/repeatable.ts';
import type { Catalogs } from '../catalog/catalogs.ts';
import type { Clock } from '../ports.ts';
import type { Child } from '../servers/child.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Upstream, Wanted } from '../servers/upstream.ts';

export interface GroupCall extends Wanted {
  readonly server: Upstream;
  readonly user: ServerUser;
  readonly request: Request;
}

export interface GroupCallPath {
  readonly clock: Clock;
  readonly catalogs: Catalogs;
  /** Takes a child for the call once more, of a member that is not to be avoided. */
  readonly again: (avoid: ReadonlySet<string>) => void;
}

/** The way to the server failed, whatever the server is worth. */
const OF_TRANSPORT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UPSTREAM_ENDED',
  'UPSTREAM_QUEUE_FULL',
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_TLS_FAILED',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_UNREACHABLE',
]);

/** Of these nothing has reached the server. */
const BEFORE_SENDING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UPSTREAM_QUEUE_FULL',
  'UPSTREAM_TLS_FAILED',
  'UPSTREAM_UNREACHABLE',
]);

/** To be called where a member's child is about to get the call. */
export function followMember(
  call: Call,
  child: Child,
  { server, user, request, header, avoid }: GroupCall,
  { catalogs, clock, again }: GroupCallPath,
): void {
  const { mcpServerId } = child;
  call.target = { name: call.target?.name, mcpServerId, groupId: server.spec.id };
  call.onLost = (error, wasSent) => {
    const tried = new Set(avoid).add(mcpServerId);
    if (!(error instanceof Fault) || !OF_TRANSPORT.has(error.code)) return undefined;
    if (tried.size >= (server.failover?.membersMax ?? 1)) return undefined;
    // What failed it says more than that nobody else is there.
    if (server.failover?.hasOther(tried) !== true) return undefined;
    const mayHaveRun = wasSent && !BEFORE_SENDING.has(error.code);
    if (mayHaveRun && !mayRunTwice(request, call.target?.name, toolsOf(catalogs, server, user)))
      return undefined;
    return () => again(tried);
  };
  const afterMs = server.failover?.hedgeAfterMs;
  if (afterMs === undefined || call.companion !== undefined) return;
  if (!mayRunTwice(request, call.target.name, toolsOf(catalogs, server, user))) return;
  const other = { header, avoid: new Set(avoid).add(mcpServerId) };
  call.companion = new Hedge(call, {
    afterMs,
    clock,
    take: (work) => server.take(user, work, other),
  });
}

const toolsOf = (
  catalogs: Catalogs,
  server: Upstream,
  { asker, owner }: ServerUser,
): readonly JsonObject[] => catalogs.find(server, asker, owner)?.tools ?? [];

/** What only reads, or says of itself that a second time changes nothing. */
function mayRunTwice(
  { method, params }: Request,
  upstreamName: string | undefined,
  tools: readonly JsonObject[],
): boolean {
  if (method !== 'tools/call') return READS.has(method);
  const name = upstreamName ?? params?.['name'];
  return typeof name === 'string' && isRepeatable({ tools }, name);
}

const READS: ReadonlySet<string> = new Set([
  'completion/complete',
  'prompts/get',
  'resources/read',
]);
