import type { Truncation } from '../../application/batch/batch-parts.ts';
import type { ExecutionSettings } from '../../domain/execution/settings.ts';
import type { Secret } from '@mcp-hangar/kernel/secret';
import type { Limits } from '../../domain/limits.ts';
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';

/** How a changed file is noticed. */
export interface ReloadConfig {
  readonly isWatched: boolean;
  /** The system tells of changes, beside the looks. */
  readonly isTold: boolean;
  /** Between two looks; 0 = none. */
  readonly intervalMs: number;
}

/** Where all of it is kept that is to outlive the gateway. */
export type StorePlace =
  /** It forgets with the process. */
  | { readonly kind: 'memory' }
  /** A file, absolute; undefined = in the state folder. */
  | { readonly kind: 'sqlite'; readonly path: string | undefined }
  | {
      readonly kind: 'postgresql';
      readonly url: Secret;
      readonly schema: string;
      readonly connectionsMax: number;
    };

/** Everything that is built from configuration, with every default filled in. */
export interface GatewayConfig {
  /** Absolute; undefined when the gateway runs without a file. */
  readonly path: string | undefined;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
  };
  readonly limits: Limits;
  readonly execution: ExecutionSettings;
  readonly catalog: {
    readonly warm: 'lazy' | 'boot';
    readonly firstListWaitMs: number;
    readonly ttlMs: number;
    readonly startConcurrency: number;
  };
  readonly toolAccess: {
    readonly mode: 'hybrid' | 'egress' | 'front_door';
    readonly gatewayTools: 'registry' | 'hangar' | 'both' | 'none';
    readonly naming: 'prefixed' | 'bare';
  };
  readonly logging: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
    readonly json: boolean;
  };
  readonly persistence: StorePlace;
  readonly eventLog: {
    readonly isEnabled: boolean;
    readonly allowsMemoryFallback: boolean;
    readonly callsMax: number;
    readonly keepMs: number;
    readonly keepEventsMax: number;
  };
  readonly reload: ReloadConfig;
  /** Long results of batches, and how the whole of them is kept. */
  readonly truncation: Truncation & {
    readonly ttlMs: number;
    readonly entriesMax: number;
    readonly bytesMax: number;
  };
  /** In file order, those of `mcp_servers` before those of `providers`. */
  readonly servers: readonly McpServerSpec[];
  /** Their members are among the servers; those that only a group defines stand last. */
  readonly groups: readonly GroupSpec[];
  /** What was written but is not obeyed; one line each, to be shown at start. */
  readonly notices: readonly string[];
}
