/**
 * A group of MCP servers that looks like one: it chooses the member for each call, and follows how its members do.
 *
 * Invariants
 * 1. What the gateway ends itself (idle, a person, a reload) counts against no member.
 * 2. A member that may not be tried yet, because its server backs off, is not chosen.
 * 3. A call goes to a member out of rotation only where none is in rotation, and the circuit admits it.
 * 4. What is remembered is kept by the ids of members.
 */
import { hash } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import { AffinityTable } from '../../domain/group/affinity.ts';
import { balancerOf, type Balancer, type Candidate } from '../../domain/group/balancer.ts';
import { canaryMember } from '../../domain/group/canary.ts';
import { groupStream, type GroupEvent, type GroupState } from '../../domain/group/events.ts';
import {
  configured,
  evolveGroup,
  NO_HISTORY,
  type GroupHistory,
} from '../../domain/group/history.ts';
import { Rotation, type MemberHealth } from '../../domain/group/rotation.ts';
import type { GroupMemberSpec, GroupSpec } from '../../domain/group/spec.ts';
import { isSame } from '../../domain/mcp-server/spec-change.ts';
import type { Asker, Seat } from '../../domain/mcp-server/sharing.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { Clock, EventSink, Logger } from '../ports.ts';
import type { Child } from '../servers/child.ts';
import type { Cancellable } from '../servers/lease-pool.ts';
import type { EndedCall } from '../servers/lifecycle-keeper.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import type { Failover, ServerObserver, Upstream, Wanted } from '../servers/upstream.ts';

/** Clients whose member is remembered, in one group. */
const BONDS_MAX = 10_000;
/** Last failures that a refusal names. */
const REASONS_MAX = 3;

export interface GroupDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly events: EventSink;
  /** What the log says of the group. */
  readonly past?: GroupHistory | undefined;
  /** Whose place it takes: clients stay with their members. */
  readonly before?: ServerGroup | undefined;
  /** A member is out of rotation, or has failed: it is looked after. */
  readonly onTrouble: (group: ServerGroup) => void;
}

/** A member as status pages show it. */
export interface MemberFacts extends MemberHealth {
  readonly spec: GroupMemberSpec;
  readonly server: McpServer;
  readonly inFlight: number;
  readonly lastSelectedAtMs: number | undefined;
}

interface Member {
  readonly spec: GroupMemberSpec;
  readonly server: McpServer;
  /** Calls that wait for its start. */
  waiting: number;
  lastSelectedAtMs: number | undefined;
  /** When its last failure was counted: what failed side by side counts once. */
  countedAtMs: number;
}

const sha256 = (text: string): string => hash('sha256', text);

export class ServerGroup implements Upstream, ServerObserver {
  readonly spec: GroupSpec;
  readonly members: readonly McpServer[];
  readonly failover: Failover;
  readonly #deps: GroupDependencies;
  readonly #members: readonly Member[];
  readonly #balancer: Balancer;
  readonly #rotation: Rotation;
  readonly #affinity: AffinityTable | undefined;
  #history: GroupHistory;
  #stateSinceMs: number;

  /** @param servers those of its members, in any order */
  constructor(spec: GroupSpec, servers: readonly McpServer[], deps: GroupDependencies) {
    this.spec = spec;
    this.#deps = deps;
    this.failover = { membersMax: spec.failoverMembersMax, hedgeAfterMs: spec.hedgeAfterMs };
    this.#members = membersOf(spec, servers);
    this.members = this.#members.map(({ server }) => server);
    this.#balancer = balancerOf(spec.strategy, deps.random);
    this.#affinity = this.#bondsAfter(deps.before);
    this.#stateSinceMs = deps.clock.nowMs();
    this.#history = deps.past ?? NO_HISTORY;
    this.#tell(configured(this.#history, spec));
    this.#rotation = new Rotation(spec, this.#history);
    this.#tell(this.#rotation.begin());
    for (const { observers } of this.members) observers.add(this);
  }

  get state(): GroupState {
    return this.#rotation.state;
  }

  /** At the earliest when this gateway began. Milliseconds since the Unix epoch. */
  get stateSinceMs(): number {
    return this.#stateSinceMs;
  }

  get isCircuitOpen(): boolean {
    return this.#rotation.isCircuitOpen;
  }

