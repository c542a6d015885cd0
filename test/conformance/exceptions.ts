import type { Cell } from './cells.ts';
import type { Revision } from './suite.ts';

/** A scored check that cannot pass in one cell, because the protocol has no way to carry what it asks for. */
export interface Exception {
  readonly cell: Cell;
  /** What the client speaks. */
  readonly wire: Revision;
  readonly scenario: string;
  /** Without it, every failed check of the scenario. */
  readonly check?: string;
  /** The clause of the specification that makes it impossible. */
  readonly clause: string;
  readonly why: string;
}

/** One that passes again fails the matrix, as one that is missing here does. */
export const EXCEPTIONS: readonly Exception[] = [];
