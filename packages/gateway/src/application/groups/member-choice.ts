/**
 * Which member of a group gets a call.
 *
 * Invariants
 * 1. A member that may not be tried yet, because its server backs off, is not chosen.
 * 2. A call goes to a member out of rotation only where none is in rotation, and the circuit admits it.
 * 3. A client stays with its member although calls wait there; others go where the fewest do.
 * 4. What is remembered is kept by the ids of members.
 */
import { hash } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import { AffinityTable } from '../../domain/group/affinity.ts';
import { balancerOf, type Balancer, type Candidate } from '../../domain/group/balancer.ts';
import { canaryMember } from '../../domain/group/canary.ts';
import type { Rotation } from '../../domain/group/rotation.ts';
import type { GroupMemberSpec, GroupSpec } from '../../domain/group/spec.ts';
import { isSame } from '../../domain/mcp-server/spec-change.ts';
import type { McpServer, ServerUser } from '../servers/mcp-server.ts';
import type { GatedWork, Wanted } from '../servers/upstream.ts';

/** Clients whose member is remembered, in one group. */
const BONDS_MAX = 10_000;
/** Last failures that a refusal names. */
const REASONS_MAX = 3;

export interface Member {
  readonly spec: GroupMemberSpec;
  readonly server: McpServer;
  /** Calls that wait for its start. */
  waiting: number;
  lastSelectedAtMs: number | undefined;
  /** When its last failure was counted: what failed side by side counts once. */
  countedAtMs: number;
}

export interface MemberChoiceParts {
  readonly spec: GroupSpec;
  readonly members: readonly Member[];
  readonly rotation: Rotation;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Whose place it takes: clients stay with their members. */
  readonly before: MemberChoice | undefined;
}

/** A call that wants a member. */
export interface Choosing {
  readonly user: ServerUser;
  readonly work: GatedWork | undefined;
  readonly header: Wanted['header'];
  /** Members that have failed it. */
  readonly tried: ReadonlySet<string>;
}

/** Longer values of a header are remembered by their digests: clients choose them. */
const HEADER_CHARS_MAX = 64;

const sha256 = (text: string): string => hash('sha256', text);

export class MemberChoice {
  readonly #spec: GroupSpec;
  readonly #members: readonly Member[];
  readonly #rotation: Rotation;
  readonly #balancer: Balancer;
  readonly #affinity: AffinityTable | undefined;

  constructor({ spec, members, rotation, random, before }: MemberChoiceParts) {
    this.#spec = spec;
    this.#members = members;
    this.#rotation = rotation;
    this.#balancer = balancerOf(spec.strategy, random);
    this.#affinity = this.#bondsAfter(before);
  }

  /** @throws Fault GROUP_NOT_AVAILABLE, NO_HEALTHY_MEMBERS_IN_GROUP; `failure` where another member was tried before */
  select(asked: Choosing, nowMs: number, failure?: unknown): Member {
    let candidates = this.candidates(asked.tried, nowMs);
    if (candidates.length === 0) {
      if (failure instanceof Error) throw failure;
      candidates = this.#lastResort(asked, nowMs);
    }
    const client = this.#clientOf(asked);
    const bound = this.#boundTo(asked, client, nowMs);
    const member =
      candidates.find(({ spec }) => spec.id === bound) ?? this.#balanced(candidates, asked.work);
    if (member === undefined) throw this.#noMember();
    member.lastSelectedAtMs = nowMs;
    if (client !== undefined) this.#affinity?.keep(client, member.spec.id, nowMs);
    return member;
  }

  /**
   * Members in rotation that may be tried now. One whose start is under way, or that failed and will be started again in
   * the background, is left to that while others run.
   */
  candidates(tried: ReadonlySet<string>, nowMs: number): readonly Member[] {
    const usable = this.#members.filter(
      ({ spec, server }) =>
        this.#rotation.has(spec.id) && !tried.has(spec.id) && isDue(server, nowMs),
    );
    const steady = usable.filter(({ server }) => this.#isSteady(server));
    return steady.length > 0 ? steady : usable;
  }

  /** Forgets whose turn it is. */
  reset(): void {
    this.#balancer.reset();
  }

