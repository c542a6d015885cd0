/**
 * The lifecycle and the health of one server while the gateway runs: hands what happens to the decider, applies what
 * it decides and passes the events on.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { dueInMs } from '../../domain/mcp-server/backoff.ts';
import { mcpServerStream, type McpServerEvent } from '../../domain/mcp-server/events.ts';
import type { Health } from '../../domain/mcp-server/health.ts';
import {
  lifecycleOf,
  type Idleness,
  type LifecycleCommand,
  type Startup,
  type StopReason,
} from '../../domain/mcp-server/lifecycle.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { Clock, EventSink } from '../ports.ts';

/** How a call ended, as far as it says something about its server. */
export type CallOutcome =
  | 'answered'
  /** With an error of the server's own: it is alive and well. */
  | 'answered-error'
  /** No answer in time, or a broken one. */
  | 'failed'
  /** The child ended, which is counted by itself. */
  | 'ended'
  | 'given-up';

export interface EndedCall {
  readonly outcome: CallOutcome;
  /** By the wall clock. */
  readonly beganAtMs: number;
  readonly reason: string;
}

export interface KeeperDependencies {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly events: EventSink;
  /** Where the log left off. */
  readonly restored: Lifecycle | undefined;
}

export class LifecycleKeeper {
  readonly #id: string;
  readonly #deps: KeeperDependencies;
  #decider: ReturnType<typeof lifecycleOf>;
  #state: Lifecycle;
  #isRetired = false;
  #countedAtMs = Number.NEGATIVE_INFINITY;
  /** What the last failed start would have been to the caller that met it. */
  #lastCode: Fault['code'] | undefined;
  /** What its error said of the cause and the remedy. */
  #lastAdvice: Readonly<Record<string, unknown>> = {};
  #phaseSinceMs: number;
  #totalInvocations = 0;
  #totalFailures = 0;
  #lastSuccessAtMs: number | undefined;
  #lastFailureAtMs: number | undefined;

  constructor(spec: McpServerSpec, deps: KeeperDependencies) {
    this.#id = spec.id;
    this.#deps = deps;
    this.#decider = lifecycleOf(spec.id, spec.failuresMax);
    this.#state = deps.restored ?? this.#decider.initial;
    this.#phaseSinceMs = deps.clock.nowMs();
  }

  get state(): Lifecycle {
    return this.#state;
  }

  /** When its phase changed, at the earliest when this gateway began. Milliseconds since the Unix epoch. */
  get phaseSinceMs(): number {
    return this.#phaseSinceMs;
  }

  /** What to do about the last failure, where that is known. */
  get suggestion(): string | undefined {
    const { fix } = this.#lastAdvice;
    return this.#state.lastFailure === undefined || typeof fix !== 'string' ? undefined : fix;
  }

  get health(): Health {
    return {
      consecutiveFailures: this.#state.failures,
      totalInvocations: this.#totalInvocations,
      totalFailures: this.#totalFailures,
      lastSuccessAtMs: this.#lastSuccessAtMs,
      lastFailureAtMs: this.#lastFailureAtMs,
    };
  }

  /** Milliseconds until the next try is allowed; 0 = now. */
  get waitMs(): number {
    return dueInMs(this.#state.retryAtMs, this.#deps.clock.nowMs());
  }

  /** A degraded server takes a call only when its back-off is over. @throws Fault MCP_SERVER_BACKING_OFF */
  checkDue(): void {
    if (this.#state.phase === 'degraded' && this.waitMs > 0) throw this.#backingOff(this.waitMs);
  }

  /** A start begins. @throws Fault MCP_SERVER_BACKING_OFF */
  starting(): void {
    const nowMs = this.#deps.clock.nowMs();
    const decided = this.#decider.decide({ type: 'start', nowMs }, this.#state);
    if (!decided.ok) throw this.#backingOff(decided.error.waitMs);
    this.#evolve(decided.value);
  }

  /** A person wants to see it run: what failed before makes nothing wait. */
  forgive(childrenLeft: number): void {
    this.#apply({ type: 'forgive', childrenLeft });
  }

  started(startup: Startup): void {
    this.#apply({ type: 'started', ...startup });
  }

  startFailed(
    error: unknown,
    left: { readonly children: number; readonly starts: number; readonly beganAtMs: number },
  ): void {
    const reason = messageOf(error);
    this.#lastFailureAtMs = this.#deps.clock.nowMs();
    this.#lastCode = error instanceof Fault ? error.code : undefined;
    this.#lastAdvice = error instanceof Fault ? adviceOf(error) : {};
    this.#apply({
      type: 'start-failed',
      childrenLeft: left.children,
      startsLeft: left.starts,
      ...this.#failure(reason, left.beganAtMs),
    });
  }

