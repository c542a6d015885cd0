/** Remembers, for a while and for so many clients, which member of a group each one was sent to. */

interface Bond {
  readonly memberId: string;
  readonly untilMs: number;
}

export class AffinityTable {
  readonly #ttlMs: number;
  readonly #clientsMax: number;
  /** The one used last stands last. */
  readonly #bonds = new Map<string, Bond>();

  constructor(ttlMs: number, clientsMax: number) {
    this.#ttlMs = ttlMs;
    this.#clientsMax = clientsMax;
  }

  get size(): number {
    return this.#bonds.size;
  }

  find(client: string, nowMs: number): string | undefined {
    const bond = this.#bonds.get(client);
    if (bond === undefined) return undefined;
    if (nowMs < bond.untilMs) return bond.memberId;
    this.#bonds.delete(client);
    return undefined;
  }

  /** The client's next calls go there, too, as long as each comes within the time to live of the one before. */
  keep(client: string, memberId: string, nowMs: number): void {
    this.#bonds.delete(client);
    this.#bonds.set(client, { memberId, untilMs: nowMs + this.#ttlMs });
    if (this.#bonds.size <= this.#clientsMax) return;
    const oldest = this.#bonds.keys().next().value;
    if (oldest !== undefined) this.#bonds.delete(oldest);
  }
}
