/** What the gateway does by itself later, as an operator's command gets it. */
import { z } from 'zod';
import type { PendingProcesses } from '../queries/list-processes.ts';

/** Characters of a reason that a server gave. */
const REASON_CHARS_MAX = 512;

/** What `mcp-hangar sagas --json` prints: members are added, never renamed or removed. */
export const ProcessesReport = z.object({
  as_of: z.iso.datetime(),
  sagas: z.array(
    z.object({
      type: z.string(),
      subject: z.string(),
      status: z.string(),
      /** Null where nothing is tried a number of times. */
      attempt: z.number().nullable(),
      attempts_max: z.number().nullable(),
      /** Null where it does not wait for a time. */
      due_at: z.iso.datetime().nullable(),
      reason: z.string(),
    }),
  ),
});
export type ProcessesReport = z.infer<typeof ProcessesReport>;

export const processesReport = ({ nowMs, steps }: PendingProcesses): ProcessesReport => ({
  as_of: new Date(nowMs).toISOString(),
  sagas: steps.map((step) => ({
    type: step.process,
    subject: step.subject,
    status: step.status,
    attempt: step.attempt ?? null,
    attempts_max: step.attemptsMax ?? null,
    due_at: step.dueAtMs === undefined ? null : new Date(step.dueAtMs).toISOString(),
    reason: step.reason.slice(0, REASON_CHARS_MAX),
  })),
});
