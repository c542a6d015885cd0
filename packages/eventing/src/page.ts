/** Of `EventStore.read`, unless given. */
export const READ_EVENTS_MAX = 1_000;
/** A page ends behind the event that reaches this, whatever `max` says: reading blocks the event loop. */
export const PAGE_CHARS_MAX = 8_388_608;

/** @throws RangeError where a page could never have an event */
export function checkPageSize(max: number): number {
  if (Number.isSafeInteger(max) && max > 0) return max;
  throw new RangeError(`a page has at least one event, not ${max}`);
}
