/** What `init`, `import` and `connect` say with `--json`. Members may be added; none is renamed or removed. */
import { z } from 'zod';

export const SetupReport = z.object({
  /** Absolute; it may not exist yet. */
  config: z.string(),
  dry_run: z.boolean(),
  /** Every entry that was looked at. */
  servers: z.array(
    z.object({
      client: z.string(),
      file: z.string(),
      name: z.string(),
      outcome: z.enum(['imported', 'already_there', 'skipped', 'gateway']),
      /** In our configuration. */
      id: z.string().nullable(),
      reason: z.string().nullable(),
      notes: z.array(z.string()),
    }),
  ),
  /** Servers that came from no client. */
  added: z.array(z.string()),
  clients: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      file: z.string(),
      is_installed: z.boolean(),
      is_connected: z.boolean(),
      /** What was done, or would be. */
      change: z.enum(['connected', 'disconnected', 'none']),
      problem: z.string().nullable(),
    }),
  ),
  runtimes: z.array(
    z.object({ name: z.string(), path: z.string().nullable(), version: z.string().nullable() }),
  ),
  /** Secrets that moved, by the names of their variables. */
  secrets: z.object({ file: z.string(), variables: z.array(z.string()) }).nullable(),
  files: z.array(
    z.object({ path: z.string(), change: z.enum(['created', 'changed']), diff: z.string() }),
  ),
  notes: z.array(z.string()),
  smoke_test: z.array(
    z.object({
      id: z.string(),
      is_ready: z.boolean(),
      ms: z.number(),
      tools: z.number().nullable(),
      error: z.string().nullable(),
    }),
  ),
  /** Takes everything back; null where nothing was written. */
  undo: z.string().nullable(),
});
export type SetupReport = z.infer<typeof SetupReport>;

/** What `init --undo` says with `--json`. */
export const UndoReport = z.object({
  undone: z.string().nullable(),
  made_at: z.string().nullable(),
  files: z.array(z.string()),
});
export type UndoReport = z.infer<typeof UndoReport>;
