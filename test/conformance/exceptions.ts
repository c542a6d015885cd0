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
export const EXCEPTIONS: readonly Exception[] = (['stdio-legacy', 'http-legacy'] as const).map(
  (cell) => ({
    cell,
    wire: '2026-07-28',
    scenario: 'input-required-result-basic-elicitation',
    check: 'sep-2322-elicitation-incomplete',
    clause:
      '2026-07-28, basic/patterns/mrtr, server requirements 2: "inputRequests keys are server assigned identifiers"; ' +
      '2025-11-25, schema, ElicitRequestFormParams: message, requestedSchema, mode, task; ' +
      '2025-11-25, basic, requests: "The request ID MUST NOT have been previously used by the requestor within the same session"',
    why:
      'The check wants the question under the key "user_name". A legacy elicitation/create has no member for such a ' +
      'name, and its id cannot be the same for every call, so the gateway has to assign a key of its own.',
  }),
);
