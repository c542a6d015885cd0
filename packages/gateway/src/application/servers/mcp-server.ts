/**
 * One configured MCP server: its children, who may use them, when it may start.
 *
 * Invariants
 * 1. One start per seat at a time; everybody who waits for it gets its one outcome.
 * 2. After a failed start nothing starts before the back-off has passed, whoever asks.
 * 3. A child with a call, a question to its owner or a subscription, or of one session alone, is not stopped for being
 *    idle.
 * 4. After `close` nothing runs and nothing starts.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Health, McpServerPhase } from '../../domain/mcp-server/health.ts';
import { catalogKey, seatFor, type Asker, type Seat } from '../../domain/mcp-server/sharing.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { Clock, Logger, UpstreamLauncher } from '../ports.ts';
import { Child, GATEWAY, type ChildEvents, type Owner, type ServerNotification } from './child.ts';
import { LeasePool, type Cancellable, type LeasedSeat } from './lease-pool.ts';
import { StartGate } from './start-gate.ts';

/** Who uses a server: what its children may be told, and who hears what they say. */
export interface ServerUser {
  readonly asker: Asker;
  readonly owner: Owner;
  readonly clientInfo: JsonObject | undefined;
}

export interface ServerDependencies {
  readonly launcher: UpstreamLauncher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly leaseWaitMs: number;
  readonly listener: ServerListener;
}

export interface ServerListener {
  /** A child is ready; its lists may differ from what is known. */
  ready(server: McpServer, child: Child): void;
  /** A child said that lists or a resource changed. */
  changed(server: McpServer, child: Child, notification: ServerNotification): void;
}

type Slot = { readonly start: Promise<Child>; readonly child: Child | undefined };
type FixedSeat = Exclude<Seat, LeasedSeat>;

export class McpServer implements ChildEvents {
  readonly spec: McpServerSpec;
  readonly #deps: ServerDependencies;
  readonly #slots = new Map<string, Slot>();
  readonly #leases: LeasePool;
  readonly #children = new Set<Child>();
  readonly #gate: StartGate;
  readonly #closing = new AbortController();
  readonly #idleTimers = new Map<Child, NodeJS.Timeout>();
  /** Children that are being ended. */
  readonly #ends = new Set<Promise<void>>();
  readonly #starts = new Set<Promise<Child>>();
  /** Owners that ended while a child was being started for them. */
  readonly #gone = new WeakSet<Owner>();
  /** What the server has shown to speak; undefined where nobody asked yet. */
  #speaks: { legacy: boolean | undefined; modern: boolean | undefined };
  #probe: Promise<void> | undefined;

