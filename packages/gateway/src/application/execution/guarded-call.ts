/**
 * One call at the gates: it waits for a place, makes its attempts, and takes its place with it.
 *
 * States: waiting for a place -> at the server ⇄ aside (its server starts, or its client is asked) -> waiting for its
 * next attempt … -> over.
 * Invariants
 * 1. It holds one place at most, and none while it waits for its client, for a start or for its next attempt.
 * 2. Once it is over it holds nothing, and no attempt follows.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Line, Ticket } from '../../domain/execution/admission.ts';
import {
  mayTryAgain,
  retryDelayMs,
  type RetryPolicy,
} from '../../domain/execution/retry-policy.ts';
import {
  ONE_ATTEMPT,
  type AttemptLimit,
  type Attempts,
  type BesideGate,
  type CallGate,
  type GuardedMember,
  type Retrying,
} from '../calls/call-gate.ts';
import type { Limited } from '../calls/deadlines.ts';
import type { Child } from '../servers/child.ts';
import type { Upstream } from '../servers/upstream.ts';

/** A call, as far as the gates deal with it. */
export interface Guarded {
  readonly settled: boolean;
  gate: CallGate | undefined;
  fail(error: unknown): void;
}

/** A server, as far as the gates look at it. */
export type GuardedServer = Pick<Upstream, 'spec' | 'retryInMs'> &
  Partial<Pick<Upstream, 'members' | 'failover'>>;

/** What is to be let through. */
export interface Passage {
  readonly server: GuardedServer;
  /** Whose limit counts. */
  readonly principal: string;
  /** The server's own name of the tool; undefined where the call is for none. */
  readonly tool: string | undefined;
  /** For all attempts together, from the first one on. */
  readonly timeoutMs: number;
  /** Attempts that the caller allows; undefined = as the policy of the server says. */
  readonly attemptsMax?: number | undefined;
  readonly onRetry?: ((retry: Retrying) => void) | undefined;
  /** Whether the tool says that it may be called twice. */
  readonly isRepeatable: () => boolean;
  /** Hands the call to its server; `limit` undefined = for the time that every call has. */
  readonly attempt: (limit: AttemptLimit | undefined) => void;
}

/** What the gate does for its calls. */
export interface GateKeeper {
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A place among those that run, or among those that wait. @throws Fault CONCURRENCY_LIMITED */
  enter(line: Line<GuardedCall>, call: GuardedCall): Ticket<GuardedCall>;
  pause(ticket: Ticket<GuardedCall>): void;
  /** @throws Fault CONCURRENCY_LIMITED */
  comeBack(ticket: Ticket<GuardedCall>): void;
  resume(ticket: Ticket<GuardedCall>): void;
  leave(ticket: Ticket<GuardedCall>): void;
  /** Calls that one to a member would wait for there; infinite where it would be refused. */
  aheadAt(member: GuardedMember, tool: string | undefined): number;
  /** Takes the tokens of a member. @throws Fault RATE_LIMITED */
  takeAt(member: GuardedMember, tool: string | undefined): void;
  /** Takes the place of a call on to a member of its group. @throws Fault CONCURRENCY_LIMITED */
  goWithin(ticket: Ticket<GuardedCall>, member: GuardedMember): void;
  /** A place at a member for what does not wait for one; undefined where there is none now. */
  placeBeside(call: GuardedCall, member: GuardedMember): Ticket<GuardedCall> | undefined;
  /** How the call is made again: as its server says, and where that says nothing, as the member that has it does. */
  policyAt(passage: Passage, member: GuardedMember): RetryPolicy | undefined;
  /** The tokens of a further attempt. @throws Fault RATE_LIMITED */
  takeAgain(passage: Passage): void;
  /** A further attempt is to come. */
  retrying(passage: Passage, retry: Retrying): void;
  /** Why a call that has waited as long as it may does not run. */
  expired(call: GuardedCall): Fault;
}

const NONE: readonly Fault[] = [];

