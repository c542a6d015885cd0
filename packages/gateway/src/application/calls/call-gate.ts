/** What stands between a call and its server: its place among those that run, and its further attempts. */
import type { Fault } from '@mcp-hangar/kernel/errors';
import type { Child } from '../servers/child.ts';

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

/** Told of a call that is guarded what happens to it. */
export interface CallGate {
  readonly attempts: Attempts;
  /** The call takes no place until it goes on: its server starts, or lends its children to others. */
  stepAside(): void;
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
