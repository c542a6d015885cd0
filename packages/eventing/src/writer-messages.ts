import type { EncodedAppend } from './encoded-append.ts';

/** Which events may go. An event goes when one of the limits says so; the newest of a stream never does. */
export interface PruneLimits {
  /**
   * Epoch milliseconds. Events go in the order in which they were stored, up to the first that is not older; so a
   * clock that was ahead for a while keeps events longer, and none is lost for it.
   */
  readonly occurredBeforeMs?: number;
  /** How many of the newest events stay; beside them only the newest of each stream. */
  readonly keepEventsMax?: number;
}

export type ToWriter =
  | { readonly kind: 'append'; readonly appends: readonly EncodedAppend[] }
  | { readonly kind: 'prune'; readonly from: number; readonly limits: PruneLimits }
  | { readonly kind: 'close' };

export type AppendOutcome =
  | { readonly kind: 'stored'; readonly version: number; readonly position: number }
  | { readonly kind: 'conflict'; readonly actual: number }
  | { readonly kind: 'duplicate'; readonly id: string };

export interface PruneStep {
  readonly deletedCount: number;
  /** The position to go on at; undefined where there is nothing more to prune. */
  readonly next: number | undefined;
}

/** `problem`: nothing of what was asked was stored, and why. */
export type FromWriter =
  | { readonly kind: 'appended'; readonly outcomes: readonly AppendOutcome[] }
  | { readonly kind: 'append-failed'; readonly problem: string }
  | { readonly kind: 'pruned'; readonly step: PruneStep }
  | { readonly kind: 'prune-failed'; readonly problem: string };
