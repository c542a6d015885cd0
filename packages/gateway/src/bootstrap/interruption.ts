/** Commands that take their time, and the end that a person puts to them. */

const INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does the work of a command until it is done or somebody ends it: the first signal aborts, and the command says so by
 * its exit code once it has cleaned up; the second ends the process at once.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const ending = new AbortController();
  const onSignal = (): void => {
    if (ending.signal.aborted) process.exit(INTERRUPTED);
    ending.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const code = await work(ending.signal);
    return ending.signal.aborted ? INTERRUPTED : code;
  } catch (error) {
    // What the end of the work has thrown is no failure.
    if (ending.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** Resolves after a time, or at once when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over, { once: true });
    if (signal.aborted) over();
  });
}
