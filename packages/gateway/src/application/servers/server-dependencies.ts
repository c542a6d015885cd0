/** What a server is made of, whom it tells of its children, and what is told to it. */
import type { Breaker } from '../../domain/breaker/breaker.ts';
import type { EraVerdict } from '../../domain/mcp-server/eras.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import type { Clock, EventSink, Logger, UpstreamLauncher } from '../ports.ts';
import type { ChildStop } from './child-stop.ts';
import type { Child, ServerNotification } from './child.ts';
import type { McpServer } from './mcp-server.ts';

export interface ServerDependencies {
  readonly launcher: UpstreamLauncher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly leaseWaitMs: number;
  readonly listener: ServerListener;
  readonly events: EventSink;
  /** What is remembered of the server from before. */
  readonly remembered?: Remembered | undefined;
}

export interface Remembered {
  readonly lifecycle: Lifecycle | undefined;
  readonly circuit?: Breaker | undefined;
  readonly eras: EraVerdict | undefined;
}

export interface ServerListener {
  /** A child is ready; its lists may differ from what is known. */
  ready(server: McpServer, child: Child): void;
  /** A child said that lists or a resource changed. */
  changed(server: McpServer, child: Child, notification: ServerNotification): void;
  /** A child is gone, or about to be. @param reason undefined where it ended by itself */
  ended(server: McpServer, child: Child, reason: ChildStop | undefined): void;
  /** Tools of the last known catalogue; undefined where there is none. */
  toolsKnown(server: McpServer): number | undefined;
}

export interface FailedProbe {
  readonly reason: string;
  /** By the wall clock. */
  readonly beganAtMs: number;
  readonly isHopeless: boolean;
}