export class GuardedCall implements CallGate, Limited {
  readonly #keeper: GateKeeper;
  readonly #call: Guarded;
  readonly passage: Passage;
  /** Undefined where nothing limits how many calls its server has. */
  readonly line: Line<GuardedCall> | undefined;
  #policy: RetryPolicy | undefined;
  /** The server, or the member of the group, whose limits count where it is. */
  at: GuardedServer;
  #ticket: Ticket<GuardedCall> | undefined;
  /** When it is its turn. */
  #next: (() => void) | undefined;
  /** Of its wait for a place. */
  deadlineMs = Number.POSITIVE_INFINITY;
  deadlineKey = 0;
  waitsSinceMs = 0;
  #child: Child | undefined;
  /** Among the calls of that child. */
  #childKey = 0;
  #timer: NodeJS.Timeout | undefined;
  #attempt = 1;
  /** Why the attempts before this one have failed. */
  #retries: readonly Fault[] = NONE;
  /** When the first attempt began. */
  #beganAtMs: number | undefined;
  /** Its client was asked something: that is not done twice. */
  #hasAsked = false;
  #isOver = false;

  constructor(
    keeper: GateKeeper,
    call: Guarded,
    how: {
      readonly passage: Passage;
      readonly line: Line<GuardedCall> | undefined;
      readonly policy: RetryPolicy | undefined;
    },
  ) {
    this.#keeper = keeper;
    this.#call = call;
    this.passage = how.passage;
    this.line = how.line;
    this.at = how.passage.server;
    this.#policy = how.policy;
  }

