/**
 * A group of MCP servers that looks like one: it follows how its members do, and goes on with another one where one fails.
 *
 * Invariants
 * 1. What the gateway ends itself (idle, a person, a reload) counts against no member; nor does what its limits refuse.
 * 2. A call that a member could not be started for goes on with another one; one that was refused everywhere does not.
 */
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
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
import type { EndedCall } from '../servers/lifecycle-keeper.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import type { Failover, GatedWork, ServerObserver, Upstream, Wanted } from '../servers/upstream.ts';
import { MemberChoice, membersOf, type Choosing, type Member } from './member-choice.ts';

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

export class ServerGroup implements Upstream, ServerObserver {
  readonly spec: GroupSpec;
  readonly members: readonly McpServer[];
  readonly failover: Failover;
  readonly #deps: GroupDependencies;
  readonly #members: readonly Member[];
  readonly #rotation: Rotation;
  readonly #choice: MemberChoice;
  #history: GroupHistory;
  #stateSinceMs: number;

  /** @param servers those of its members, in any order */
  constructor(spec: GroupSpec, servers: readonly McpServer[], deps: GroupDependencies) {
    this.spec = spec;
    this.#deps = deps;
    this.failover = {
      membersMax: spec.failoverMembersMax,
      hedgeAfterMs: spec.hedgeAfterMs,
      hasOther: (tried) => this.#choice.candidates(tried, deps.clock.nowMs()).length > 0,
    };
    this.#members = membersOf(spec, servers);
    this.members = this.#members.map(({ server }) => server);
    this.#stateSinceMs = deps.clock.nowMs();
    this.#history = deps.past ?? NO_HISTORY;
    this.#tell(configured(this.#history, spec));
    this.#rotation = new Rotation(spec, this.#history);
    this.#choice = new MemberChoice({
      spec,
      members: this.#members,
      rotation: this.#rotation,
      random: deps.random,
      before: deps.before === undefined ? undefined : deps.before.#choice,
    });
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

  /** When an open circuit lets a call through; undefined where it is closed. Milliseconds since the Unix epoch. */
  get retryAtMs(): number | undefined {
    return this.#rotation.retryAtMs;
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
    return this.failover.hasOther(NOBODY) || !this.#rotation.isCircuitOpen;
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

  take(user: ServerUser, work?: GatedWork, wanted: Wanted = {}): Child | Promise<Child> {
    const tried = new Set(wanted.avoid);
    const asked = { user, work, header: wanted.header, tried };
    let failure: unknown;
    do {
      const member = this.#choice.select(asked, this.#deps.clock.nowMs(), failure);
      try {
        const child = takeFrom(member, asked);
        if (!(child instanceof Promise)) return child;
        return this.#whenReady(member, child).catch((error: unknown) =>
          this.#takeOther(error, member, asked),
        );
      } catch (error) {
        failure = error;
        tried.add(member.spec.id);
      }
    } while (this.#mayTryOther(failure, tried, work));
    throw failure;
  }

  memberFor(user: ServerUser): McpServer {
    const asked = { user, work: undefined, header: undefined, tried: NOBODY };
    return this.#choice.select(asked, this.#deps.clock.nowMs()).server;
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
    this.#choice.reset();
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

  #takeOther(failure: unknown, failed: Member, asked: Choosing): Child | Promise<Child> {
    const { user, work, header } = asked;
    const avoid = new Set(asked.tried).add(failed.spec.id);
    if (!this.#mayTryOther(failure, avoid, work)) throw failure;
    if (!this.failover.hasOther(avoid)) throw failure;
    return this.take(user, work, { header, avoid });
  }

  #mayTryOther(failure: unknown, tried: ReadonlySet<string>, work: GatedWork | undefined): boolean {
    if (!(failure instanceof Fault) || FINAL.has(failure.code)) return false;
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
}

/** A child of the member, once its own limits let the call through. */
function takeFrom({ server }: Member, { user, work }: Choosing): Child | Promise<Child> {
  const place = work?.gate?.placeAt(server);
  if (place === undefined) return server.take(user, work);
  return place.then(() => {
    const child = server.take(user, work);
    if (child instanceof Promise) work?.gate?.stepAside();
    return child;
  });
}

const NOBODY: ReadonlySet<string> = new Set();

/** A member is refused only where every other one would be, or where the client stays with it. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONCURRENCY_LIMITED',
  'GATEWAY_STOPPING',
  'RATE_LIMITED',
]);
