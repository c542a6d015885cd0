/** Work that its user can interrupt: the first signal asks it to end, the second ends the process. */
import { INTERRUPTED } from './exit-codes.ts';

/** As a shell names the end by a signal: 128 and its number. */
const CODES = { SIGHUP: 129, SIGINT: INTERRUPTED, SIGTERM: 143 } as const;
type EndingSignal = keyof typeof CODES;

/**
 * Answers what the work answers, or the code of the signal that interrupted it; what fails once it is interrupted is
 * a consequence. The work ends soon after its signal is aborted. Rejects as the work does where nobody interrupted.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const ending = new AbortController();
  let code: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const answer = CODES[signal as EndingSignal]; // it is only told of these
    if (code !== undefined) process.exit(answer);
    code = answer;
    ending.abort();
  };
  const signals = Object.keys(CODES) as EndingSignal[]; // the keys are written out above
  for (const signal of signals) process.on(signal, onSignal);
  try {
    const answer = await work(ending.signal);
    return code ?? answer;
  } catch (error) {
    if (code === undefined) throw error;
    return code;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
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
