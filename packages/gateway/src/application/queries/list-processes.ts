import { z } from 'zod';
import type { PendingStep } from '../../domain/processes/pending-step.ts';
import { defineQuery } from '../use-case.ts';

export interface PendingProcesses {
  readonly nowMs: number;
  /** The next one first. */
  readonly steps: readonly PendingStep[];
}

export const listProcesses = defineQuery({
  name: 'list_processes',
  input: () => z.strictObject({}),
  permission: 'audit:read',
  summary:
    'List what the gateway does by itself later: which servers are tried again, why, and when.',
  run: ({ clock, processes }): PendingProcesses => ({
    nowMs: clock.nowMs(),
    steps: processes.pending(),
  }),
});
