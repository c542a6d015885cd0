/** What a process waits for, or does, at the moment. */
export interface PendingStep {
  /** `recovery` */
  readonly process: string;
  /** What it is about: a server, say. */
  readonly subject: string;
  readonly status: 'waiting' | 'trying';
  readonly attempt: number;
  readonly attemptsMax: number;
  /** Milliseconds since the Unix epoch; undefined unless it waits for a time. */
  readonly dueAtMs: number | undefined;
  /** Why. */
  readonly reason: string;
}
