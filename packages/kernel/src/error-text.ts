/** What was thrown, as text: it need not be an error. */

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** For the log, where a defect is told. */
export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
