/** Whether a server that cannot be connected to is only away for a moment, or gone. */
import type { RemoteLaunch } from '../../../domain/mcp-server/spec.ts';

export class Reachability {
  readonly #patienceMs: number;
  #sinceMs: number | undefined;

  constructor({ connectRetries, retryBackoffMs }: RemoteLaunch) {
    // What one call waits in all, less what timers may be early: a server that is gone for longer is gone.
    this.#patienceMs = 0.9 * retryBackoffMs * (2 ** connectRetries - 1);
  }

  worked(): void {
    this.#sinceMs = undefined;
  }

  /** A connection failed. @returns whether none has worked for too long */
  failed(): boolean {
    const nowMs = performance.now();
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs >= this.#patienceMs;
  }
}
