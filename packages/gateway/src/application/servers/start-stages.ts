/** What a server that is being started is doing, for those who wait for it and want to know. */
import type { StartOptions, UpstreamConnection, UpstreamLauncher } from '../ports.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';

export type StartStage =
  /** Its process is being made, or its address is being reached. */
  | 'launching'
  /** The handshake has begun. */
  | 'initializing'
  /** It is up, and its lists are being read. */
  | 'discovering_tools';

export type StageListener = (stage: StartStage) => void;

export class StartStages {
  readonly #listeners = new Map<string, Set<StageListener>>();

  /** Hears of every start of a server, whoever wanted it. Answers the function that ends it. */
  watch(serverId: string, listener: StageListener): () => void {
    const listeners = this.#listeners.get(serverId) ?? new Set<StageListener>();
    this.#listeners.set(serverId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(serverId);
    };
  }

  reached(serverId: string, stage: StartStage): void {
    for (const listener of this.#listeners.get(serverId) ?? []) listener(stage);
  }

  /** The launcher, with its stages told here. */
  told(launcher: UpstreamLauncher): UpstreamLauncher {
    return {
      start: (spec: McpServerSpec, options: StartOptions): Promise<UpstreamConnection> => {
        this.reached(spec.id, 'launching');
        const onHandshake = (): void => {
          options.onHandshake?.();
          this.reached(spec.id, 'initializing');
        };
        return launcher.start(spec, { ...options, onHandshake });
      },
    };
  }
}