  get healthyCount(): number {
    return this.#rotation.healthyCount;
  }

  get retryInMs(): number {
    if (this.isAvailable) return 0;
    const nowMs = this.#deps.clock.nowMs();
    return Math.max(0, (this.#rotation.retryAtMs ?? nowMs) - nowMs);
  }

  /** Whether a call would be given to a member now. */
  get isAvailable(): boolean {
    return this.#candidates(undefined).length > 0 || !this.#rotation.isCircuitOpen;
  }

  get facts(): readonly MemberFacts[] {
    return this.#members.map((member) => ({
      ...this.#rotation.healthOf(member.spec.id),
      spec: member.spec,
      server: member.server,
      inFlight: member.server.inFlight,
      lastSelectedAtMs: member.lastSelectedAtMs,
    }));
  }

  /** Ids of members that nobody else knows. */
  get inlineIds(): readonly string[] {
    return this.spec.members.filter(({ isInline }) => isInline).map(({ id }) => id);
  }

  /** Members that are out of rotation, or that failed and do not run. */
  get inTrouble(): readonly MemberFacts[] {
    return this.facts.filter(({ inRotation, server: { phase } }) => {
      return !inRotation || (this.spec.autoStart && (phase === 'dead' || phase === 'degraded'));
    });
  }

  get hasTrouble(): boolean {
    return this.inTrouble.length > 0;
  }

  take(user: ServerUser, work?: Cancellable, wanted: Wanted = {}): Child | Promise<Child> {
    const tried = new Set(wanted.avoid);
    let failure: unknown;
    do {
      const member = this.#select(user, wanted.header, tried, failure);
      try {
        const child = member.server.take(user, work);
        if (!(child instanceof Promise)) return child;
        return this.#whenReady(member, child).catch((error: unknown) =>
          this.#takeOther(error, member, { user, work, header: wanted.header, tried }),
        );
      } catch (error) {
        failure = error;
        tried.add(member.spec.id);
      }
    } while (this.#mayTryOther(failure, tried, work));
    throw failure;
  }

  memberFor(user: ServerUser): McpServer {
    return this.#select(user, undefined, new Set(), undefined).server;
  }

  eraFor(era: Era): Era | 'unknown' {
    for (const member of this.members) {
      const known = member.eraFor(era);
      if (known !== 'unknown') return known;
    }
    return 'unknown';
  }

  catalogKeyFor(asker: Asker): string {
    return this.members.map((member) => member.catalogKeyFor(asker) ?? '?').join(' ');
  }

  seatKindFor(asker: Asker): Seat['kind'] | undefined {
    return this.members[0]?.seatKindFor(asker);
  }

  /** It has answered something that was no call, such as the handshake. */
  recovered({ spec: { id } }: McpServer): void {
    if (!this.#rotation.has(id)) this.#tell(this.#rotation.recovered(id));
  }

  failed(server: McpServer, reason: string): void {
    this.#count(server, this.#deps.clock.nowMs(), reason);
  }

  callEnded(server: McpServer, { outcome, beganAtMs, reason }: EndedCall): void {
    switch (outcome) {
      case 'answered':
      case 'answered-error':
        this.#tell(this.#rotation.succeeded(server.spec.id, this.#deps.clock.nowMs()));
        return;
      case 'failed':
        this.#count(server, beganAtMs, reason);
        return;
      case 'ended': // the end of the child is counted by itself
      case 'given-up':
        return;
    }
  }

  /** Every member that nothing is known to be wrong with is in rotation, the others are out; the circuit is closed. */
  rebalance(): void {
    const well = new Set(
      this.#members
        .filter(({ server }) => server.phase !== 'dead' && server.phase !== 'degraded')
        .map(({ spec }) => String(spec.id)),
    );
    this.#balancer.reset();
    this.#tell(this.#rotation.rebalance((id) => well.has(id), this.#deps.clock.nowMs()));
  }

  /** What the log says of it now. */
  get history(): GroupHistory {
    return this.#history;
  }

  /** Whether a configuration would make the same of it. */
  isMadeOf(spec: GroupSpec, servers: readonly McpServer[]): boolean {
    if (!isSame(spec, this.spec)) return false;
    const members = membersOf(spec, servers);
    return (
      members.length === this.members.length &&
      members.every(({ server }, at) => server === this.members[at])
    );
  }

  /** It is not configured any more. */
  remove(): void {
    this.close();
    this.#tell([{ type: 'GroupDeleted', data: { group_id: this.spec.id } }]);
  }

  /** It follows its members no more; their servers go on. */
  close(): void {
    for (const { observers } of this.members) observers.delete(this);
  }

  #bondsAfter(before: ServerGroup | undefined): AffinityTable | undefined {
    const { affinity } = this.spec;
    if (affinity === undefined) return undefined;
    if (before !== undefined && isSame(before.spec.affinity, affinity)) return before.#affinity;
    return new AffinityTable(affinity.ttlMs, BONDS_MAX);
  }

  #count(server: McpServer, beganAtMs: number, reason: string): void {
    const member = this.#members.find((one) => one.server === server);
    const nowMs = this.#deps.clock.nowMs();
    // A clock that was set back says nothing about what came first.
    if (member === undefined || (beganAtMs < member.countedAtMs && nowMs >= member.countedAtMs))
      return;
    member.countedAtMs = nowMs;
    this.#tell(this.#rotation.failed(server.spec.id, reason, nowMs));
    this.#deps.onTrouble(this);
  }

  #tell(events: readonly GroupEvent[]): void {
    for (const event of events) {
      this.#history = evolveGroup(this.#history, event);
      this.#deps.events.record(groupStream(this.spec.id), event);
      this.#log(event);
    }
  }

  #log({ type, data }: GroupEvent): void {
    const { logger, clock } = this.#deps;
    if (type === 'GroupStateChanged') {
      this.#stateSinceMs = clock.nowMs();
      const { old_state: oldState, new_state: newState } = data;
      logger.info({ groupId: this.spec.id, oldState, newState }, 'group_state_changed');
    } else if (type === 'GroupMemberHealthChanged') {
      const fields = { groupId: this.spec.id, mcpServerId: data.member_id, reason: data.reason };
      if (data.in_rotation) logger.info(fields, 'group_member_returned');
      else logger.warn(fields, 'group_member_left');
    } else if (type === 'GroupCircuitOpened') {
      const { failure_count: failures } = data;
      logger.warn({ groupId: this.spec.id, failures }, 'group_circuit_opened');
    }
  }

  #takeOther(
    failure: unknown,
    failed: Member,
    { user, work, header, tried }: OtherTry,
  ): Child | Promise<Child> {
    const avoid = new Set(tried).add(failed.spec.id);
    if (!this.#mayTryOther(failure, avoid, work)) throw failure;
    if (this.#candidates(avoid).length === 0) throw failure;
    return this.take(user, work, { header, avoid });
  }

  #mayTryOther(
    failure: unknown,
    tried: ReadonlySet<string>,
    work: Cancellable | undefined,
  ): boolean {
    if (!(failure instanceof Fault) || failure.code === 'GATEWAY_STOPPING') return false;
    return tried.size < this.failover.membersMax && work?.signal.aborted !== true;
  }

  async #whenReady(member: Member, child: Promise<Child>): Promise<Child> {
    member.waiting += 1;
    try {
      return await child;
    } finally {
      member.waiting -= 1;
    }
  }

  /** @throws Fault GROUP_NOT_AVAILABLE, NO_HEALTHY_MEMBERS_IN_GROUP; `failure` where another member was tried before */
  #select(
    user: ServerUser,
    header: Wanted['header'],
    tried: ReadonlySet<string>,
    failure: unknown,
  ): Member {
    const nowMs = this.#deps.clock.nowMs();
    let candidates = this.#candidates(tried);
    if (candidates.length === 0) {
      if (failure instanceof Error) throw failure;
      candidates = this.#lastResort(tried, nowMs);
    }
    const { affinity, canary } = this.spec;
    const client = affinity === undefined ? undefined : this.#clientOf(user, header);
    const bound =
      (canary === undefined ? undefined : canaryMember(canary, user.asker.owner, sha256)) ??
      (client === undefined ? undefined : this.#affinity?.find(client, nowMs));
    const member =
      candidates.find(({ spec }) => spec.id === bound) ??
      this.#balanced(candidates) ??
      candidates[0];
    if (member === undefined) throw this.#noMember();
    member.lastSelectedAtMs = nowMs;
    if (client !== undefined) this.#affinity?.keep(client, member.spec.id, nowMs);
    return member;
  }

  #balanced(candidates: readonly Member[]): Member | undefined {
    const choice = candidates.map(
      ({ spec: { id, weight, priority }, server, waiting }): Candidate => {
        return { id, weight, priority, inFlight: server.inFlight + waiting };
      },
    );
    const picked = this.#balancer.pick(choice);
    return candidates.find(({ spec }) => spec.id === picked);
  }

  /**
   * Members in rotation that may be tried now. One whose start is under way, or that failed and will be started again in
   * the background, is left to that while others run.
   */
  #candidates(tried: ReadonlySet<string> | undefined): readonly Member[] {
    const usable = this.#members.filter(
      ({ spec, server }) =>
        this.#rotation.has(spec.id) &&
        tried?.has(spec.id) !== true &&
        isDue(server, this.#deps.clock.nowMs()),
    );
    const steady = usable.filter(({ server }) => this.#isSteady(server));
    return steady.length > 0 ? steady : usable;
  }

  #isSteady({ phase, isRunning }: McpServer): boolean {
    switch (phase) {
      case 'ready':
      case 'cold':
        return true;
      case 'initializing':
        return isRunning;
      case 'degraded':
      case 'dead':
        return !this.spec.autoStart;
    }
  }

  /** No member is in rotation, or none of them may be tried. */
  #lastResort(tried: ReadonlySet<string>, nowMs: number): readonly Member[] {
    const due = this.#members.filter(
      ({ spec, server }) =>
        !tried.has(spec.id) &&
        !this.#rotation.has(spec.id) &&
        isDue(server, this.#deps.clock.nowMs()),
    );
    if (due.length === 0) throw this.#noMember();
    if (!this.#rotation.admitsTrial(nowMs)) throw this.#notAvailable(nowMs);
    return due;
  }

  #clientOf({ asker }: ServerUser, header: Wanted['header']): string | undefined {
    const { by, header: name = '' } = this.spec.affinity ?? {};
    // Where many clients share one principal, it says nothing about the session.
    if (by === 'session') return asker.isOneClient ? asker.owner : undefined;
    return by === 'header' ? header?.(name) : asker.owner;
  }

  #notAvailable(nowMs: number): Fault {
    const retryAfterMs = Math.max(0, (this.#rotation.retryAtMs ?? nowMs) - nowMs);
    const wait = `next try in ${Math.ceil(retryAfterMs / 1_000)} s`;
    const detail = `Group "${this.spec.id}" has no member in rotation; ${wait}${this.#reasons()}`;
    return new Fault('GROUP_NOT_AVAILABLE', detail, { data: { retryAfterMs } });
  }

  #noMember(): Fault {
    const waits = this.members.map(({ retryInMs }) => retryInMs).filter((ms) => ms > 0);
    const retryAfterMs = waits.length === 0 ? 0 : Math.min(...waits);
    const detail = `No member of group "${this.spec.id}" can be called${this.#reasons()}`;
    return new Fault('NO_HEALTHY_MEMBERS_IN_GROUP', detail, { data: { retryAfterMs } });
  }

  #reasons(): string {
    const reasons = this.members.flatMap(({ lastFailure }) => lastFailure ?? []);
    return reasons.length === 0 ? '' : `: ${reasons.slice(0, REASONS_MAX).join('; ')}`;
  }
}

/** In the order of the configuration, without those that are switched off. */
function membersOf(spec: GroupSpec, servers: readonly McpServer[]): readonly Member[] {
  return spec.members.flatMap((member) => {
    const server = servers.find(({ spec: { id } }) => id === member.id);
    const fresh = { waiting: 0, lastSelectedAtMs: undefined, countedAtMs: 0 };
    return server === undefined ? [] : [{ spec: member, server, ...fresh }];
  });
}

interface OtherTry {
  readonly user: ServerUser;
  readonly work: Cancellable | undefined;
  readonly header: Wanted['header'];
  readonly tried: ReadonlySet<string>;
}

/** A call now is not told to wait. */
function isDue({ spec, phase, retryInMs, breaker }: McpServer, nowMs: number): boolean {
  if (spec.launch.kind === 'inactive' || (breaker?.retryInMs(nowMs) ?? 0) > 0) return false;
  return (phase !== 'dead' && phase !== 'degraded') || retryInMs === 0;
}
