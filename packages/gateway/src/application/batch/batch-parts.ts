/** What batches of calls need from the gateway around them. */
import type { DomainEvent } from '../ports.ts';
import { NO_CONTINUATIONS, type ContinuationStore } from './continuation-store.ts';

/** How long results are cut; `truncation:` in the configuration. */
export interface Truncation {
  readonly isEnabled: boolean;
  readonly batchBytesMax: number;
  /** No result is cut below this. */
  readonly resultBytesMin: number;
  readonly keepsStructure: boolean;
  readonly endsAtLines: boolean;
}

export interface BatchParts {
  readonly continuations: ContinuationStore;
  readonly truncation: Truncation;
  /** Bytes that may wait for one client: an answer is never longer. */
  readonly clientBytesMax: number;
  /** Takes what becomes of batches on its way to the event log. Never waits and never throws. */
  readonly record: (event: DomainEvent) => void;
}

/** For a gateway that keeps and records nothing. */
export const PLAIN_BATCHES: BatchParts = {
  continuations: NO_CONTINUATIONS,
  truncation: {
    isEnabled: false,
    batchBytesMax: 900_000,
    resultBytesMin: 10_000,
    keepsStructure: true,
    endsAtLines: true,
  },
  clientBytesMax: 67_108_864,
  record: () => undefined,
};
