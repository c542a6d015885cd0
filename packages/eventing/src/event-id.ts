import { randomUUID } from 'node:crypto';

const TIME_DIGITS = 12;
const TIME_MAX = 2 ** 48 - 1;
/** Of a random UUID: what comes behind the digit of its version. */
const RANDOM_FROM = 15;

/**
 * The id of a new event: a UUID of version 7, which begins with the time. New ones are neighbours in the index of
 * ids; random ones touch a page of it each, which makes appends several times as expensive (ADR 8).
 */
export function eventId(nowMs: number): string {
  const time = Math.min(Math.max(Math.trunc(nowMs), 0), TIME_MAX);
  const digits = time.toString(16).padStart(TIME_DIGITS, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7${randomUUID().slice(RANDOM_FROM)}`;
}
