import type { Secret } from '@mcp-hangar/kernel/secret';
import { z } from 'zod';
import type { ServerExecution } from '../execution/settings.ts';
import type { BreakerPolicy } from '../breaker/breaker.ts';
import type { FailoverPair } from '../processes/failover.ts';
import type { Era } from '../protocol/revisions.ts';

/** The name under which a server is configured; the first half of `SERVER__TOOL`. */
export const McpServerId = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
  .refine((id) => !id.includes('__') && !id.endsWith('_'))
  .brand<'McpServerId'>();
export type McpServerId = z.infer<typeof McpServerId>;

/** Who may use one child process at the same time; see `sharing.ts`. */
export type Sharing = 'auto' | 'shared' | 'session';

export interface StdioLaunch {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the allow-listed environment of the gateway. */
  readonly env: Readonly<Record<string, Secret>>;
  readonly cwd: string | undefined;
}

/** What we show a remote server. */
export type RemoteAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: Secret }
  | { readonly kind: 'api-key'; readonly header: string; readonly key: Secret }
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret };

export interface RemoteLaunch {
  readonly kind: 'remote';
  /** Absolute, http or https, without credentials. */
  readonly url: string;
  readonly transport: 'auto' | 'streamable-http' | 'sse';
  readonly auth: RemoteAuth;
  /** Added to every request. */
  readonly headers: Readonly<Record<string, Secret>>;
  readonly tls: { readonly verify: boolean; readonly caPath: string | undefined };
  readonly connectTimeoutMs: number;
  /** Longest silence within a body that is no event stream, and longest wait for an answer that is no call's. */
  readonly readTimeoutMs: number;
  /** Further attempts to connect for one call; nothing that was sent is sent again. */
  readonly connectRetries: number;
  /** Before the first further attempt; it doubles. */
  readonly retryBackoffMs: number;
  /** Written in the configuration file: then it may be on a private network or on this machine. */
  readonly trusted: boolean;
}

/** A mode that parses but that this build cannot run: the server is listed as dead with the reason. */
export interface InactiveLaunch {
  readonly kind: 'inactive';
  readonly mode: string;
  readonly reason: string;
}

/** What can be done about a mode that this build cannot run; undefined where nothing can. */
export const insteadOfMode = (mode: string): string | undefined =>
  ['container', 'docker', 'podman'].includes(mode)
    ? `until then run it as a command: [${mode === 'podman' ? 'podman' : 'docker'}, run, -i, --rm, IMAGE]`
    : undefined;

/** A tool definition given in the configuration, visible before the server has ever started. */
export type PredefinedTool = Readonly<Record<string, unknown>> & { readonly name: string };

/** One configured MCP server, with every default filled in. */
export interface McpServerSpec {
  readonly id: McpServerId;
  readonly description: string | undefined;
  /** False: it is neither started nor listed nor reached; only status pages name it. */
  readonly enabled: boolean;
  /** Started with the gateway, before anybody calls it. */
  readonly autoStart: boolean;
  readonly launch: StdioLaunch | RemoteLaunch | InactiveLaunch;
  /** Changes exactly when what is launched changes: the key under which catalogues and verdicts are kept. */
  readonly digest: string;
  /** Texts that no log, error or diagnosis may show. */
  readonly secrets: readonly Secret[];
  /** Speak only this era with it; undefined = find out. */
  readonly era: Era | undefined;
  readonly sharing: Sharing;
  /** Stop a child after this long without a request in flight; 0 = never. */
  readonly idleTtlMs: number;
  readonly startupTimeoutMs: number;
  /** Without an answer or a progress notification for this long, a call ends with an error. */
  readonly callTimeoutMs: number;
  /** Failures in a row that degrade the server. */
  readonly failuresMax: number;
  /** How often a child that nobody calls is asked whether it is alive; 0 = never. */
  readonly healthIntervalMs: number;
  /** Undefined: no call is refused for the failures of others. */
  readonly breaker: BreakerPolicy | undefined;
  /** Which server stands in for it while it is degraded. */
  readonly failover: FailoverPair | undefined;
  /** Children that clients share who declare nothing. */
  readonly replicas: number;
  /** Most children that are told client capabilities, at one time. */
  readonly leasedChildrenMax: number;
  /** Most children that each belong to one client session, at one time. */
  readonly sessionChildrenMax: number;
  readonly predefinedTools: readonly PredefinedTool[] | undefined;
  /** Globs of tools that are neither listed nor callable. */
  readonly hiddenTools: readonly string[];
  /** Limits and further attempts of its calls; undefined where none are configured. */
  readonly execution?: ServerExecution | undefined;
}

/** The mode as the configuration spells it. */
export function modeOf({ launch }: McpServerSpec): string {
  switch (launch.kind) {
    case 'stdio':
      return 'subprocess';
    case 'remote':
      return 'remote';
    case 'inactive':
      return launch.mode;
  }
}
