/** What clients reach under one id: an MCP server, or a group of servers that looks like one. */
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Asker, Seat } from '../../domain/mcp-server/sharing.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { Child } from './child.ts';
import type { Admitted, CircuitBreaker } from '../../domain/breaker/circuit-breaker.ts';
import type { MemberGate } from '../calls/call-gate.ts';
import type { Cancellable } from './lease-pool.ts';
import type { EndedCall } from './lifecycle-keeper.ts';
import type { McpServer, ServerUser } from './mcp-server.ts';

export type UpstreamSpec = Pick<
  McpServerSpec,
  'id' | 'description' | 'callTimeoutMs' | 'execution' | 'hiddenTools' | 'predefinedTools'
>;

/** What of a request decides which member of a group gets it. */
export interface Wanted {
  /** Reads a header of the request; undefined where the transport has none. */
  readonly header?: ((name: string) => string | undefined) | undefined;
  /** Members that have failed the same request. */
  readonly avoid?: ReadonlySet<string> | undefined;
}

/** What a child is wanted for. */
export interface GatedWork extends Cancellable, Admitted {
  /** What stands between the call and a member of a group; undefined where none of them is limited. */
  readonly gate?: MemberGate | undefined;
}

/** How calls that a member fails go on. */
export interface Failover {
  /** Members that one call may be given to, one after the other. */
  readonly membersMax: number;
  /** A call that may run twice is given to a second member after this long; undefined = never. */
  readonly hedgeAfterMs: number | undefined;
  /** Whether a call that these have failed has somewhere to go. */
  readonly hasOther: (tried: ReadonlySet<string>) => boolean;
}

export interface Upstream {
  readonly spec: UpstreamSpec;
  /** The servers behind it, in the order of the configuration; of a server that is none: itself. */
  readonly members: readonly McpServer[];
  /** Its backup, while that stands in for it. */
  readonly standIn?: McpServer | undefined;
  /** What is configured to stand in for it. */
  readonly backup?: McpServer | undefined;
  /** Of a server that has one. */
  readonly breaker?: CircuitBreaker | undefined;
  /** Milliseconds until one that failed is tried again; 0 = with the next call. */
  readonly retryInMs: number;
  /** Set for a group. */
  readonly failover: Failover | undefined;
  /**
   * A child for this user, at once where one is ready. Its work has begun: the caller ends it with `child.end`.
   * @throws Fault where none can be had (also as rejection)
   */
  take(user: ServerUser, work?: GatedWork, wanted?: Wanted): Child | Promise<Child>;
  /** The member for something that lasts longer than a call. @throws Fault where there is none */
  memberFor(user: ServerUser): McpServer;
  /** The era in which a client of `era` would be served; unknown until the server was asked. */
  eraFor(era: Era): Era | 'unknown';
  /** The key of the catalogue that this asker sees; undefined while the era is unknown. */
  catalogKeyFor(asker: Asker): string | undefined;
  /** The kind of child that this asker uses; undefined while the era is unknown. */
  seatKindFor(asker: Asker): Seat['kind'] | undefined;
}

/** Whoever follows how a server does. What the gateway ends itself (idle, a person, a reload) is none of it. */
export interface ServerObserver {
  /** A child is ready, or a check has found the server well. */
  recovered(server: McpServer): void;
  /** A start or a check failed, or a child ended by itself. */
  failed(server: McpServer, reason: string): void;
  callEnded(server: McpServer, call: EndedCall): void;
}