  get attempts(): Attempts {
    if (this.#retries.length === 0) return ONE_ATTEMPT;
    return { attempts: this.#attempt, retries: this.#retries.map(({ code }) => code) };
  }

  /** Makes the attempt, or waits for its turn. */
  begin(): void {
    if (this.line === undefined) {
      this.#run();
      return;
    }
    try {
      this.#ticket = this.#keeper.enter(this.line, this);
    } catch (error) {
      this.#call.fail(error);
      return;
    }
    if (this.#ticket.state === 'running') this.#run();
    else this.#next = () => this.#run();
  }

  /** It is its turn. */
  turn(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }

  aheadAt(member: GuardedMember): number {
    return this.#keeper.aheadAt(member, this.passage.tool);
  }

  placeAt(member: GuardedMember): Promise<void> | undefined {
    const { tool } = this.passage;
    // What its client has answered goes on, whatever the limits say.
    if (!this.#hasAsked) this.#keeper.takeAt(member, tool);
    this.at = member;
    this.#policy = this.#keeper.policyAt(this.passage, member);
    const ticket = this.#ticket;
    if (ticket === undefined) return undefined;
    this.#keeper.goWithin(ticket, member);
    if (ticket.state !== 'waiting') return undefined;
    return new Promise((resolve, reject) => {
      const over = new Fault('GATEWAY_STOPPING', 'the call is over');
      this.#next = () => (this.#isOver ? reject(over) : resolve());
    });
  }

  beside(): BesideGate {
    return new SecondTry(this.#keeper, this);
  }

  stepAside(): void {
    if (this.#ticket !== undefined) this.#keeper.pause(this.#ticket);
  }

  goOn(next: () => void): void {
    if (this.#ticket === undefined || this.#isOver) {
      next();
      return;
    }
    this.#next = next;
    try {
      this.#keeper.comeBack(this.#ticket);
    } catch (error) {
      this.#call.fail(error);
    }
  }

  sentTo(child: Child): void {
    this.#forgetChild(); // the member that had it before
    this.#child = child;
    this.#childKey = child.guarded.insert(this);
    if (child.asking > 0) this.waitsForClient(true);
  }

  leavesChild(): void {
    this.#forgetChild();
    this.waitsForClient(true);
  }

  waitsForClient(isWaiting: boolean): void {
    if (isWaiting) {
      this.#hasAsked = true;
      this.stepAside();
    } else if (this.#ticket !== undefined) this.#keeper.resume(this.#ticket);
  }

  triesAgain(fault: Fault, isUnsent: boolean): boolean {
    const policy = this.#policy;
    if (policy === undefined || this.#attempt >= policy.attemptsMax) return false;
    if (this.#isOver || this.#hasAsked) return false;
    const { isRepeatable } = this.passage;
    if (!mayTryAgain(policy, { code: fault.code, isUnsent, isRepeatable })) return false;
    const delayMs = this.#delayMs(policy, fault);
    if (delayMs >= this.#leftMs - DEADLINE_SLACK_MS) return false;
    this.#giveUpPlace();
    this.#attempt += 1;
    this.#retries = [...this.#retries, fault];
    this.#keeper.retrying(this.passage, { attempt: this.#attempt, error: fault.code, delayMs });
    // Never in this turn: the server has yet to notice what ended.
    this.#timer = setTimeout(() => this.#again(), delayMs);
    return true;
  }

  over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#giveUpPlace();
    this.turn(); // whatever it was to go on with sees that it is over
  }

  onDeadline(): void {
    if (!this.#endsAsItFailed()) this.#call.fail(this.#keeper.expired(this));
  }

  /** How long it may wait for a place beside the deadline that all have. */
  get waitMsMax(): number {
    return this.#attempt === 1 ? Number.POSITIVE_INFINITY : this.#leftMs;
  }

  #run(): void {
    if (this.#call.settled) return;
    this.#beganAtMs ??= this.#keeper.nowMs();
    if (this.waitMsMax <= DEADLINE_SLACK_MS && this.#endsAsItFailed()) return;
    this.passage.attempt(this.attemptLimit);
  }

  get attemptLimit(): AttemptLimit | undefined {
    const leftMs = this.waitMsMax;
    const ofAttempt = this.#policy?.attemptTimeoutMs ?? Number.POSITIVE_INFINITY;
    const timeoutMs = Math.min(ofAttempt, leftMs);
    const key = ofAttempt < leftMs ? 'attempt_timeout_s of its retry policy' : 'call_timeout_s';
    return timeoutMs === Number.POSITIVE_INFINITY ? undefined : { timeoutMs, key };
  }

  #again(): void {
    this.at = this.passage.server;
    try {
      this.#keeper.takeAgain(this.passage);
    } catch {
      this.#endsAsItFailed();
      return;
    }
    this.begin();
  }

  /** Why the attempt before failed says more than why there is no further one. False where there was none. */
  #endsAsItFailed(): boolean {
    const fault = this.#retries.at(-1);
    if (fault === undefined) return false;
    this.#policy = undefined;
    this.#call.fail(fault);
    return true;
  }

  /** Of the time for all attempts. */
  get #leftMs(): number {
    const nowMs = this.#keeper.nowMs();
    return this.passage.timeoutMs - (nowMs - (this.#beganAtMs ?? nowMs));
  }

  #delayMs(policy: RetryPolicy, fault: Fault): number {
    const wanted = retryDelayMs(policy, this.#attempt, this.#keeper.random());
    const asked = fault.data?.['retryAfterMs'];
    return Math.max(wanted, this.passage.server.retryInMs, typeof asked === 'number' ? asked : 0);
  }

  #forgetChild(): void {
    this.#child?.guarded.remove(this.#childKey);
    this.#child = undefined;
  }

  #giveUpPlace(): void {
    this.#forgetChild();
    const ticket = this.#ticket;
    this.#ticket = undefined;
    if (ticket !== undefined) this.#keeper.leave(ticket);
  }
}

/** An attempt that has less time is not made. */
const DEADLINE_SLACK_MS = 5;

/** What runs beside a call at a second member: it costs what any call costs there, and waits for nothing. */
class SecondTry implements BesideGate {
  readonly #keeper: GateKeeper;
  readonly #call: GuardedCall;
  #ticket: Ticket<GuardedCall> | undefined;

  constructor(keeper: GateKeeper, call: GuardedCall) {
    this.#keeper = keeper;
    this.#call = call;
  }

  aheadAt(member: GuardedMember): number {
    return this.#call.aheadAt(member);
  }

  placeAt(member: GuardedMember): undefined {
    this.over(); // of a member before this one
    this.#keeper.takeAt(member, this.#call.passage.tool);
    if (this.#call.line === undefined) return;
    this.#ticket = this.#keeper.placeBeside(this.#call, member);
    if (this.#ticket === undefined)
      throw new Fault('CONCURRENCY_LIMITED', 'a second try does not wait for a place');
  }

  stepAside(): void {
    // It keeps its place: it is the last to be waited for.
  }

  over(): void {
    const ticket = this.#ticket;
    this.#ticket = undefined;
    if (ticket !== undefined) this.#keeper.leave(ticket);
  }
}
