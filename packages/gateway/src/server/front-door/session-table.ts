import { randomUUID } from 'node:crypto';
import type { Hub } from '../../application/dispatch/hub.ts';
import type { LegacyClient } from '../../application/sessions/legacy-session.ts';
import { settlesBy } from '../../application/settles-within.ts';
import type { Limits } from '../../domain/limits.ts';
import { HttpSession } from './http-session.ts';

const SWEEP_MS = 10_000;

/** The legacy sessions that are alive, bounded in number and in idle time. */
export class SessionTable {
  readonly #hub: Hub;
  readonly #limits: Limits;
  readonly #sessions = new Map<string, HttpSession>();
  readonly #sweep: NodeJS.Timeout;
  readonly #unwatch: () => void;
  readonly #ending = new WeakSet<HttpSession>();

  constructor(hub: Hub, limits: Limits) {
    this.#hub = hub;
    this.#limits = limits;
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(SWEEP_MS, limits.sessionIdleMs));
    this.#sweep.unref();
    this.#unwatch = hub.fleet.onSwap(() => this.#endUnserved());
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** A session by its id; looking counts as use. */
  find(id: string): HttpSession | undefined {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.lastUsedAtMs = this.#hub.options.clock.nowMs();
    return session;
  }

  /** A new session; undefined where all of `sessions_max` are in use. The longest idle one makes room. */
  create(client: Omit<LegacyClient, 'id'>): HttpSession | undefined {
    if (this.#sessions.size >= this.#limits.sessionsMax && !this.#makeRoom()) return undefined;
    const session = new HttpSession(this.#hub, { ...client, id: randomUUID() }, this.#limits);
    this.#sessions.set(session.session.client.id, session);
    return session;
  }

  end(session: HttpSession, reason: string): void {
    this.#sessions.delete(session.session.client.id);
    session.close(reason);
  }

  keepAlive(): void {
    for (const session of this.#sessions.values()) session.keepAlive();
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#unwatch();
    for (const session of this.#sessions.values())
      this.end(session, 'the gateway is shutting down');
  }

  #endIdle(): void {
    const beforeMs = this.#hub.options.clock.nowMs() - this.#limits.sessionIdleMs;
    for (const session of this.#sessions.values()) {
      if (session.idle && session.lastUsedAtMs < beforeMs)
        this.end(session, 'the session was idle');
    }
  }

  /** Sessions on the endpoint of a server that is not configured any more: nobody finds them, but calls go on. */
  #endUnserved(): void {
    for (const session of this.#sessions.values()) {
      const { client } = session.session;
      if (this.#hub.fleet.serves(client.endpoint) || this.#ending.has(session)) continue;
      this.#ending.add(session);
      const isFree = settlesBy(() => !session.session.busy, this.#limits.shutdownGraceMs);
      void isFree.then(() => this.end(session, 'the server was taken out of the configuration'));
    }
  }

  #makeRoom(): boolean {
    let oldest: HttpSession | undefined;
    for (const session of this.#sessions.values()) {
      if (session.idle && (oldest === undefined || session.lastUsedAtMs < oldest.lastUsedAtMs))
        oldest = session;
    }
    if (oldest !== undefined) this.end(oldest, 'the session made room for another one');
    return oldest !== undefined;
  }
}
