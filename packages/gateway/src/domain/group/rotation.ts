/**
 * Which members of a group are in rotation, and whether its circuit is closed. It hears how members do and answers
 * with the events that this makes.
 *
 * | state | means |
 * |---|---|
 * | inactive | no member is in rotation |
 * | partial | fewer than `min_healthy` are |
 * | healthy | enough are |
 * | degraded | the circuit is open: `failure_threshold` failures in a row, whichever members they were of |
 *
 * Invariants
 * 1. A member leaves after `unhealthy_threshold` failures in a row and returns after `healthy_threshold` successes.
 * 2. The circuit keeps nobody from a member that is in rotation. Where none is, an open one admits one trial at a time,
 *    the first after `reset_timeout_s`: nothing locks a group out for ever. Any answer of a member closes it.
 * 3. Applying the events to what the log said (`history.ts`) gives rotation, state and circuit again.
 */
import { breakerOf, type Breaker, type BreakerPolicy } from '../breaker/breaker.ts';
import { CircuitBreaker, type Admitted } from '../breaker/circuit-breaker.ts';
import type { BreakerStateChanged } from '../breaker/events.ts';
import type { GroupEvent, GroupState } from './events.ts';
import type { GroupHistory } from './history.ts';
import type { GroupSpec } from './spec.ts';

export interface MemberHealth {
  readonly inRotation: boolean;
  readonly consecutiveFailures: number;
  readonly consecutiveSuccesses: number;
}

interface Member {
  inRotation: boolean;
  failures: number;
  successes: number;
}

type RotationSpec = Pick<GroupSpec, 'id' | 'minHealthy' | 'health' | 'breaker'> & {
  readonly members: readonly { readonly id: string }[];
};

const NOTHING: readonly GroupEvent[] = [];

export class Rotation {
  readonly #spec: RotationSpec;
  readonly #members = new Map<string, Member>();
  readonly #circuit: CircuitBreaker;
  /** What the circuit has said that no answer has told yet. */
  #ofCircuit: readonly GroupEvent[] = NOTHING;
  #state: GroupState;