  childEnded(
    reason: string,
    child: {
      readonly left: number;
      readonly hasAnswered: boolean;
      readonly startedAtMs: number;
    },
  ): void {
    this.#lastFailureAtMs = this.#deps.clock.nowMs();
    this.#lastCode = undefined;
    this.#lastAdvice = {};
    const { left: childrenLeft, hasAnswered, startedAtMs } = child;
    const failure = this.#failure(reason, startedAtMs);
    this.#apply({ type: 'child-ended', childrenLeft, hasAnswered, ...failure });
  }

  /** Says so where the call degraded the server. */
  callEnded({ outcome, beganAtMs, reason }: EndedCall): 'now degraded' | undefined {
    this.#totalInvocations += 1;
    switch (outcome) {
      case 'answered':
        this.#lastSuccessAtMs = this.#deps.clock.nowMs();
        this.answered();
        return undefined;
      case 'answered-error':
        this.#countFailedCall();
        this.answered();
        return undefined;
      case 'failed':
        this.#countFailedCall();
        return this.#apply({ type: 'call-failed', ...this.#failure(reason, beganAtMs) });
      case 'ended':
        this.#countFailedCall();
        return undefined;
      case 'given-up':
        return undefined;
    }
  }

  /** It answered something. */
  answered(): void {
    const { failures, phase } = this.#state;
    if (failures > 0 || phase === 'degraded') this.#apply({ type: 'answered' });
  }

  /** A child has answered whether it is alive. */
  probePassed(durationMs: number): void {
    this.#apply({ type: 'probe-passed', durationMs });
  }

  /** A child has not. Says so where that degraded the server. */
  probeFailed(reason: string, beganAtMs: number): 'now degraded' | undefined {
    this.#lastFailureAtMs = this.#deps.clock.nowMs();
    return this.#apply({ type: 'probe-failed', ...this.#failure(reason, beganAtMs) });
  }

  /** The last child was ended by the gateway. */
  stopped(reason: StopReason, idle?: Idleness): void {
    this.#apply({ type: 'stopped', reason, ...(idle === undefined ? {} : { idle }) });
  }

  adopt({ id, failuresMax }: McpServerSpec): void {
    this.#decider = lifecycleOf(id, failuresMax);
  }

  /** Says that it was stopped, and nothing more: its stream goes on with the server that takes its place. */
  retire(): void {
    this.stopped('reload');
    this.#isRetired = true;
  }

  #countFailedCall(): void {
    this.#totalFailures += 1;
    this.#lastFailureAtMs = this.#deps.clock.nowMs();
  }

  #failure(
    reason: string,
    beganAtMs: number,
  ): { reason: string; nowMs: number; random: number; isCounted: boolean } {
    const nowMs = this.#deps.clock.nowMs();
    // A clock that was set back says nothing about what came first.
    const isCounted = beganAtMs >= this.#countedAtMs || nowMs < this.#countedAtMs;
    if (isCounted) this.#countedAtMs = nowMs;
    return { reason, nowMs, random: this.#deps.random(), isCounted };
  }

  #apply(command: LifecycleCommand): 'now degraded' | undefined {
    const { phase } = this.#state;
    const decided = this.#decider.decide(command, this.#state);
    if (decided.ok) this.#evolve(decided.value);
    return phase !== 'degraded' && this.#state.phase === 'degraded' ? 'now degraded' : undefined;
  }

  #evolve(events: readonly McpServerEvent[]): void {
    for (const event of events) {
      this.#state = this.#decider.evolve(this.#state, event);
      if (event.type === 'McpServerStateChanged') this.#phaseSinceMs = this.#deps.clock.nowMs();
      if (!this.#isRetired) this.#deps.events.record(mcpServerStream(this.#id), event);
    }
  }

  #backingOff(waitMs: number): Fault {
    const failure = this.#state.lastFailure ?? `Cannot start MCP server "${this.#id}" yet`;
    const detail = `${failure}; next try in ${Math.ceil(waitMs / 1_000)} s`;
    const cause = this.#lastCode === undefined ? {} : { cause: this.#lastCode };
    return new Fault('MCP_SERVER_BACKING_OFF', detail, {
      data: { retryAfterMs: waitMs, ...cause, ...this.#lastAdvice },
    });
  }
}

/** What whoever waits is told beside the message. */
const ADVICE = ['diagnosis', 'reason', 'fix'] as const;

function adviceOf({ data }: Fault): Readonly<Record<string, unknown>> {
  const given = ADVICE.filter((key) => data?.[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, data?.[key]]));
}
