/**
 * The identical children of a server with `replicas`: those that clients share who declare nothing. The first call
 * starts all of them and waits for one; each further call goes to the one that works on the fewest.
 */
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Child } from './child.ts';

export type SharedSeat = Extract<Seat, { kind: 'shared' }>;

export interface ReplicaSource {
  /** Starts a child; rejects where it cannot. */
  start(seat: SharedSeat): Promise<Child>;
  nowMs(): number;
}

/** Undefined for a server with one child of each era. */
export const replicasOf = (
  { replicas }: Pick<McpServerSpec, 'replicas'>,
  source: ReplicaSource,
): ReplicaPool | undefined => (replicas > 1 ? new ReplicaPool(source, replicas) : undefined);

/** How long a place stays empty after a start in it failed. */
const RETRY_MS = 2_000;

export class ReplicaPool {
  readonly #source: ReplicaSource;
  readonly #childrenMax: number;
  readonly #children = new Set<Child>();
  readonly #starts = new Map<Promise<Child>, SharedSeat>();
  #retryAtMs = 0;

  constructor(source: ReplicaSource, childrenMax: number) {
    this.#source = source;
    this.#childrenMax = childrenMax;
  }

  /** Those that run. */
  get children(): readonly Child[] {
    return [...this.#children];
  }

  /** Rejects where none runs and none can be started, with the reason of the first that could not. */
  take(seat: SharedSeat): Child | Promise<Child> {
    const running = this.#leastBusy(seat);
    this.#fill(seat, running === undefined);
    return running ?? this.#firstOf(seat);
  }

  /** One that was started for another reason. */
  adopt(child: Child): void {
    this.#children.add(child);
  }

  forget(child: Child): void {
    this.#children.delete(child);
  }

  /** Of those that work on as many, the one that was used longest ago. */
  #leastBusy({ era }: SharedSeat): Child | undefined {
    let least: Child | undefined;
    for (const child of this.#children) {
      if (child.seat.era !== era || child.isGone) continue;
      const isLess =
        least === undefined ||
        child.inFlight < least.inFlight ||
        (child.inFlight === least.inFlight && child.lastUsedAtMs < least.lastUsedAtMs);
      if (isLess) least = child;
    }
    return least;
  }

  #fill(seat: SharedSeat, isWanted: boolean): void {
    if (!isWanted && this.#source.nowMs() < this.#retryAtMs) return;
    const isOfEra = (of: Seat): boolean => of.era === seat.era;
    const running = [...this.#children].filter((child) => isOfEra(child.seat)).length;
    const starting = [...this.#starts.values()].filter(isOfEra).length;
    for (let count = running + starting; count < this.#childrenMax; count += 1) this.#start(seat);
  }

  #start(seat: SharedSeat): void {
    const start = this.#source.start(seat);
    this.#starts.set(start, seat);
    start.then(
      (child) => {
        this.#starts.delete(start);
        if (!child.isGone) this.#children.add(child);
      },
      () => {
        // Whoever waits for it is told; while another one runs, nobody does.
        this.#starts.delete(start);
        this.#retryAtMs = this.#source.nowMs() + RETRY_MS;
      },
    );
  }

  async #firstOf({ era }: SharedSeat): Promise<Child> {
    const starts = [...this.#starts].flatMap(([start, of]) => (of.era === era ? [start] : []));
    try {
      return await Promise.any(starts);
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }
}
