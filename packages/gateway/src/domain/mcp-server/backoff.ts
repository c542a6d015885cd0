import { leftMs } from '../due-time.ts';

const BACKOFF_MS_MAX = 60_000;
const JITTER = 0.1;

/**
 * How long to wait before the next start after `failures` in a row: 2^n s, at most 60 s, ±10 %.
 * @param random uniform in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  if (failures <= 0) return 0;
  const base = Math.min(BACKOFF_MS_MAX, 2 ** failures * 1_000);
  return Math.round(base * (1 + JITTER * (2 * random - 1)));
}

/** No back-off is longer. */
export const LONGEST_BACKOFF_MS = BACKOFF_MS_MAX * (1 + JITTER);

/** Milliseconds until `retryAtMs`, 0 = now. */
export const dueInMs = (retryAtMs: number, nowMs: number): number =>
  leftMs(retryAtMs, nowMs, LONGEST_BACKOFF_MS);
