import { randomUUID } from 'node:crypto';

const TIME_DIGITS = 12;
const TIME_MAX = 2 ** 48 - 1;
/** Of a random UUID: what comes behind the digit of its version. */
const RANDOM_FROM = 15;

/**
 * Makes the ids of new events: UUIDs of version 7, which begin with the time. New ones are neighbours in the index of
 * ids; random ones touch a page of it each, which makes appends several times as expensive (ADR 8).
 */
export function eventIds(clock: { nowMs(): number }): () => string {
  // Events are made many at a time.
  let [latestMs, head] = [Number.NaN, ''];
  return () => {
    const nowMs = clock.nowMs();
    if (nowMs !== latestMs) [latestMs, head] = [nowMs, headOf(nowMs)];
    return head + randomUUID().slice(RANDOM_FROM);
  };
}

function headOf(nowMs: number): string {
  const time = Math.min(Math.max(Math.trunc(nowMs), 0), TIME_MAX);
  const digits = time.toString(16).padStart(TIME_DIGITS, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7`;
}
