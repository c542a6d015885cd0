/** Children that hang, as far as it can be told, and make room for others. */
import type { McpServerPhase } from '../../domain/mcp-server/health.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Child } from './child.ts';
import type { EndedCall } from './lifecycle-keeper.ts';

/** Of one child, in a row. */
interface Failures {
  readonly count: number;
  readonly countedAtMs: number;
}

export class Suspects {
  readonly #children = new Set<Child>();
  readonly #failures = new WeakMap<Child, Failures>();
  readonly #stop: (child: Child) => void;

  constructor(stop: (child: Child) => void) {
    this.#stop = stop;
  }

  /** Shared children of a server that fails may hang: the next try gets new ones. One that works goes before that. */
  add(children: readonly Child[]): void {
    for (const child of children) {
      if (child.isHeld) this.#children.add(child);
      else this.#stop(child);
    }
  }

  /** It has answered, or is gone. */
  clear(child: Child): void {
    this.#children.delete(child);
  }

  end(): void {
    for (const child of this.#children) this.#stop(child);
    this.#children.clear();
  }

  /** Ends a child whose calls fail in a row although others of its server answer, or that belongs to one client. */
  callEnded(
    child: Child,
    call: EndedCall,
    { phase, spec }: { readonly phase: McpServerPhase; readonly spec: McpServerSpec },
    nowMs: number,
  ): void {
    if (call.outcome === 'answered' || call.outcome === 'answered-error')
      this.#failures.delete(child);
    if (call.outcome !== 'failed') return;
    const { count, countedAtMs } = this.#failures.get(child) ?? NONE;
    // What failed side by side counts once. A clock that was set back says nothing about what came first.
    if (call.beganAtMs < countedAtMs && nowMs >= countedAtMs) return;
    this.#failures.set(child, { count: count + 1, countedAtMs: nowMs });
    const isLeftToNextTry = phase === 'degraded' && child.seat.kind === 'shared';
    if (count + 1 >= spec.failuresMax && !isLeftToNextTry) this.#stop(child);
  }
}

const NONE: Failures = { count: 0, countedAtMs: Number.NEGATIVE_INFINITY };
