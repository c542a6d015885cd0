/**
 * Runs the instances of one process: hands facts to its decider, records what it decides, keeps its timers, and does
 * what it asks for.
 *
 * Invariants
 * 1. A fact is handled after whatever recorded it is done, never within it; facts in their order.
 * 2. Every due time stands in the stream of its instance, so that a gateway that is started again keeps it.
 * 3. What is asked for is done after the event that says so, one thing at a time for each event.
 * 4. After `close` nothing is done.
 * 5. Where gateways share a store, what a time brings about is done after the store has taken the event that says so.
 *    It refuses that where another gateway goes on with the instance: then it is none of this one any more.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { Decider } from '@mcp-hangar/kernel/decider';
import type { PendingStep } from '../../domain/processes/pending-step.ts';
import { processStream } from '../../domain/processes/streams.ts';
import type { Clock, DomainEvent, EventSink, Fence, Fencing, Logger } from '../ports.ts';
import type { Left, PastProcesses } from './past-processes.ts';

/** An event that was recorded, with the id under which it is stored. */
export interface Fact extends DomainEvent {
  readonly id: string;
  readonly stream: string;
}

/** What another configuration did to the servers. */
export interface FleetChange {
  /** Whether the server that had this id is gone: removed, switched off or replaced by another one. */
  readonly isGone: (id: string) => boolean;
}

export interface ProcessDefinition<State, Command, Event extends DomainEvent> {
  /** Part of the name of its streams: never changed. */
  readonly name: string;
  readonly deciderOf: (id: string) => Decider<Command, State, Event, never>;
  /** For which instance a fact is, and what it means there; undefined for most. */
  readonly hears: (
    fact: Fact,
    nowMs: number,
  ) => { readonly id: string; readonly command: Command } | undefined;
  /** When the instance wants to be woken; undefined where it does not. Milliseconds since the Unix epoch. */
  readonly dueAtMs: (state: State) => number | undefined;
  readonly due: (nowMs: number) => Command;
  /** What an instance is told when the gateway was started again; undefined where nothing. */
  readonly resumed: (id: string, nowMs: number) => Command | undefined;
  /** Whether this gateway can go on with the instance. */
  readonly isHere: (id: string) => boolean;
  /** What it is told when another configuration holds; undefined where nothing. */
  readonly followed: (id: string, nowMs: number, change: FleetChange) => Command | undefined;
  /** Instances to resume beside those that the log knows. */
  readonly others: () => readonly string[];
  /** Does what the event asks for; answers what the instance is told of it. May reject, which is logged. */
  readonly perform: (id: string, event: Event) => Promise<Command | undefined> | undefined;
  /** Makes so what follows from the state alone: after every change, and when the gateway was started again. */
  readonly reflect?: (id: string, state: State) => void;
  readonly pending: (id: string, state: State) => PendingStep | undefined;
}

export interface RunnerOptions<State> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  /** Where other gateways use the same store. */
  readonly fencing?: Fencing | undefined;
  /** What of the past belongs to this process, by instance. */
  readonly of: (past: PastProcesses) => ReadonlyMap<string, Left<State>>;
  /** Where the log left off. */
  readonly past?: PastProcesses | undefined;
}

/** A process as the gateway sees it, whatever it is about. */
export interface RunningProcess {
  heard(fact: Fact): void;
  resume(): void;
  /** Goes on with what others have left meanwhile; what this gateway has lost ends. */
  adopt(past: PastProcesses): void;
  follow(change: FleetChange): void;
  pending(): readonly PendingStep[];
  close(): void;
}

/** Longest wait of one timer; a later time is waited for in turns. */
const TIMER_MS_MAX = 60_000;

