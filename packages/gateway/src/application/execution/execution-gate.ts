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
import type { Retrying } from '../calls/call-gate.ts';
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
    return server.spec.execution !== undefined || this.#isGlobal;
  }

  /** Lets a call through, now or when it is its turn; where it may not pass the call fails. */
  admit(call: Guarded, passage: Passage): void {
    const { buckets, line, execution } = this.#limitsOf(passage.server);
    try {
      const nowMs = this.nowMs();
      const all = [...this.#shared.of(passage.principal, nowMs), ...buckets.of(passage.tool)];
      if (all.length > 0) takeTokens(all, 1, nowMs);
    } catch (error) {
      call.fail(error);
      return;
    }
    const policy = passage.tool === undefined ? undefined : policyOf(execution?.retry, passage);
    const isLimited = Number.isFinite(line.max) || Number.isFinite(this.#admission.max);
    const how = { passage, policy, line: isLimited ? line : undefined };
    const guarded = new GuardedCall(this, call, how);
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
    const tooMany = this.#tooMany(call, line);
    if (tooMany !== undefined) {
      this.#admission.leave(ticket);
      throw tooMany;
    }
    this.#await(call);
    return ticket;
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
    const tooMany = this.#tooMany(ticket.subject, ticket.line);
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
    takeTokens(this.#limitsOf(server).buckets.of(tool), 1, this.nowMs());
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

  /** Why a call that would wait in the line may not. */
  #tooMany(call: GuardedCall, line: Line<GuardedCall>): Fault | undefined {
    const { queueMax } = this.#settings;
    const { max, running } = this.#admission;
    const room = Math.max(0, Math.min(line.max - line.running, max - running));
    if (line.length - room <= queueMax) return undefined;
    const detail = `${this.#cause(call)}, and ${queueMax} more wait (execution.queue_max)`;
    return this.#limited(call, detail);
  }

  /** Which limit a call waits for. */
  #cause({ passage }: GuardedCall): string {
    const { max } = this.#admission;
    const { id } = passage.server.spec;
    const { line } = this.#limitsOf(passage.server);
    return this.#isServers(line)
      ? `MCP server "${id}" has as many calls at one time as it may, ${line.max} (${serverKey(id)})`
      : `the gateway has as many calls at one time as it may, ${max} (execution.max_concurrency)`;
  }

  /** Whether what holds up a line is its own limit. */
  #isServers(line: Line<GuardedCall>): boolean {
    return line.isFull || !this.#admission.isFull;
  }

  #limited(call: GuardedCall, detail: string): Fault {
    const { spec } = call.passage.server;
    const { line } = this.#limitsOf(call.passage.server);
    const limit = this.#isServers(line) ? serverKey(spec.id) : 'execution.max_concurrency';
    // Whoever stands first has waited about as long as the next one will.
    const waitedMs = this.nowMs() - (line.head?.subject.waitsSinceMs ?? this.nowMs());
    const retryAfterMs = Math.round(Math.max(RETRY_AFTER_MS_MIN, waitedMs));
    return new Fault('CONCURRENCY_LIMITED', detail, { data: { limit, retryAfterMs } });
  }
}

const serverKey = (id: string): string => `mcp_servers.${id}.max_concurrency`;

/** The policy of a call: that of its server, for as many attempts as its caller allows. */
function policyOf(
  configured: RetryPolicy | undefined,
  { attemptsMax }: Passage,
): RetryPolicy | undefined {
  if (attemptsMax === undefined) return configured;
  if (attemptsMax <= 1) return undefined;
  const policy = configured ?? STANDARD_RETRY;
  return { ...policy, attemptsMax: Math.min(policy.attemptsMax, attemptsMax) };
}
