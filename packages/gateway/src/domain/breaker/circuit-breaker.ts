/** A breaker while the gateway runs: hands calls and results to the decider, and knows which probes are out. */
import {
  breakerOf,
  isLate,
  openMs,
  type Breaker,
  type BreakerCommand,
  type BreakerPolicy,
  type CircuitOpen,
} from './breaker.ts';
import { CallWindow, type CountedCall } from './call-window.ts';
import type { BreakerEvent, BreakerStateChanged } from './events.ts';

/** What is let through. */
export interface Admitted {
  /** It is over, whether or not a result was told. Where it cannot be known, the reset timeout ends the wait. */
  readonly settled?: boolean;
}

export interface CircuitBreakerOptions {
  readonly policy: BreakerPolicy;
  /** Where the log left off. */
  readonly restored: Breaker | undefined;
  /** Hears of every change of the phase. */
  readonly onChange: (event: BreakerStateChanged) => void;
}

interface ProbeOut {
  readonly work: Admitted;
  readonly atMs: number;
}

export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #decider: ReturnType<typeof breakerOf>;
  #state: Breaker;
  /** Of the calls since it is closed; undefined where no rates are looked at. */
  readonly #window: CallWindow | undefined;
  #probes: readonly ProbeOut[] = [];

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#decider = breakerOf(options.policy);
    this.#state = options.restored ?? this.#decider.initial;
    const { window } = options.policy;
    this.#window = window === undefined ? undefined : new CallWindow(window);
  }

  get state(): Breaker {
    return this.#state;
  }

  /** Milliseconds until it lets a call through; 0 = it is closed, or the next call tries it. */
  retryInMs(nowMs: number): number {
    if (this.#state.phase === 'half_open') return this.#roomInMs(nowMs);
    return openMs(this.#options.policy, this.#state, nowMs);
  }

  /** Lets something through, perhaps as a probe; answers why not where it does not. Doing so again changes nothing. */
  admit(work: Admitted, nowMs: number): CircuitOpen | undefined {
    if (this.#state.phase === 'closed') return undefined;
    const isOut = this.#probes.some((probe) => probe.work === work);
    const waitMs = isOut ? 0 : this.#roomInMs(nowMs);
    const decided = this.#decider.decide({ type: 'admit', nowMs, waitMs }, this.#state);
    if (!decided.ok) return decided.error;
    for (const event of decided.value) this.#evolve(event);
    if (!isOut) this.#probes = [...this.#probes, { work, atMs: nowMs }];
    return undefined;
  }

  /** @param beganAtMs when it was sent. Both by the wall clock */
  succeeded(beganAtMs: number, nowMs: number): void {
    const call = { beganAtMs, nowMs };
    this.#apply({ type: 'succeeded', ...call, tooMuch: this.#tooMuchWith(call, false) });
  }

  /** Only what says something about what is called: no error that it answered, nothing that the gateway ended. */
  failed(reason: string, beganAtMs: number, nowMs: number): void {
    const call = { beganAtMs, nowMs };
    this.#apply({ type: 'failed', reason, ...call, tooMuch: this.#tooMuchWith(call, true) });
  }

  /** A person started or stopped it: what was before is forgiven. */
  reset(nowMs: number): void {
    this.#apply({ type: 'reset', nowMs });
  }

  /** Until there is room for one more probe; what is not heard of for the reset timeout makes room. */
  #roomInMs(nowMs: number): number {
    const { probeCount, resetTimeoutMs } = this.#options.policy;
    const leftMs = ({ atMs }: ProbeOut): number => atMs + resetTimeoutMs - nowMs;
    this.#probes = this.#probes.filter((probe) => {
      const ms = leftMs(probe);
      return probe.work.settled !== true && ms > 0 && ms <= resetTimeoutMs;
    });
    if (this.#probes.length < probeCount) return 0;
    return Math.min(...this.#probes.map(leftMs));
  }

  #tooMuchWith(call: CountedCall, isFailure: boolean): string | undefined {
    const window = this.#window;
    if (window === undefined || this.#state.phase !== 'closed' || isLate(call, this.#state))
      return undefined;
    window.count(call, isFailure);
    return window.reasonToTrip(call.nowMs);
  }

  #apply(command: BreakerCommand): void {
    const decided = this.#decider.decide(command, this.#state);
    if (!decided.ok) return;
    for (const event of decided.value) this.#evolve(event);
  }

  #evolve(event: BreakerEvent): void {
    this.#state = this.#decider.evolve(this.#state, event);
    if (event.type !== 'CircuitBreakerStateChanged') return;
    this.#probes = [];
    this.#window?.clear();
    this.#options.onChange(event);
  }
}