interface Instance<State> {
  state: State;
  /** In whose name what comes next is recorded. */
  fence: Fence | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class ProcessRunner<State, Command, Event extends DomainEvent> implements RunningProcess {
  readonly #process: ProcessDefinition<State, Command, Event>;
  readonly #options: RunnerOptions<State>;
  readonly #instances = new Map<string, Instance<State>>();
  #isClosed = false;

  constructor(process: ProcessDefinition<State, Command, Event>, options: RunnerOptions<State>) {
    this.#process = process;
    this.#options = options;
    const left = options.past && options.of(options.past);
    for (const [id, one] of left ?? []) this.#instances.set(id, { ...one, timer: undefined });
  }

  heard(fact: Fact): void {
    queueMicrotask(() => {
      const heard = this.#process.hears(fact, this.#options.clock.nowMs());
      if (heard !== undefined) this.#tell(heard.id, heard.command);
    });
  }

  /** Goes on where the gateway before this one ended. */
  resume(): void {
    const ids = new Set([...this.#instances.keys(), ...this.#process.others()]);
    this.#goOn(ids, this.#process.resumed);
  }

  /** Servers are others: what began with one that is gone ends with it, the rest goes on as if nothing had been. */
  follow(change: FleetChange): void {
    this.#goOn(this.#instances.keys(), (id, nowMs) => this.#process.followed(id, nowMs, change));
  }

  adopt(past: PastProcesses): void {
    const ids = new Set<string>();
    for (const [id, instance] of this.#instances) {
      if (!this.#isBusy(id) || !this.#isLost(instance)) continue;
      this.#forget(id, instance);
      ids.add(id);
    }
    for (const [id, one] of this.#options.of(past)) {
      if (this.#isBusy(id) || !this.#process.isHere(id)) continue;
      clearTimeout(this.#instances.get(id)?.timer);
      this.#instances.set(id, { ...one, timer: undefined });
      ids.add(id);
    }
    for (const id of this.#process.others()) if (!this.#isBusy(id)) ids.add(id);
    this.#goOn(ids, this.#process.resumed);
  }

  pending(): readonly PendingStep[] {
    return [...this.#instances].flatMap(
      ([id, { state }]) => this.#process.pending(id, state) ?? [],
    );
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#instances.values()) clearTimeout(timer);
  }

  #goOn(ids: Iterable<string>, told: (id: string, nowMs: number) => Command | undefined): void {
    for (const id of ids) {
      const command = told(id, this.#options.clock.nowMs());
      if (command !== undefined) this.#tell(id, command);
      const instance = this.#instances.get(id);
      if (instance !== undefined) this.#process.reflect?.(id, instance.state);
      this.#arm(id);
    }
  }

  /** It waits for something. */
  #isBusy(id: string): boolean {
    const instance = this.#instances.get(id);
    return instance !== undefined && this.#process.pending(id, instance.state) !== undefined;
  }

  /** The gateway had lost its lease: another one may have gone on with it. */
  #isLost({ fence }: Instance<State>): boolean {
    const own = this.#options.fencing?.own();
    return fence?.name === own?.name && fence?.generation !== own?.generation;
  }

  /** Another gateway goes on with it, or may. */
  #forget(id: string, { timer }: Instance<State>): void {
    this.#options.logger.info({ process: this.#process.name, id }, 'process_taken_over');
    clearTimeout(timer);
    this.#instances.delete(id);
    this.#process.reflect?.(id, this.#process.deciderOf(id).initial);
  }

  #tell(id: string, command: Command, isTimer = false): void {
    if (this.#isClosed) return;
    const decider = this.#process.deciderOf(id);
    const known = this.#instances.get(id);
    const instance = known ?? { state: decider.initial, fence: undefined, timer: undefined };
    const decided = decider.decide(command, instance.state);
    if (!decided.ok || decided.value.length === 0) return;
    // What waits for nothing begins anew, whoever ended it.
    if (!this.#isBusy(id)) instance.fence = this.#options.fencing?.own();
    this.#instances.set(id, instance);
    for (const event of decided.value) instance.state = decider.evolve(instance.state, event);
    const isFenced = this.#record(id, instance, decided.value, isTimer);
    if (isFenced && isTimer) return;
    this.#carryOut(id, instance, decided.value);
  }

  /** Whether the store may refuse it, which is told later. */
  #record(
    id: string,
    instance: Instance<State>,
    events: readonly Event[],
    isTimer: boolean,
  ): boolean {
    const stream = processStream(this.#process.name, id);
    const { fencing, events: sink } = this.#options;
    const { fence } = instance;
    if (fencing === undefined || fence === undefined) {
      for (const event of events) sink.record(stream, event);
      return false;
    }
    const next = fencing.own();
    const onEnd = (event: Event, isStored: boolean): void => {
      if (this.#isClosed || this.#instances.get(id) !== instance) return;
      if (!isStored) return this.#refused(id, instance, fence);
      // Its last event is this gateway's now.
      if (instance.fence === fence) instance.fence = next;
      if (isTimer) this.#carryOut(id, instance, [event]);
    };
    for (const event of events)
      fencing.record(stream, event, fence, (isStored) => onEnd(event, isStored));
    return true;
  }

  #refused(id: string, instance: Instance<State>, { name }: Fence): void {
    const { fencing } = this.#options;
    this.#forget(id, instance);
    // After a loss of the own lease everything is looked at when it is there again.
    if (name === fencing?.own().name) fencing.refused();
    else this.#goOn([id], this.#process.resumed);
  }

  #carryOut(id: string, { state }: Instance<State>, events: readonly Event[]): void {
    this.#process.reflect?.(id, state);
    this.#arm(id);
    for (const event of events) void this.#perform(id, event);
  }

  async #perform(id: string, event: Event): Promise<void> {
    try {
      const answer = await this.#process.perform(id, event);
      if (answer !== undefined) this.#tell(id, answer);
    } catch (error) {
      const { name } = this.#process;
      const fields = { process: name, id, event: event.type, reason: messageOf(error) };
      this.#options.logger.warn(fields, 'process_step_failed');
    }
  }

  #arm(id: string): void {
    const instance = this.#instances.get(id);
    if (instance === undefined) return;
    clearTimeout(instance.timer);
    const dueAtMs = this.#process.dueAtMs(instance.state);
    if (dueAtMs === undefined || this.#isClosed) return;
    const { clock } = this.#options;
    const waitMs = Math.min(TIMER_MS_MAX, Math.max(0, dueAtMs - clock.nowMs()));
    instance.timer = setTimeout(() => {
      this.#tell(id, this.#process.due(clock.nowMs()), true);
      if (this.#process.dueAtMs(instance.state) === dueAtMs) this.#arm(id);
    }, waitMs).unref();
  }
}
