import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;
const LIMIT_MS = 10_000;

/**
 * Waits for a condition and answers what it answered.
 * @throws Error with `what` when it does not hold within `limitMs`
 */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs: number = LIMIT_MS,
): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}

/** Fails with `what` where a promise takes longer than `limitMs`. */
export async function within<T>(what: string, promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
  const settled = new AbortController();
  const limit = delay(limitMs, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`Not within ${limitMs} ms: ${what}`);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    limit.catch(() => undefined);
    settled.abort();
  }
}

const SETTLED_READS_MAX = 40;

/** What is read twice in a row: the log follows memory by a moment. */
export async function settled<Value>(read: () => Promise<Value>): Promise<Value> {
  let before = JSON.stringify(await read());
  for (let reads = 0; reads < SETTLED_READS_MAX; reads += 1) {
    const now = await read();
    const text = JSON.stringify(now);
    if (text === before) return now;
    before = text;
  }
  throw new Error('It changes all the time');
}
