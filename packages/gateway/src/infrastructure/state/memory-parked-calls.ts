import type { ParkedCall, ParkedCallStore } from '../../application/ports.ts';

/** Parked calls that last as long as the process. */
export class MemoryParkedCalls implements ParkedCallStore {
  /** In the order in which they were parked first. */
  readonly #calls = new Map<string, ParkedCall>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  put(call: ParkedCall): boolean {
    if (this.#calls.size >= this.#max && !this.#calls.has(call.id)) return false;
    this.#calls.set(call.id, call);
    return true;
  }

  find(id: string): ParkedCall | undefined {
    return this.#calls.get(id);
  }

  remove(id: string): void {
    this.#calls.delete(id);
  }

  list(): readonly ParkedCall[] {
    return [...this.#calls.values()];
  }
}
