/** Every process of the gateway, and the facts that they react to. */
import { byDue, type PendingStep } from '../../domain/processes/pending-step.ts';
import type { DomainEvent, EventSink } from '../ports.ts';
import type { PastProcesses } from './past-processes.ts';
import type { FleetChange, RunningProcess } from './process-runner.ts';

export class Processes implements EventSink {
  readonly #events: EventSink;
  readonly #newId: () => string;
  readonly #running: RunningProcess[] = [];

  /** @param newId a UUID, under which a fact is stored: processes know by it what they have handled */
  constructor(events: EventSink, newId: () => string) {
    this.#events = events;
    this.#newId = newId;
  }

  add(process: RunningProcess): void {
    this.#running.push(process);
  }

  /** Records a fact, and tells it to those that react to it, later. */
  record(stream: string, event: DomainEvent): void {
    const id = this.#newId();
    this.#events.record(stream, event, id);
    for (const process of this.#running) process.heard({ ...event, id, stream });
  }

  /** Goes on with what a gateway before this one had begun. */
  resume(): void {
    for (const process of this.#running) process.resume();
  }

  /** Goes on with what other gateways have left; what this one has lost to them ends. */
  adopt(past: PastProcesses): void {
    for (const process of this.#running) process.adopt(past);
  }

  /** Another configuration holds. */
  follow(change: FleetChange): void {
    for (const process of this.#running) process.follow(change);
  }

  /** What is waited for, the next one first. */
  pending(): readonly PendingStep[] {
    return this.#running.flatMap((process) => process.pending()).toSorted(byDue);
  }

  close(): void {
    for (const process of this.#running) process.close();
  }
}