  constructor(spec: McpServerSpec, deps: ServerDependencies) {
    this.spec = spec;
    this.#deps = deps;
    const { era } = spec;
    const only = (asked: Era): boolean | undefined =>
      era === undefined ? undefined : era === asked;
    this.#speaks = { legacy: only('legacy'), modern: only('modern') };
    this.#gate = new StartGate(spec.id, deps.clock, deps.random);
    this.#leases = new LeasePool(
      {
        start: (seat) => this.#start(seat, undefined),
        stop: (child) => void this.#stop(child, 'lease'),
      },
      { childrenMax: spec.leasedChildrenMax, waitMs: deps.leaseWaitMs },
    );
  }

  /**
   * A child for this user, at once where one is ready. Its work has begun: the caller ends it with `child.end`.
   * @throws Fault where none can be had (also as rejection)
   */
  take(user: ServerUser, work?: Cancellable): Child | Promise<Child> {
    const era = this.eraFor(user.asker.era);
    if (era === 'unknown') return this.#learnEra().then(() => this.take(user, work));
    const seat = seatFor(this.spec.sharing, user.asker, era);
    if (seat.kind === 'leased') return this.#leases.take(seat, user.owner, work);
    const slot = this.#slots.get(slotKey(seat));
    if (slot?.child !== undefined) return begun(slot.child, user.owner);
    if (slot === undefined && seat.kind === 'own') this.#checkRoom();
    const start = slot?.start ?? this.#open(seat, user);
    return start.then((child) => begun(child, user.owner));
  }

  /** A child that belongs to a session holds its state: none is ended to make room for another. */
  #checkRoom(): void {
    const { id, sessionChildrenMax } = this.spec;
    const own = [...this.#slots.keys()].filter((key) => key.startsWith('own ')).length;
    if (own < sessionChildrenMax) return;
    const detail = `MCP server "${id}" has a child for each of ${own} sessions (session_children_max)`;
    throw new Fault('GATEWAY_BUSY', detail);
  }

  /** The era in which a client of `era` would be served; unknown until the server was asked. */
  eraFor(era: Era): Era | 'unknown' {
    if (this.#speaks[era] === true) return era;
    if (this.#speaks[era] === false) return era === 'modern' ? 'legacy' : 'modern';
    return era === 'legacy' ? 'legacy' : 'unknown';
  }

  /** The key of the catalogue that this asker sees; undefined while the era is unknown. */
  catalogKeyFor(asker: Asker): string | undefined {
    const era = this.eraFor(asker.era);
    return era === 'unknown' ? undefined : catalogKey(seatFor(this.spec.sharing, asker, era));
  }

  /** The kind of child that this asker uses; undefined while the era is unknown. */
  seatKindFor(asker: Asker): Seat['kind'] | undefined {
    const era = this.eraFor(asker.era);
    return era === 'unknown' ? undefined : seatFor(this.spec.sharing, asker, era).kind;
  }

  /** Children that `owner` may be heard by: those that it holds. */
  childrenOf(owner: Owner): readonly Child[] {
    return [...this.#children].filter((child) => child.owner === owner);
  }

  get running(): readonly Child[] {
    return [...this.#children];
  }

  get lastFailure(): string | undefined {
    return this.spec.launch.kind === 'inactive' ? this.spec.launch.reason : this.#gate.lastFailure;
  }

  get phase(): McpServerPhase {
    if (this.#children.size > 0) return 'ready';
    if (this.#starts.size > 0) return 'initializing';
    return this.lastFailure === undefined ? 'cold' : 'dead';
  }

  get health(): Health {
    return {
      consecutiveFailures: 0,
      totalInvocations: 0,
      totalFailures: 0,
      lastSuccessAtMs: undefined,
      lastFailureAtMs: undefined,
    };
  }

  /** Starts the shared child now, whatever the back-off says. @throws Fault where it cannot be started */
  async start(): Promise<void> {
    const asker = {
      era: 'legacy',
      owner: '',
      capabilities: NO_CAPABILITIES,
      wantsLogs: false,
    } as const;
    const child = await this.take({ asker, owner: GATEWAY, clientInfo: undefined });
    child.end(this.#deps.clock.nowMs(), false);
  }

  /** Ends every child that runs; the next call starts one again. */
  async stop(reason: string): Promise<void> {
    await Promise.allSettled([...this.#children].map((child) => this.#stop(child, reason)));
  }

  /** The owner is gone. */
  release(owner: Owner): void {
    this.#gone.add(owner);
    this.#leases.release(owner);
    for (const child of this.#children) {
      if (child.owner === owner && child.seat.kind === 'own')
        void this.#stop(child, 'session ended');
    }
  }

  /** Ends every child, also those that are starting. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#leases.close(new Fault('GATEWAY_STOPPING', 'the gateway is shutting down'));
    await Promise.allSettled(this.#starts);
    for (const child of this.#children) void this.#stop(child, 'shutdown');
    await Promise.allSettled(this.#ends);
  }

  changed(child: Child, notification: ServerNotification): void {
    this.#deps.listener.changed(this, child, notification);
  }

  unattributed(child: Child, method: string): void {
    this.#deps.logger.debug(
      { mcpServerId: this.spec.id, pid: child.connection.pid, method },
      'message_without_addressee',
    );
  }

  rested(child: Child): void {
    if (child.seat.kind === 'leased') {
      if (child.seat.era === 'modern') child.owner = undefined;
      this.#leases.rested();
    }
    if (!this.#idleTimers.has(child)) this.#watchIdle(child);
  }

  proved(): void {
    this.#gate.answered();
  }

  ended(child: Child, detail: string): void {
    this.#forget(child);
    if (child.stopping) return;
    if (!child.proved) this.#gate.crashed(`ended before it answered a call (${detail})`);
    this.#deps.logger.warn(
      { mcpServerId: this.spec.id, pid: child.connection.pid, detail },
      'mcp_server_ended',
    );
    void this.#end(child, detail);
  }

  #learnEra(): Promise<void> {
    this.#probe ??= (async () => {
      try {
        const child = await this.#start({ kind: 'shared', era: 'modern' }, undefined, 'unknown');
        const key = slotKey(child.seat);
        // A client of the other era may have started the shared child meanwhile.
        if (this.spec.sharing === 'session' || this.#slots.has(key))
          await this.#stop(child, 'probe');
        else if (!child.isGone) this.#slots.set(key, { start: Promise.resolve(child), child });
      } finally {
        this.#probe = undefined;
      }
    })();
    return this.#probe;
  }

  #open(seat: FixedSeat, user: ServerUser): Promise<Child> {
    const key = slotKey(seat);
    const clientInfo = seat.kind === 'own' ? user.clientInfo : undefined;
    const start = this.#start(seat, clientInfo).then(
      (child) => this.#seat(key, child, user),
      (error: unknown) => {
        this.#slots.delete(key);
        throw error;
      },
    );
    this.#slots.set(key, { start, child: undefined });
    return start;
  }

  /** Puts a new child in its slot; where it turned out to speak another era and that slot is taken, it goes. */
  #seat(key: string, child: Child, user: ServerUser): Child | Promise<Child> {
    const slot = this.#slots.get(key);
    this.#slots.delete(key);
    if (child.seat.kind === 'own') {
      child.owner = user.owner;
      if (this.#gone.has(user.owner)) void this.#stop(child, 'session ended');
    }
    if (child.isGone || slot === undefined) return child;
    const place = slotKey(child.seat);
    const taken = this.#slots.get(place);
    if (taken !== undefined) {
      void this.#stop(child, 'another child serves');
      return taken.child ?? taken.start;
    }
    this.#slots.set(place, { start: slot.start, child });
    return child;
  }

  #start(
    wanted: Seat,
    clientInfo: JsonObject | undefined,
    era: Era | 'unknown' = wanted.era,
  ): Promise<Child> {
    const start = this.#launch(wanted, clientInfo, era);
    this.#starts.add(start);
    const over = (): void => void this.#starts.delete(start);
    start.then(over, over);
    return start;
  }

  async #launch(
    wanted: Seat,
    clientInfo: JsonObject | undefined,
    era: Era | 'unknown',
  ): Promise<Child> {
    if (this.spec.launch.kind === 'inactive')
      throw new Fault(
        'MCP_SERVER_INACTIVE',
        `MCP server "${this.spec.id}" is dead: ${this.spec.launch.reason}`,
      );
    if (this.#closing.signal.aborted)
      throw new Fault('GATEWAY_STOPPING', 'the gateway is shutting down');
    this.#gate.check();
    const startedAtMs = this.#deps.clock.nowMs();
    // The observer exists before the seat is known: a server that is probed tells its era in the handshake.
    let child: Child | undefined;
    let endedEarly: string | undefined;
    try {
      const connection = await this.#deps.launcher.start(this.spec, {
        era,
        capabilities: wanted.kind === 'shared' ? NO_CAPABILITIES : wanted.capabilities,
        clientInfo,
        signal: this.#closing.signal,
        observer: {
          request: (message, during) => child?.request(message, during),
          notification: (message, during) => child?.notification(message, during),
          ended: (detail) => {
            if (child === undefined) endedEarly = detail;
            else child.ended(detail);
          },
        },
      });
      const useless = this.#useless(endedEarly);
      if (useless !== undefined) {
        await connection.close('shutdown');
        throw useless;
      }
      this.#learn(era, connection.era);
      child = new Child({ ...wanted, era: connection.era }, this);
      child.connected(connection);
    } catch (error) {
      throw this.#startFailed(error, startedAtMs);
    }
    this.#gate.succeeded();
    this.#children.add(child);
    child.lastUsedAtMs = this.#deps.clock.nowMs();
    this.#watchIdle(child);
    const durationMs = child.lastUsedAtMs - startedAtMs;
    this.#deps.logger.info(
      { mcpServerId: this.spec.id, pid: child.connection.pid, era: child.seat.era, durationMs },
      'mcp_server_started',
    );
    // A probe of a server whose children all belong to somebody is about to end: it is not listed.
    if (era !== 'unknown' || this.spec.sharing !== 'session')
      this.#deps.listener.ready(this, child);
    return child;
  }

  #startFailed(error: unknown, startedAtMs: number): unknown {
    if (this.#closing.signal.aborted)
      return new Fault('GATEWAY_STOPPING', 'the gateway is shutting down');
    this.#gate.failed(error, startedAtMs);
    const reason = error instanceof Error ? error.message : String(error);
    this.#deps.logger.warn(
      { mcpServerId: this.spec.id, reason, retryInMs: this.#gate.waitMs },
      'mcp_server_start_failed',
    );
    return error;
  }

  /** Why a connection that has just been made cannot be used. */
  #useless(endedEarly: string | undefined): Fault | undefined {
    if (this.#closing.signal.aborted)
      return new Fault('GATEWAY_STOPPING', 'the gateway is shutting down');
    if (endedEarly === undefined) return undefined;
    const detail = `Cannot start MCP server "${this.spec.id}": it ended as soon as it was ready (${endedEarly})`;
    return new Fault('MCP_SERVER_START_FAILED', detail, { data: { mcpServerId: this.spec.id } });
  }

  #learn(asked: Era | 'unknown', spoken: Era): void {
    this.#speaks[spoken] = true;
    if (asked === 'unknown' && spoken === 'legacy') this.#speaks.modern = false;
    if (asked !== 'unknown' && asked !== spoken) this.#speaks[asked] = false;
  }

  async #stop(child: Child, reason: string): Promise<void> {
    child.stopping = true;
    this.#forget(child);
    this.#deps.logger.info(
      { mcpServerId: this.spec.id, pid: child.connection.pid, reason },
      'mcp_server_stopped',
    );
    await this.#end(child, reason);
  }

  #end(child: Child, reason: string): Promise<void> {
    const end = child.connection.close(reason);
    this.#ends.add(end);
    const over = (): void => void this.#ends.delete(end);
    end.then(over, over);
    return end;
  }

  #forget(child: Child): void {
    this.#children.delete(child);
    clearTimeout(this.#idleTimers.get(child));
    this.#idleTimers.delete(child);
    for (const [key, slot] of this.#slots) if (slot.child === child) this.#slots.delete(key);
    if (child.seat.kind === 'leased') this.#leases.ended(child);
  }

  /** One timer a child; it looks again instead of being moved by every call. */
  #watchIdle(child: Child): void {
    const { idleTtlMs } = this.spec;
    if (idleTtlMs === 0 || !this.#children.has(child)) return;
    const idleMs = this.#deps.clock.nowMs() - child.lastUsedAtMs;
    // A session's own child is there for the session's life.
    const belongs = child.seat.kind === 'own' && child.workedFor !== undefined;
    const busy = belongs || child.inFlight > 0 || child.asking > 0 || child.pins > 0;
    if (!busy && idleMs >= idleTtlMs) {
      void this.#stop(child, 'idle');
      return;
    }
    const timer = setTimeout(() => this.#watchIdle(child), busy ? idleTtlMs : idleTtlMs - idleMs);
    timer.unref();
    this.#idleTimers.set(child, timer);
  }
}

function begun(child: Child, owner: Owner): Child {
  child.begin(owner);
  return child;
}

const slotKey = (seat: Seat): string =>
  seat.kind === 'shared' ? `shared ${seat.era}` : `${seat.kind} ${seat.era} ${seat.key}`;
