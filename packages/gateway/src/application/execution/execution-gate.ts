/**
 * Every call to a server passes here once: rate limits first, then a place among those that run. Behind it the call
 * makes its attempts.
 *
 * A server that nothing is configured for costs a call one look at its spec.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { Admission, Line, type Ticket } from '../../domain/execution/admission.ts';
import { STANDARD_RETRY, type RetryPolicy } from '../../domain/execution/retry-policy.ts';
import type { ExecutionSettings, ServerExecution } from '../../domain/execution/settings.ts';
import type { RateLimit } from '../../domain/execution/token-bucket.ts';
import { Deadlines } from '../calls/deadlines.ts';
import type { GuardedMember, Retrying } from '../calls/call-gate.ts';
import type { Logger } from '../ports.ts';
import {
  GuardedCall,
  type GateKeeper,
  type Guarded,
  type GuardedServer,
  type Passage,
} from './guarded-call.ts';
import { ServerBuckets, SharedBuckets, takeTokens } from './rate-limits.ts';

export interface GateOptions {
  readonly settings: ExecutionSettings;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Never goes back. Milliseconds. */
  readonly nowMs?: () => number;
}

/** What is kept of one server. */
interface ServerLimits {
  readonly execution: ServerExecution | undefined;
  readonly buckets: ServerBuckets;
  readonly line: Line<GuardedCall>;
}

/** How the limits over all servers are used. */
export interface RateUse {
  readonly activeBuckets: number;
  readonly limit: RateLimit | undefined;
}

const UNLIMITED: ServerExecution = {
  concurrencyMax: Number.POSITIVE_INFINITY,
  rateLimit: undefined,
  toolRateLimits: [],
  retry: undefined,
};
const RETRY_AFTER_MS_MIN = 100;

export class ExecutionGate implements GateKeeper {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly #logger: Logger;
  #settings: ExecutionSettings;
  #shared: SharedBuckets;
  readonly #admission: Admission<GuardedCall>;
  readonly #servers = new WeakMap<GuardedServer, ServerLimits>();
  /** Of the calls that wait for a place. */
  readonly #deadlines: Deadlines;
  #isDrainScheduled = false;
  readonly #onTurnEnd = (): void => this.#drain();

  constructor({ settings, logger, random, nowMs = () => performance.now() }: GateOptions) {
    this.#logger = logger;
    this.nowMs = nowMs;
    this.random = random;
    this.#settings = settings;
    this.#admission = new Admission(settings.concurrencyMax);
    this.#shared = this.#newShared();
    this.#deadlines = new Deadlines(settings.queueTimeoutMs);
  }

  /** Takes other settings; calls that run or wait go on under them. Buckets are full again. */
  configure(settings: ExecutionSettings): void {
    this.#settings = settings;
    this.#admission.max = settings.concurrencyMax;
    this.#shared = this.#newShared();
    this.#drainSoon();
  }

  /** Whether a call to the server has anything to pass. */
  guards(server: GuardedServer): boolean {
    return server.spec.execution !== undefined || this.#isGlobal || hasLimitedMember(server);
  }