  #bondsAfter(before: MemberChoice | undefined): AffinityTable | undefined {
    const { affinity } = this.#spec;
    if (affinity === undefined) return undefined;
    if (before !== undefined && isSame(before.#spec.affinity, affinity)) return before.#affinity;
    return new AffinityTable(affinity.ttlMs, BONDS_MAX);
  }

  #boundTo(asked: Choosing, client: string | undefined, nowMs: number): string | undefined {
    const { canary } = this.#spec;
    const pinned =
      canary === undefined ? undefined : canaryMember(canary, asked.user.asker.owner, sha256);
    return pinned ?? (client === undefined ? undefined : this.#affinity?.find(client, nowMs));
  }

  #balanced(candidates: readonly Member[], work: GatedWork | undefined): Member | undefined {
    const among = leastAhead(candidates, work);
    const choice = among.map(({ spec: { id, weight, priority }, server, waiting }): Candidate => {
      return { id, weight, priority, inFlight: server.inFlight + waiting };
    });
    const picked = this.#balancer.pick(choice);
    return among.find(({ spec }) => spec.id === picked) ?? among[0];
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
        return !this.#spec.autoStart;
    }
  }

  /** No member is in rotation, or none of them may be tried. */
  #lastResort({ tried, work }: Choosing, nowMs: number): readonly Member[] {
    const due = this.#members.filter(
      ({ spec, server }) =>
        !tried.has(spec.id) && !this.#rotation.has(spec.id) && isDue(server, nowMs),
    );
    if (due.length === 0) throw this.#noMember();
    if (!this.#rotation.admitsTrial(nowMs, work)) throw this.#notAvailable(nowMs);
    return due;
  }

  /** Who stays with one member; undefined where nobody does. */
  #clientOf({ user: { asker }, header }: Choosing): string | undefined {
    const { affinity } = this.#spec;
    if (affinity === undefined) return undefined;
    // Where many clients share one principal, it says nothing about the session.
    if (affinity.by === 'session') return asker.isOneClient ? asker.owner : undefined;
    if (affinity.by !== 'header') return asker.owner;
    const value = header?.(affinity.header ?? '');
    return value === undefined || value.length <= HEADER_CHARS_MAX ? value : sha256(value);
  }

  #notAvailable(nowMs: number): Fault {
    const retryAfterMs = Math.max(0, (this.#rotation.retryAtMs ?? nowMs) - nowMs);
    const wait = `next try in ${Math.ceil(retryAfterMs / 1_000)} s`;
    const detail = `Group "${this.#spec.id}" has no member in rotation; ${wait}${this.#reasons()}`;
    return new Fault('GROUP_NOT_AVAILABLE', detail, { data: { retryAfterMs } });
  }

  #noMember(): Fault {
    const waits = this.#members.map(({ server }) => server.retryInMs).filter((ms) => ms > 0);
    const retryAfterMs = waits.length === 0 ? 0 : Math.min(...waits);
    const detail = `No member of group "${this.#spec.id}" can be called${this.#reasons()}`;
    return new Fault('NO_HEALTHY_MEMBERS_IN_GROUP', detail, { data: { retryAfterMs } });
  }

  #reasons(): string {
    const reasons = this.#members.flatMap(({ server }) => server.lastFailure ?? []);
    return reasons.length === 0 ? '' : `: ${reasons.slice(0, REASONS_MAX).join('; ')}`;
  }
}

/** In the order of the configuration, without those that are switched off. */
export function membersOf(spec: GroupSpec, servers: readonly McpServer[]): readonly Member[] {
  return spec.members.flatMap((member) => {
    const server = servers.find(({ spec: { id } }) => id === member.id);
    const fresh = { waiting: 0, lastSelectedAtMs: undefined, countedAtMs: 0 };
    return server === undefined ? [] : [{ spec: member, server, ...fresh }];
  });
}

/** Those whose own limits let the call through at once; else those where the fewest wait. */
function leastAhead(members: readonly Member[], work: GatedWork | undefined): readonly Member[] {
  const gate = work?.gate;
  if (gate === undefined) return members;
  const ahead = members.map(({ server }) => gate.aheadAt(server));
  const least = Math.min(...ahead);
  return members.filter((_, at) => ahead[at] === least);
}

/** A call now is not told to wait. */
function isDue({ spec, phase, retryInMs, breaker }: McpServer, nowMs: number): boolean {
  if (spec.launch.kind === 'inactive' || (breaker?.retryInMs(nowMs) ?? 0) > 0) return false;
  return (phase !== 'dead' && phase !== 'degraded') || retryInMs === 0;
}
