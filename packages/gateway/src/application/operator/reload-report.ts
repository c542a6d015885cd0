/** What became of a reload, as an operator's command gets and prints it. */
import { z } from 'zod';
import type { ReloadReport } from '../reload/reloads.ts';

/** Printed by `reload --json`: members are added, never renamed or removed. */
export const ReloadAnswer = z.object({
  file: z.string(),
  dry_run: z.boolean(),
  /** The content of the file is what is served already. */
  identical: z.boolean(),
  added: z.array(z.string()),
  removed: z.array(z.string()),
  updated: z.array(z.string()),
  unchanged: z.array(z.string()),
  /** Of those updated: they stop, and start again with their next call. */
  restarted: z.array(z.string()),
  /** Which of all these ids are groups, or were. */
  groups: z.array(z.string()),
  duration_ms: z.number(),
  /** Of that, from the checked configuration to the servers in place. */
  apply_ms: z.number(),
});
export type ReloadAnswer = z.infer<typeof ReloadAnswer>;

const MICROSECONDS = 1_000;

export const reloadAnswer = ({
  path,
  isDryRun,
  isIdentical,
  diff,
  durationMs,
  applyMs,
}: ReloadReport): ReloadAnswer => ({
  file: path,
  dry_run: isDryRun,
  identical: isIdentical,
  added: [...diff.added],
  removed: [...diff.removed],
  updated: [...diff.updated],
  unchanged: [...diff.unchanged],
  restarted: [...diff.restarted],
  groups: [...diff.groups],
  duration_ms: durationMs,
  apply_ms: Math.round(applyMs * MICROSECONDS) / MICROSECONDS,
});
