import type { Limits } from '../../domain/limits.ts';
import type { GroupSpec } from '../../domain/group/spec.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';

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
  readonly eventLog: {
    readonly isEnabled: boolean;
    /** Memory forgets with the process. */
    readonly driver: 'sqlite' | 'memory';
    /** Absolute; undefined = in the state folder. */
    readonly path: string | undefined;
    readonly allowsMemoryFallback: boolean;
    readonly callsMax: number;
    readonly keepMs: number;
    readonly keepEventsMax: number;
  };
  /** In file order, those of `mcp_servers` before those of `providers`. */
  readonly servers: readonly McpServerSpec[];
  /** Their members are among the servers; those that only a group defines stand last. */
  readonly groups: readonly GroupSpec[];
  /** What was written but is not obeyed; one line each, to be shown at start. */
  readonly notices: readonly string[];
}
