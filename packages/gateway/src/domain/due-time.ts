/**
 * Milliseconds until a time that is waited for; 0 = now. One further away than any wait is was set before the clock was
 * set back: it is due, so that nothing waits for the old time.
 * @param delayMsMax the longest that it can have been away when it was set
 */
export function leftMs(dueAtMs: number, nowMs: number, delayMsMax: number): number {
  const ms = dueAtMs - nowMs;
  return ms > 0 && ms <= delayMsMax ? ms : 0;
}
