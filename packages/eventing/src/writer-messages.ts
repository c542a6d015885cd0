import type { Lease } from '@mcp-hangar/kernel/lease';
import type { EncodedAppend } from './encoded-append.ts';
import type { EncodedSnapshot } from './encoded-snapshot.ts';

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

/** What a prune would find. */
export interface Prunable {
  readonly prunableCount: number;
  /** All of them. */
  readonly eventsCount: number;
}

/** What is asked of the writer beside appends; it answers in the order in which it was asked. */
export type WriterTask =
  | { readonly kind: 'prune'; readonly from: number; readonly limits: PruneLimits }
  | {
      readonly kind: 'acquire';
      readonly name: string;
      readonly holder: string;
      readonly ttlMs: number;
    }
  | { readonly kind: 'renew'; readonly lease: Lease; readonly ttlMs: number }
  | { readonly kind: 'release'; readonly lease: Lease }
  | { readonly kind: 'save-snapshots'; readonly snapshots: readonly EncodedSnapshot[] };

/** By the kind of its task. */
export interface TaskResults {
  readonly prune: PruneStep;
  readonly acquire: Lease | undefined;
  readonly renew: boolean;
  readonly release: undefined;
  readonly 'save-snapshots': undefined;
}

export type ToWriter =
  | { readonly kind: 'append'; readonly appends: readonly EncodedAppend[] }
  | { readonly kind: 'task'; readonly task: WriterTask }
  | { readonly kind: 'close' };

export type AppendOutcome =
  | { readonly kind: 'stored'; readonly version: number; readonly position: number }
  | { readonly kind: 'conflict'; readonly actual: number }
  | { readonly kind: 'duplicate'; readonly id: string }
  /** The lease of its guard is at this generation. */
  | { readonly kind: 'fenced'; readonly actual: number };

export interface PruneStep {
  readonly deletedCount: number;
  /** The position to go on at; undefined where there is nothing more to prune. */
  readonly next: number | undefined;
}

/** `problem`: nothing of what was asked was stored, and why. */
export type FromWriter =
  | { readonly kind: 'appended'; readonly outcomes: readonly AppendOutcome[] }
  | { readonly kind: 'append-failed'; readonly problem: string }
  | { readonly kind: 'task-done'; readonly result: TaskResults[WriterTask['kind']] }
  | { readonly kind: 'task-failed'; readonly problem: string };
