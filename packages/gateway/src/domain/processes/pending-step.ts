/** What a process waits for, or does, at the moment. */
export interface PendingStep {
  /** `recovery`, `failover`, `rebalance` */
  readonly process: string;
  /** What it is about: a server or a group. */
  readonly subject: string;
  readonly status: 'waiting' | 'trying' | 'active' | 'failing_back';
  /** Undefined where nothing is tried a number of times. */
  readonly attempt: number | undefined;
  readonly attemptsMax: number | undefined;
  /** Milliseconds since the Unix epoch; undefined unless it waits for a time. */
  readonly dueAtMs: number | undefined;
  /** Why. */
  readonly reason: string;
}

/** The next one first; before them what waits for no time. */
export const byDue = (a: PendingStep, b: PendingStep): number =>
  (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0);
