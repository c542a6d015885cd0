/**
 * One configured MCP server: its children, who may use them, when it may start.
 *
 * Invariants
 * 1. One start per seat at a time; everybody who waits for it gets its one outcome.
 * 2. After a failed start nothing starts before the back-off has passed, unless a person asks for it.
 * 3. A child with a call, a question to its owner or a subscription, or of one session alone, is not stopped for being
 *    idle.
 * 4. After `close` nothing runs and nothing starts.
 */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import type { Fault } from '@mcp-hangar/kernel/errors';
import type { Admitted, CircuitBreaker } from '../../domain/breaker/circuit-breaker.ts';
import { EraMemory, type EraVerdict } from '../../domain/mcp-server/eras.ts';
import type { Health, McpServerPhase } from '../../domain/mcp-server/health.ts';
import type { Idleness } from '../../domain/mcp-server/lifecycle.ts';
import { catalogKey, seatFor, type Asker, type Seat } from '../../domain/mcp-server/sharing.ts';
import { ANYBODY } from './anybody.ts';
import { inactiveFault } from './inactive-fault.ts';
import { modeOf, type McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { Child, ChildEvents, Owner, ServerNotification } from './child.ts';
import { connectChild, type HowToStart } from './connect-child.ts';
import { STOP_REASON, type ChildStop } from './child-stop.ts';
import { IdleWatch } from './idle-watch.ts';
import { isAtRest, unwantedFault } from './retired.ts';
import { settlesBy } from '../settles-within.ts';
import { LeasePool, type Cancellable } from './lease-pool.ts';
import { replicasOf, type ReplicaPool } from './replica-pool.ts';
import { circuitFault, countCall, serverBreaker } from './server-breaker.ts';
import { ServerLog } from './server-log.ts';
import { checkRoom, slotKey, Slots, type FixedSeat } from './slots.ts';
import { StartingChild } from './starting-child.ts';
import { Suspects } from './suspects.ts';
import { LifecycleKeeper, type EndedCall } from './lifecycle-keeper.ts';
import { begun, track } from './under-way.ts';
import type { FailedProbe, ServerDependencies } from './server-dependencies.ts';
import type { ServerObserver } from './upstream.ts';

/** Who uses a server: what its children may be told, and who hears what they say. */
export interface ServerUser {
  readonly asker: Asker;
  readonly owner: Owner;
  readonly clientInfo: JsonObject | undefined;
}

export class McpServer implements ChildEvents {
  #spec: McpServerSpec;
  readonly members: readonly McpServer[] = [this];
  readonly failover = undefined;
  /** Groups that it is a member of. */
  readonly observers = new Set<ServerObserver>();
  readonly #deps: ServerDependencies;
  readonly #log: ServerLog;
  readonly #slots = new Slots();
  readonly #leases: LeasePool;
  /** Of a server with `replicas`: in the place of the one shared child of each era. */
  readonly #replicas: ReplicaPool | undefined;
  readonly #children = new Set<Child>();
  readonly #keeper: LifecycleKeeper;
  readonly #idle: IdleWatch;
  readonly #eras: EraMemory;
  /** Gets the calls for tools, prompts and resources of this one, while that is degraded. */
  standIn: McpServer | undefined;
  /** What does that by the configuration; gets them, too, while its own circuit refuses them. */
  backup: McpServer | undefined;
  /** Undefined where none is configured. */
  readonly breaker: CircuitBreaker | undefined;
  /** Aborted when what is starting is not wanted any more; a new one follows a stop. */
  #starting = new AbortController();
  #isClosed = false;
  /** Who is asked in its place, once it is not a server of the gateway any more. */
  #retired: Pick<McpServer, 'take'> | undefined;
  /** Children that are being ended. */
  readonly #ends = new Set<Promise<void>>();
  readonly #starts = new Set<Promise<Child>>();
  /** Owners that ended while a child was being started for them. */
  readonly #gone = new WeakSet<Owner>();
  readonly #suspects = new Suspects((child) => void this.#stop(child, 'error'));
  #probe: Promise<void> | undefined;

  constructor(spec: McpServerSpec, deps: ServerDependencies) {
    this.#spec = spec;
    this.#deps = deps;
    this.#log = new ServerLog(spec.id, deps.logger);
    const { clock, remembered } = deps;
    this.#keeper = new LifecycleKeeper(spec, { ...deps, restored: remembered?.lifecycle });
    this.breaker = serverBreaker(spec, deps.events, remembered?.circuit);
    this.#eras = new EraMemory(spec.era, remembered?.eras, clock.nowMs());
    this.#idle = new IdleWatch(spec.idleTtlMs, clock, (child, durationMs) => {
      void this.#stop(child, 'idle', { durationMs, lastUsedAtMs: child.lastUsedAtMs });
    });
    const source = {
      start: (seat: Seat) => this.#start(seat, {}),
      stop: (child: Child) => void this.#stop(child, 'lease'),
      nowMs: () => clock.nowMs(),
    };
    this.#replicas = replicasOf(spec, source);
    const { leasedChildrenMax: childrenMax } = spec;
    this.#leases = new LeasePool(source, { childrenMax, waitMs: deps.leaseWaitMs });
  }

  /**
   * A child for this user, at once where one is ready. Its work has begun: the caller ends it with `child.end`.
   * @throws Fault where none can be had (also as rejection)
   */
  take(user: ServerUser, work?: Cancellable & Admitted): Child | Promise<Child> {
    if (this.#retired !== undefined) return this.#retired.take(user, work);
    if (this.#keeper.state.phase === 'degraded') this.#keeper.checkDue();
    if (this.breaker !== undefined && work !== undefined) this.#admit(this.breaker, work);
    if (this.#keeper.state.phase === 'degraded') this.#suspects.end();
    const era = this.eraFor(user.asker.era);
    if (era === 'unknown') return this.#learnEra().then(() => this.take(user, work));
    const seat = seatFor(this.spec.sharing, user.asker, era);
    if (seat.kind === 'leased') return this.#leases.take(seat, user.owner, work);
    if (seat.kind === 'shared' && this.#replicas !== undefined) {
      const child = this.#replicas.take(seat);
      if (!(child instanceof Promise)) return begun(child, user.owner);
      return child.then((ready) => begun(ready, user.owner));
    }
    const slot = this.#slots.at(slotKey(seat));
    if (slot?.child !== undefined) return begun(slot.child, user.owner);
    if (slot === undefined && seat.kind === 'own') checkRoom(this.spec, this.#slots.ownCount);
    const start = slot?.start ?? this.#open(seat, user);
    return start.then((child) => begun(child, user.owner));
  }

  memberFor(): McpServer {
    return this;
  }

  #admit(breaker: CircuitBreaker, work: Admitted): void {
    const open = breaker.admit(work, this.#deps.clock.nowMs());
    if (open !== undefined) throw circuitFault(this.spec.id, open);
  }

  /** The era in which a client of `era` would be served; unknown until the server was asked. */
  eraFor(era: Era): Era | 'unknown' {
    return this.#eras.eraFor(era);
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

  get spec(): McpServerSpec {
    return this.#spec;
  }

  get running(): readonly Child[] {
    return [...this.#children];
  }

  get isRunning(): boolean {
    return this.#children.size > 0;
  }

  /** Requests that its children work on. */
  get inFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.#children) sum += inFlight;
    return sum;
  }

  get lastFailure(): string | undefined {
    const { launch } = this.spec;
    return launch.kind === 'inactive' ? launch.reason : this.#keeper.state.lastFailure;
  }

  get phase(): McpServerPhase {
    return this.spec.launch.kind === 'inactive' ? 'dead' : this.#keeper.state.phase;
  }

  /** Since when it is in its phase, and what to do about its last failure. */
  get course(): Pick<LifecycleKeeper, 'phaseSinceMs' | 'suggestion'> {
    return this.#keeper;
  }

  get health(): Health {
    return this.#keeper.health;
  }

  /** Milliseconds until a server that failed is tried again; 0 = with the next call. */
  get retryInMs(): number {
    return this.#keeper.waitMs;
  }

  /** What it has shown to speak, to be kept over restarts. */
  get eraVerdict(): EraVerdict {
    return this.#eras.verdict(this.#deps.clock.nowMs());
  }

  /** Starts the child that this user gets, whatever the back-off says. @throws Fault where it cannot be started */
  async start(user: ServerUser = ANYBODY): Promise<void> {
    this.#suspects.end();
    this.#keeper.forgive(this.#children.size);
    this.breaker?.reset(this.#deps.clock.nowMs());
    await this.warm(user);
  }

  /** Starts the child that this user gets, where the back-off allows it. @throws Fault where it cannot be started */
  async warm(user: ServerUser = ANYBODY): Promise<void> {
    (await this.take(user)).end(this.#deps.clock.nowMs(), false);
  }

  /** Ends what is left of a degraded server. Nothing tries it again but a call, under the back-off, or a person. */
  giveUp(): void {
    for (const child of this.#children) void this.#stop(child, 'error');
    this.#keeper.stopped('max_retries_exceeded');
  }

  /** Ends every child that runs or starts; the next call starts one again. */
  async stop(reason: 'user_request' | 'failback'): Promise<void> {
    this.#starting.abort();
    this.#starting = new AbortController();
    for (const child of this.#children) void this.#stop(child, reason);
    this.#keeper.stopped(reason);
    this.breaker?.reset(this.#deps.clock.nowMs());
    await Promise.allSettled([...this.#starts, ...this.#ends]);
  }

  /** Goes on with another specification, of the same id and the same launch. */
  adopt(spec: McpServerSpec): void {
    this.#spec = spec;
    this.#keeper.adopt(spec);
    this.#leases.resize(spec.leasedChildrenMax);
    this.#idle.retime(spec.idleTtlMs, this.#children);
  }

  /** Whether it was replaced or removed: what it has at hand goes on for a while, and nothing new comes to it. */
  get isRetired(): boolean {
    return this.#retired !== undefined;
  }

  /**
   * It is not a server of the gateway any more. What it has at hand may go on for `graceMs`, then it is ended; whoever
   * still comes is sent on. Resolves when nothing of it runs.
   * @param successor what stands in its place; its `take` throws where nothing does
   */
  async retire(successor: Pick<McpServer, 'take'>, graceMs: number): Promise<void> {
    this.#retired = successor;
    this.#keeper.retire();
    await settlesBy(() => this.#isAtRest, graceMs);
    await this.#endAll('reload');
  }

  /** Nobody waits for anything of it. */
  get #isAtRest(): boolean {
    if (this.#starts.size > 0 || this.#leases.isWaitedFor) return false;
    return [...this.#children].every(isAtRest);
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

  /** The principal of modern requests is gone for good: no child is kept for it any more. */
  releasePrincipal(principal: string): void {
    this.#leases.releasePrincipal(principal);
    for (const slot of this.#slots.ofPrincipal(principal)) {
      const stop = (child: Child): void => {
        if (!child.isGone) void this.#stop(child, 'client gone');
      };
      slot.start.then(stop, () => undefined); // one that does not start needs no end
    }
  }

  /** Ends every child, also those that are starting. */
  close(): Promise<void> {
    return this.#endAll('shutdown');
  }

  async #endAll(reason: 'shutdown' | 'reload'): Promise<void> {
    this.#isClosed = true;
    this.#starting.abort();
    this.#leases.close(this.#unwanted());
    await Promise.allSettled(this.#starts);
    for (const child of this.#children) void this.#stop(child, reason);
    this.#keeper.stopped(reason);
    await Promise.allSettled(this.#ends);
  }

  changed(child: Child, notification: ServerNotification): void {
    this.#deps.listener.changed(this, child, notification);
  }

  defect(child: Child, error: unknown): void {
    this.#log.defect(child, error);
  }

  unattributed(child: Child, method: string): void {
    this.#log.unattributed(child, method);
  }

  rested(child: Child): void {
    if (child.seat.kind === 'leased') this.#leases.rested(child);
    if (this.#children.has(child)) this.#idle.watch(child);
  }

  proved(): void {
    this.#keeper.answered();
  }

  callEnded(child: Child, call: EndedCall): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.breaker !== undefined) countCall(this.breaker, child, call, nowMs);
    if (this.#keeper.callEnded(call) === 'now degraded') this.#suspectShared();
    this.#suspects.callEnded(child, call, this, nowMs);
    for (const observer of this.observers) observer.callEnded(this, call);
  }

  /** A passed probe would end what failed last. */
  get isInDoubt(): boolean {
    const { failures, failedBy } = this.#keeper.state;
    return failures > 0 && failedBy !== 'call';
  }

  probePassed(child: Child, durationMs: number): void {
    this.#suspects.clear(child);
    this.#keeper.probePassed(durationMs);
    for (const observer of this.observers) observer.recovered(this);
  }

  /** `isHopeless` where the child has not answered for so long that it is replaced */
  probeFailed(child: Child, { reason, beganAtMs, isHopeless }: FailedProbe): void {
    this.#log.probeFailed(child, reason);
    if (this.#keeper.probeFailed(reason, beganAtMs) === 'now degraded') this.#suspectShared();
    for (const observer of this.observers) observer.failed(this, reason);
    if (isHopeless) void this.#stop(child, 'error');
  }

  ended(child: Child, detail: string): void {
    this.#forget(child);
    if (child.stopping) return;
    this.#deps.listener.ended(this, child, undefined);
    const before = child.proved ? '' : ' before it answered a call';
    this.#keeper.childEnded(`MCP server "${this.spec.id}" ended${before} (${detail})`, {
      left: this.#children.size,
      hasAnswered: child.proved,
      startedAtMs: child.startedAtMs,
    });
    this.#log.ended(child, detail);
    for (const observer of this.observers) observer.failed(this, `it ended (${detail})`);
    void this.#end(child, detail);
  }

  #learnEra(): Promise<void> {
    this.#probe ??= (async () => {
      try {
        const seat = { kind: 'shared', era: 'modern' } as const;
        const child = await this.#start(seat, { era: 'unknown' });
        const key = slotKey(child.seat);
        // A client of the other era may have started the shared child meanwhile.
        if (this.spec.sharing === 'session' || this.#slots.at(key) !== undefined)
          await this.#stop(child, 'probe');
        else if (this.#replicas !== undefined) this.#replicas.adopt(child);
        else if (!child.isGone) this.#slots.fill(key, { start: Promise.resolve(child), child });
      } finally {
        this.#probe = undefined;
      }
    })();
    return this.#probe;
  }

  #open(seat: FixedSeat, user: ServerUser): Promise<Child> {
    const key = slotKey(seat);
    const clientInfo = seat.kind === 'own' ? user.clientInfo : undefined;
    const start = this.#start(seat, { clientInfo }).then(
      (child) => this.#seat(key, child, user),
      (error: unknown) => {
        this.#slots.clear(key);
        throw error;
      },
    );
    this.#slots.fill(key, { start, child: undefined });
    return start;
  }

  /** Puts a new child in its slot; where it turned out to speak another era and that slot is taken, it goes. */
  #seat(key: string, child: Child, user: ServerUser): Child | Promise<Child> {
    const slot = this.#slots.clear(key);
    if (child.seat.kind === 'own') {
      child.owner = user.owner;
      if (this.#gone.has(user.owner)) void this.#stop(child, 'session ended');
    }
    if (child.isGone || slot === undefined) return child;
    const place = slotKey(child.seat);
    const taken = this.#slots.at(place);
    if (taken !== undefined) {
      void this.#stop(child, 'another child serves');
      return taken.child ?? taken.start;
    }
    this.#slots.fill(place, { start: slot.start, child });
    return child;
  }

  #start(wanted: Seat, how: HowToStart): Promise<Child> {
    return track(this.#starts, this.#launch(wanted, how));
  }

  async #launch(wanted: Seat, how: HowToStart): Promise<Child> {
    const { launch, id } = this.spec;
    if (launch.kind === 'inactive') throw inactiveFault(id, launch);
    if (this.#isClosed) throw this.#unwanted();
    this.#keeper.starting();
    const beganAtMs = this.#deps.clock.nowMs();
    const { signal } = this.#starting;
    const child = new StartingChild(wanted, this);
    try {
      const era = how.era ?? wanted.era;
      const { launcher } = this.#deps;
      const asked = { ...how, era, seat: wanted, signal, unwanted: () => this.#unwanted() };
      const connection = await connectChild(launcher, this.spec, child, asked);
      this.#eras.learn(era, connection.era);
      return this.#ready(child.ready(connection), beganAtMs, era);
    } catch (error) {
      throw signal.aborted ? this.#unwanted() : this.#startFailed(error, beganAtMs);
    }
  }

  #ready(child: Child, beganAtMs: number, asked: Era | 'unknown'): Child {
    this.#children.add(child);
    child.startedAtMs = beganAtMs;
    child.lastUsedAtMs = this.#deps.clock.nowMs();
    child.answeredAtMs = child.lastUsedAtMs;
    this.#idle.watch(child);
    const { era } = child.seat;
    const durationMs = child.lastUsedAtMs - beganAtMs;
    const toolsCount = this.#deps.listener.toolsKnown(this);
    this.#keeper.started({ mode: modeOf(this.spec), era, durationMs, toolsCount });
    this.#log.started(child, durationMs);
    // A probe of a server whose children all belong to somebody is about to end: it is not listed.
    if (asked !== 'unknown' || this.spec.sharing !== 'session')
      this.#deps.listener.ready(this, child);
    for (const observer of this.observers) observer.recovered(this);
    return child;
  }

  #startFailed(error: unknown, beganAtMs: number): unknown {
    const left = { children: this.#children.size, starts: this.#starts.size - 1, beganAtMs };
    this.#keeper.startFailed(error, left);
    const reason = messageOf(error);
    this.breaker?.failed(reason, beganAtMs, this.#deps.clock.nowMs());
    this.#log.startFailed(reason, this.#keeper.waitMs);
    for (const observer of this.observers) observer.failed(this, reason);
    return error;
  }

  /** Why a start is given up. */
  #unwanted(): Fault {
    return unwantedFault(this.spec.id, { isRetired: this.isRetired, isClosed: this.#isClosed });
  }

  #suspectShared(): void {
    this.#suspects.add([...this.#slots.shared, ...(this.#replicas?.children ?? [])]);
  }

  async #stop(child: Child, reason: ChildStop, idle?: Idleness): Promise<void> {
    if (child.stopping) return;
    child.stopping = true;
    this.#forget(child);
    this.#deps.listener.ended(this, child, reason);
    if (this.#children.size === 0 && this.#starts.size === 0)
      this.#keeper.stopped(STOP_REASON[reason], idle);
    this.#log.stopped(child, reason);
    await this.#end(child, reason);
  }

  #end(child: Child, reason: string): Promise<void> {
    return track(this.#ends, child.connection.close(reason));
  }

  #forget(child: Child): void {
    this.#children.delete(child);
    this.#suspects.clear(child);
    this.#idle.forget(child);
    this.#slots.forget(child);
    this.#replicas?.forget(child);
    if (child.seat.kind === 'leased') this.#leases.ended(child);
  }
}