  /** Lets a call through, now or when it is its turn; where it may not pass the call fails. */
  admit(call: Guarded, passage: Passage): void {
    const { buckets, line, execution } = this.#limitsOf(passage.server);
    try {
      const nowMs = this.nowMs();
      takeTokens(this.#shared.of(passage.principal, nowMs), buckets.of(passage.tool), nowMs);
    } catch (error) {
      call.fail(error);
      return;
    }
    const hasPlaces =
      Number.isFinite(line.max) ||
      Number.isFinite(this.#admission.max) ||
      hasLimitedMember(passage.server);
    const guarded = new GuardedCall(this, call, {
      passage,
      line: hasPlaces ? line : undefined,
      policy: policyOf(execution?.retry, passage),
    });
    call.gate = guarded;
    guarded.begin();
  }

  /** What took the place of a group goes on with its calls, and with its buckets where its limits are the same. */
  inherit(from: GuardedServer, to: GuardedServer): void {
    const known = this.#servers.get(from);
    if (known !== undefined) this.#servers.set(to, known);
  }

  /** Calls that wait for a place at the server. */
  queuedOf(server: GuardedServer): number {
    return this.#servers.get(server)?.line.length ?? 0;
  }

  get rateUse(): RateUse {
    const activeBuckets = this.#shared.activeCount(this.nowMs());
    return { activeBuckets, limit: this.#settings.rateLimit };
  }

  close(): void {
    this.#deadlines.close();
  }

  enter(line: Line<GuardedCall>, call: GuardedCall): Ticket<GuardedCall> {
    const ticket = this.#admission.enter(line, call);
    if (ticket.state === 'running') return ticket;
    const tooMany = this.#tooMany(ticket);
    if (tooMany !== undefined) {
      this.#admission.leave(ticket);
      throw tooMany;
    }
    this.#await(call);
    return ticket;
  }

  aheadAt(member: GuardedMember, tool: string | undefined): number {
    if (!isLimited(member)) return 0;
    const { buckets, line } = this.#limitsOf(member);
    const nowMs = this.nowMs();
    if (buckets.of(tool).some(({ bucket }) => bucket.waitMs(nowMs) > 0)) return NEVER;
    return line.isOpen ? 0 : line.length + 1;
  }

  takeAt(member: GuardedMember, tool: string | undefined): void {
    if (isLimited(member)) takeTokens([], this.#limitsOf(member).buckets.of(tool), this.nowMs());
  }

  goWithin(ticket: Ticket<GuardedCall>, member: GuardedMember): void {
    this.#admission.goWithin(ticket, this.#limitsOf(member).line);
    if (ticket.state !== 'waiting') return;
    this.#drainSoon();
    const tooMany = this.#tooMany(ticket);
    if (tooMany !== undefined) throw tooMany;
    this.#await(ticket.subject);
  }

  placeBeside(call: GuardedCall, member: GuardedMember): Ticket<GuardedCall> | undefined {
    const { line } = this.#limitsOf(call.passage.server);
    return this.#admission.enterNow(line, this.#limitsOf(member).line, call);
  }

  policyAt(passage: Passage, member: GuardedMember): RetryPolicy | undefined {
    const { execution } = this.#limitsOf(passage.server);
    return policyOf(execution?.retry ?? member.spec.execution?.retry, passage);
  }

  pause(ticket: Ticket<GuardedCall>): void {
    this.#admission.pause(ticket);
    this.#drainSoon();
  }

  comeBack(ticket: Ticket<GuardedCall>): void {
    this.#admission.comeBack(ticket);
    if (ticket.state !== 'waiting') {
      ticket.subject.turn();
      return;
    }
    // Those that have waited for the start of a server together do not all find room in its line.
    const tooMany = this.#tooMany(ticket);
    if (tooMany !== undefined) throw tooMany;
    this.#await(ticket.subject);
  }

  resume(ticket: Ticket<GuardedCall>): void {
    this.#admission.resume(ticket);
  }

  leave(ticket: Ticket<GuardedCall>): void {
    if (ticket.state === 'waiting') this.#deadlines.remove(ticket.subject);
    this.#admission.leave(ticket);
    this.#drainSoon();
  }

  takeAgain({ server, tool }: Passage): void {
    takeTokens([], this.#limitsOf(server).buckets.of(tool), this.nowMs());
  }

  retrying({ server, tool, onRetry }: Passage, retry: Retrying): void {
    this.#logger.info({ mcpServerId: server.spec.id, tool, ...retry }, 'call_tried_again');
    onRetry?.(retry);
  }

  expired(call: GuardedCall): Fault {
    const seconds = this.#settings.queueTimeoutMs / 1_000;
    const waited = `no place became free in ${seconds} s (execution.queue_timeout_s)`;
    return this.#limited(call, `${this.#cause(call)}; ${waited}`);
  }

  #newShared(): SharedBuckets {
    const { rateLimit: all, principalRateLimit: principal } = this.#settings;
    return new SharedBuckets({ all, principal }, this.nowMs());
  }

  get #isGlobal(): boolean {
    const { rateLimit, principalRateLimit } = this.#settings;
    const hasRate = rateLimit !== undefined || principalRateLimit !== undefined;
    return hasRate || this.#admission.max !== Number.POSITIVE_INFINITY;
  }

  #limitsOf(server: GuardedServer): ServerLimits {
    const known = this.#servers.get(server);
    const { execution, id } = server.spec;
    if (known !== undefined && known.execution === execution) return known;
    const { concurrencyMax, rateLimit, toolRateLimits } = execution ?? UNLIMITED;
    const line = known?.line ?? new Line<GuardedCall>(concurrencyMax);
    line.max = concurrencyMax;
    const buckets = new ServerBuckets(id, { rateLimit, toolRateLimits }, this.nowMs());
    const limits = { execution, buckets, line };
    this.#servers.set(server, limits);
    return limits;
  }

  #await(call: GuardedCall): void {
    call.waitsSinceMs = this.nowMs();
    const waitMs = Math.min(this.#settings.queueTimeoutMs, call.waitMsMax);
    call.deadlineMs = performance.now() + waitMs;
    this.#deadlines.add(call);
    this.#drainSoon();
  }

  /** In a turn of its own: whoever has left gives its answer first, and no call goes on inside the end of another. */
  #drainSoon(): void {
    if (this.#isDrainScheduled || !this.#admission.hasWaiting) return;
    this.#isDrainScheduled = true;
    queueMicrotask(this.#onTurnEnd);
  }

  #drain(): void {
    this.#isDrainScheduled = false;
    for (let next = this.#admission.next(); next !== undefined; next = this.#admission.next()) {
      this.#deadlines.remove(next.subject);
      next.subject.turn();
    }
  }

  /** Why a call that would wait in its line may not. */
  #tooMany({ subject, line, around }: Ticket<GuardedCall>): Fault | undefined {
    const { queueMax } = this.#settings;
    const rooms = [this.#admission, line, around ?? line].map(({ max, running }) => max - running);
    const room = Math.max(0, Math.min(...rooms));
    if (line.length - room <= queueMax) return undefined;
    const detail = `${this.#cause(subject)}, and ${queueMax} more wait (execution.queue_max)`;
    return this.#limited(subject, detail);
  }

  /** Which limit a call waits for. */
  #cause(call: GuardedCall): string {
    const server = this.#holdsUp(call);
    if (server === undefined)
      return `the gateway has as many calls at one time as it may, ${this.#admission.max} (execution.max_concurrency)`;
    const { id } = server.spec;
    const { max } = this.#limitsOf(server).line;
    return `MCP server "${id}" has as many calls at one time as it may, ${max} (${serverKey(id)})`;
  }

  /** The server, or the group, whose own limit a call waits for; undefined where it is that of the gateway. */
  #holdsUp({ at, passage: { server } }: GuardedCall): GuardedServer | undefined {
    if (this.#limitsOf(at).line.isFull) return at;
    if (this.#limitsOf(server).line.isFull) return server;
    return this.#admission.isFull ? undefined : at;
  }

  #limited(call: GuardedCall, detail: string): Fault {
    const server = this.#holdsUp(call);
    const { line } = this.#limitsOf(call.at);
    const limit = server === undefined ? 'execution.max_concurrency' : serverKey(server.spec.id);
    // Whoever stands first has waited about as long as the next one will.
    const waitedMs = this.nowMs() - (line.head?.subject.waitsSinceMs ?? this.nowMs());
    const retryAfterMs = Math.round(Math.max(RETRY_AFTER_MS_MIN, waitedMs));
    return new Fault('CONCURRENCY_LIMITED', detail, { data: { limit, retryAfterMs } });
  }
}

const NEVER = Number.POSITIVE_INFINITY;
const hasLimitedMember = ({ failover, members }: GuardedServer): boolean =>
  failover !== undefined && members?.some(isLimited) === true;
const isLimited = ({ spec }: Pick<GuardedMember, 'spec'>): boolean => spec.execution !== undefined;

const serverKey = (id: string): string => `mcp_servers.${id}.max_concurrency`;

/** The policy of a call of a tool: that of its server, for as many attempts as its caller allows. */
function policyOf(
  configured: RetryPolicy | undefined,
  { tool, attemptsMax }: Passage,
): RetryPolicy | undefined {
  if (tool === undefined) return undefined;
  if (attemptsMax === undefined) return configured;
  if (attemptsMax <= 1) return undefined;
  const policy = configured ?? STANDARD_RETRY;
  return { ...policy, attemptsMax: Math.min(policy.attemptsMax, attemptsMax) };
}