  constructor(spec: RotationSpec, past: Pick<GroupHistory, 'out' | 'state' | 'retryAtMs'>) {
    this.#spec = spec;
    for (const { id } of spec.members)
      this.#members.set(id, { inRotation: !past.out.has(id), failures: 0, successes: 0 });
    this.#state = past.state;
    const policy: BreakerPolicy = { ...spec.breaker, probeCount: 1, window: undefined };
    this.#circuit = new CircuitBreaker({
      policy,
      restored: past.retryAtMs === undefined ? undefined : openedUntil(past.retryAtMs, policy),
      onChange: (change) => void (this.#ofCircuit = eventsOf(spec.id, change)),
    });
  }

  get state(): GroupState {
    return this.#state;
  }

  get isCircuitOpen(): boolean {
    return this.#circuit.state.phase !== 'closed';
  }

  /** When an open circuit admits the next trial; undefined where it is closed. Milliseconds since the Unix epoch. */
  get retryAtMs(): number | undefined {
    if (!this.isCircuitOpen) return undefined;
    return this.#circuit.state.sinceMs + this.#spec.breaker.resetTimeoutMs;
  }

  get healthyCount(): number {
    let count = 0;
    for (const { inRotation } of this.#members.values()) if (inRotation) count += 1;
    return count;
  }

  has(memberId: string): boolean {
    return this.#members.get(memberId)?.inRotation ?? false;
  }

  healthOf(memberId: string): MemberHealth {
    const { inRotation = false, failures = 0, successes = 0 } = this.#members.get(memberId) ?? {};
    return { inRotation, consecutiveFailures: failures, consecutiveSuccesses: successes };
  }

  /** The state after a start or a change of the configuration. */
  begin(): readonly GroupEvent[] {
    return this.#withState([]);
  }

  succeeded(memberId: string, nowMs: number): readonly GroupEvent[] {
    const member = this.#members.get(memberId);
    if (member === undefined) return NOTHING;
    member.failures = 0;
    if (member.inRotation && this.#circuit.state.failures === 0 && !this.isCircuitOpen)
      return NOTHING;
    this.#circuit.reset(nowMs);
    return this.#withState([...this.#saidByCircuit(), ...this.#better(memberId, member)]);
  }

  /** A start or a check went well. It says less than a call: failures of calls before it stay counted for the circuit. */
  recovered(memberId: string): readonly GroupEvent[] {
    const member = this.#members.get(memberId);
    if (member === undefined || member.inRotation) return NOTHING;
    member.failures = 0;
    return this.#withState([...this.#better(memberId, member)]);
  }

  #better(memberId: string, member: Member): readonly GroupEvent[] {
    if (member.inRotation) return NOTHING;
    member.successes += 1;
    if (member.successes < this.#spec.health.healthyThreshold) return NOTHING;
    return [this.#moved(memberId, true, 'it answers again')];
  }

  failed(memberId: string, reason: string, nowMs: number): readonly GroupEvent[] {
    const member = this.#members.get(memberId);
    if (member === undefined) return NOTHING;
    member.successes = 0;
    member.failures += 1;
    const events: GroupEvent[] = [];
    if (member.inRotation && member.failures >= this.#spec.health.unhealthyThreshold)
      events.push(this.#moved(memberId, false, reason));
    this.#circuit.failed(reason, nowMs, nowMs);
    return this.#withState([...events, ...this.#saidByCircuit()]);
  }

  /** Whether a call may try a member although none is in rotation. */
  admitsTrial(nowMs: number, work: Admitted = {}): boolean {
    return this.#circuit.admit(work, nowMs) === undefined;
  }

  /** Members that are ready are in, the others out; what failed before is forgotten. */
  rebalance(isReady: (memberId: string) => boolean, nowMs: number): readonly GroupEvent[] {
    this.#circuit.reset(nowMs);
    const events = [...this.#saidByCircuit()];
    for (const [id, member] of this.#members) {
      Object.assign(member, { failures: 0, successes: 0 });
      const inRotation = isReady(id);
      if (member.inRotation !== inRotation) events.push(this.#moved(id, inRotation, 'rebalanced'));
    }
    return this.#withState(events);
  }

  #moved(memberId: string, inRotation: boolean, reason: string): GroupEvent {
    const member = this.#members.get(memberId);
    if (member !== undefined) Object.assign(member, { inRotation, successes: 0 });
    const data = { group_id: this.#spec.id, member_id: memberId, in_rotation: inRotation, reason };
    return { type: 'GroupMemberHealthChanged', data };
  }

  #saidByCircuit(): readonly GroupEvent[] {
    const said = this.#ofCircuit;
    this.#ofCircuit = NOTHING;
    return said;
  }

  #withState(events: GroupEvent[]): readonly GroupEvent[] {
    const before = this.#state;
    const healthy = this.healthyCount;
    this.#state = this.#stateWith(healthy);
    if (this.#state !== before) {
      const { id: group_id, members } = this.#spec;
      const counts = { healthy_count: healthy, total_count: members.length };
      const data = { group_id, old_state: before, new_state: this.#state, ...counts };
      events.push({ type: 'GroupStateChanged', data });
    }
    return events;
  }

  #stateWith(healthy: number): GroupState {
    if (this.isCircuitOpen) return 'degraded';
    if (healthy === 0) return 'inactive';
    return healthy < this.#spec.minHealthy ? 'partial' : 'healthy';
  }
}

/** The circuit of a gateway before this one, which was open. */
function openedUntil(retryAtMs: number, policy: BreakerPolicy): Breaker {
  const { initial } = breakerOf(policy);
  return { ...initial, phase: 'open', trips: 1, sinceMs: retryAtMs - policy.resetTimeoutMs };
}

/** What the log is told: that a trial failed changes nothing that is stored. */
function eventsOf(group_id: string, { data }: BreakerStateChanged): readonly GroupEvent[] {
  const { old_state: before, new_state: after, failure_count, retry_at_ms } = data;
  if ((before === 'closed') === (after === 'closed')) return NOTHING;
  return after === 'closed'
    ? [{ type: 'GroupCircuitClosed', data: { group_id } }]
    : [{ type: 'GroupCircuitOpened', data: { group_id, failure_count, retry_at_ms } }];
}
