/** What stands between a call and its server: its place among those that run, and its further attempts. */
import type { Fault } from '@mcp-hangar/kernel/errors';
import type { Child } from '../servers/child.ts';
import type { McpServer } from '../servers/mcp-server.ts';

/** A further attempt that is about to be made. */
export interface Retrying {
  /** From 2. */
  readonly attempt: number;
  /** Why the one before has failed: a code of the catalogue. */
  readonly error: string;
  readonly delayMs: number;
}

export interface Attempts {
  readonly attempts: number;
  /** Why all but the last one have failed: codes of the catalogue, in order. */
  readonly retries: readonly string[];
}

export const ONE_ATTEMPT: Attempts = { attempts: 1, retries: [] };

/** How long an attempt may be silent, and which key says so. */
export interface AttemptLimit {
  readonly timeoutMs: number;
  readonly key: string;
}

/** A member of a group, as far as the gates look at it. */
export type GuardedMember = Pick<McpServer, 'spec' | 'retryInMs'>;

/** What a call has to pass before a member of a group gets it. */
export interface MemberGate {
  /** How many calls it would wait for there; infinite where it would be refused now. */
  aheadAt(member: GuardedMember): number;
  /**
   * Takes what the call costs at the member, and a place there: undefined where it has one.
   * @throws Fault RATE_LIMITED, CONCURRENCY_LIMITED
   */
  placeAt(member: GuardedMember): Promise<void> | undefined;
  /** The call takes no place until it goes on: its server starts, or lends its children to others. */
  stepAside(): void;
}

/** The same for a second try beside the call: it waits for nothing, and is told of its end. */
export interface BesideGate extends MemberGate {
  over(): void;
}

/** Told of a call that is guarded what happens to it. */
export interface CallGate extends MemberGate {
  readonly attempts: Attempts;
  /** Of the attempt that is under way; undefined = the time that every call has. */
  readonly attemptLimit: AttemptLimit | undefined;
  /** What a second try passes that runs beside the call. */
  beside(): BesideGate;
  /** Does `next` when there is a place again, or at once where the call is over. */
  goOn(next: () => void): void;
  /** A child has the call; while it waits for its client the call takes no place. */
  sentTo(child: Child): void;
  /** The server has forgotten the call until its client has answered. */
  leavesChild(): void;
  /** The server waits for the client of the call, or goes on. */
  waitsForClient(isWaiting: boolean): void;
  /** Whether another attempt follows this failed one, which the gate then makes. */
  triesAgain(fault: Fault, isUnsent: boolean): boolean;
  /** The call is over. */
  over(): void;
}
