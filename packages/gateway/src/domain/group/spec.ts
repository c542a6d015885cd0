/** A group of MCP servers that clients see as one, with every default filled in. */
import type { ServerExecution } from '../execution/settings.ts';
import type { McpServerId, PredefinedTool } from '../mcp-server/spec.ts';

/** How the member for a call is chosen, among those that may be. */
export const STRATEGIES = [
  'round_robin',
  'weighted_round_robin',
  'least_connections',
  'random',
  'priority',
] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface GroupMemberSpec {
  readonly id: McpServerId;
  /** Share of the calls, for the strategies with weights. */
  readonly weight: number;
  /** The lowest is chosen first, by `priority`. */
  readonly priority: number;
  /** It is defined in the group, and shown nowhere beside it. */
  readonly isInline: boolean;
}

/** A member that is tried by some. */
export interface CanarySpec {
  readonly member: string;
  /** Share of the tenants, by their hashes. */
  readonly splitPercent: number;
  /** Member by tenant. */
  readonly pinnedTenants: ReadonlyMap<string, string>;
}

/** What keeps the calls of one client on one member. */
export interface AffinitySpec {
  readonly by: 'session' | 'principal' | 'header';
  /** In lower case; of `header` only. */
  readonly header: string | undefined;
  /** A member is forgotten after this long without a call. */
  readonly ttlMs: number;
}

export interface GroupSpec {
  readonly id: McpServerId;
  readonly description: string | undefined;
  /** False: it is neither listed nor reached; only status pages name it. */
  readonly enabled: boolean;
  readonly members: readonly GroupMemberSpec[];
  readonly strategy: Strategy;
  /** Members in rotation that make the group healthy. */
  readonly minHealthy: number;
  /** Members are started with the gateway, and again after they failed. */
  readonly autoStart: boolean;
  readonly health: { readonly unhealthyThreshold: number; readonly healthyThreshold: number };
  readonly breaker: { readonly failureThreshold: number; readonly resetTimeoutMs: number };
  readonly canary: CanarySpec | undefined;
  readonly affinity: AffinitySpec | undefined;
  /** Members that one call may be given to, one after the other. */
  readonly failoverMembersMax: number;
  /** A call that may run twice is given to a second member after this long; undefined = never. */
  readonly hedgeAfterMs: number | undefined;
  readonly callTimeoutMs: number;
  /** What is configured of all its calls together; undefined where nothing is. */
  readonly execution: ServerExecution | undefined;
  readonly predefinedTools: readonly PredefinedTool[] | undefined;
  /** Globs of tools that are neither listed nor callable. */
  readonly hiddenTools: readonly string[];
}
