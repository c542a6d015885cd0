/** How often a call was tried. */
export interface Attempts {
  readonly attempts: number;
  /** Why it was tried again, each time: codes of the catalogue, in order. */
  readonly retries: readonly string[];
}

/** A further attempt that is about to be made. */
export interface Retrying {
  /** The one to come, from 2. */
  readonly attempt: number;
  readonly error: string;
  readonly delayMs: number;
}

export const NOT_REPEATED: Attempts = { attempts: 1, retries: [] };
