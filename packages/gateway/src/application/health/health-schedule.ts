/**
 * Asks children that nobody calls whether they are alive. One timer for each server that has children; none otherwise.
 *
 * Invariants
 * 1. A server is never started for a probe.
 * 2. What answered within the interval, or works on something, is not asked: its calls have limits of their own. Where
 *    as many of them as degrade a server were given up since its last answer, it is asked all the same.
 * 3. At most `PROBES_MAX` probes are under way, at most one for each child, each for at most `PROBE_MS_MAX`.
 */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Clock } from '../ports.ts';
import type { Child } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { isBusy, nextLookMs, probedNow } from './due-probes.ts';
import { Probe } from './probe.ts';

/** Over all servers. */
const PROBES_MAX = 8;

export interface HealthOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** `_meta` for requests of the gateway's own to modern servers. */
  readonly modernMeta: JsonObject;
}

interface Watched {
  timer: NodeJS.Timeout | undefined;
  isLooking: boolean;
  readonly probe: Probe;
  /** Probes in a row that a child did not answer. */
  readonly misses: WeakMap<Child, number>;
}

export class HealthSchedule {
  readonly #options: HealthOptions;
  readonly #watched = new Map<McpServer, Watched>();
  #probes = 0;
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** A child of the server is ready: from now on it is looked after, until none is left. */
  watch(server: McpServer): void {
    if (server.spec.healthIntervalMs === 0 || this.#isClosed) return;
    const known = this.#watched.get(server);
    const watched: Watched = known ?? {
      timer: undefined,
      isLooking: false,
      probe: new Probe(server.spec.id, this.#options),
      misses: new WeakMap(),
    };
    this.#watched.set(server, watched);
    if (!watched.isLooking) this.#arm(server, watched);
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  #arm(server: McpServer, watched: Watched): void {
    clearTimeout(watched.timer);
    if (this.#isClosed) return;
    // The spec of now: a reload may have switched probes off.
    if (server.running.length === 0 || server.spec.healthIntervalMs === 0) {
      this.#watched.delete(server);
      return;
    }
    const waitMs = nextLookMs(server, this.#options.clock.nowMs(), this.#options.random());
    watched.timer = setTimeout(() => void this.#look(server, watched), waitMs).unref();
  }

  async #look(server: McpServer, watched: Watched): Promise<void> {
    watched.isLooking = true;
    const children = probedNow(server, this.#options.clock.nowMs());
    await Promise.all(children.map((child) => this.#ask(server, child, watched)));
    watched.isLooking = false;
    this.#arm(server, watched);
  }

  async #ask(server: McpServer, child: Child, { probe, misses }: Watched): Promise<void> {
    await this.#begin();
    const beganAtMs = this.#options.clock.nowMs();
    const seen = await probe.ask(child, server.spec.healthIntervalMs);
    this.#end();
    // It works again, or was ended meanwhile, which is told by itself.
    const isOver = isBusy(child, server.spec) || child.answeredAtMs > beganAtMs;
    if (this.#isClosed || isOver) return;
    if (seen.kind === 'passed') {
      misses.delete(child);
      child.alive(this.#options.clock.nowMs());
      server.probePassed(child, seen.durationMs);
      return;
    }
    const missed = (misses.get(child) ?? 0) + 1;
    misses.set(child, missed);
    const isHopeless = missed >= server.spec.failuresMax;
    server.probeFailed(child, { reason: seen.reason, beganAtMs, isHopeless });
  }

  async #begin(): Promise<void> {
    if (this.#probes >= PROBES_MAX)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    this.#probes += 1;
  }

  #end(): void {
    this.#probes -= 1;
    this.#waiting.shift()?.();
  }
}
