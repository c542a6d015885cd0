/** A day: whoever has a lease for longer has it for ever. */
const TTL_MS_MAX = 86_400_000;

/** @throws TypeError where it is no time that a lease can have */
export function checkTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && ttlMs <= TTL_MS_MAX) return ttlMs;
  throw new TypeError(`a lease is for 1 to ${TTL_MS_MAX} ms, not for ${ttlMs}`);
}
