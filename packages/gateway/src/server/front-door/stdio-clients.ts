import type { Readable, Writable } from 'node:stream';
import type { Hub } from '../../application/dispatch/hub.ts';
import type { Limits } from '../../domain/limits.ts';
import { StdioFront } from './stdio-front.ts';

/** The clients that are served over streams; each ends with its streams, all of them with the gateway. */
export class StdioClients {
  readonly #hub: Hub;
  readonly #limits: Limits;
  readonly #fronts = new Set<StdioFront>();
  #isClosing = false;

  constructor(hub: Hub, limits: Limits) {
    this.#hub = hub;
    this.#limits = limits;
  }

  /** Serves all servers to one client. While the gateway shuts down the client is only told so. */
  connect(input: Readable, output: Writable): StdioFront {
    const endpoint = this.#hub.fleet.endpoint(undefined);
    if (endpoint === undefined) throw new Error('the endpoint of all servers always exists');
    const front = new StdioFront({
      hub: this.#hub,
      limits: this.#limits,
      endpoint,
      input,
      output,
    });
    this.#fronts.add(front);
    void front.closed
      .then(() => front.close(this.#limits.shutdownGraceMs))
      .finally(() => this.#fronts.delete(front));
    if (this.#isClosing) void front.close(0);
    return front;
  }

  /** Takes no more requests, and ends every client once its calls in flight are over, at most after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#fronts].map((front) => front.close(graceMs)));
  }
}
