import { DuplicateEvent, VersionConflict } from '@mcp-hangar/kernel/event-store';
import { LeaseLost } from '@mcp-hangar/kernel/lease';
import type { WaitingAppend } from './append-queue.ts';
import { positionOf } from './position.ts';
import type { AppendOutcome } from './writer-messages.ts';

/** Tells whoever waits for an append what came of it. */
export function settleAppend(
  { append, resolve, reject }: WaitingAppend,
  outcome: AppendOutcome,
): void {
  switch (outcome.kind) {
    case 'stored':
      resolve({ version: outcome.version, position: positionOf(outcome.position) });
      return;
    case 'conflict':
      reject(new VersionConflict(append.stream, append.expected, outcome.actual));
      return;
    case 'duplicate':
      reject(new DuplicateEvent(outcome.id));
      return;
    case 'fenced': {
      const { name = '', generation = 0 } = append.guard ?? {};
      reject(new LeaseLost(name, generation, outcome.actual));
    }
  }
}
