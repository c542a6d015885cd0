import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

const SAMPLE_MS = 100;
const PAUSE_MS = 150;
const QUIET_SHARE_MAX = 0.15;
const MS_PER_TICK = 10;

/** Busy time of all CPUs since the machine started, in ms, stolen time included; 0 where /proc is missing. */
function busyMs(): number {
  try {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = readFileSync(
      '/proc/stat',
      'latin1',
    )
      .split('\n', 1)
      .flatMap((line) => line.trim().split(/\s+/).slice(1).map(Number));
    return (user + nice + system + irq + softIrq + steal) * MS_PER_TICK;
  } catch {
    return 0; // not Linux: every moment counts as quiet
  }
}

async function busyShare(): Promise<number> {
  const startedMs = performance.now();
  const before = busyMs();
  await wait(SAMPLE_MS);
  return (busyMs() - before) / (performance.now() - startedMs) / availableParallelism();
}

/**
 * Waits for a moment in which others leave the CPUs alone, asked while nothing of the bench itself runs.
 * All waits of a run together are bounded by `budgetMs`.
 */
export class QuietGate {
  #budgetMs: number;
  /** What others used of the CPUs when each wait ended. */
  readonly shares: number[] = [];

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  async wait(): Promise<void> {
    let share = await busyShare();
    while (share > QUIET_SHARE_MAX && this.#budgetMs > 0) {
      await wait(PAUSE_MS);
      this.#budgetMs -= PAUSE_MS + SAMPLE_MS;
      share = await busyShare();
    }
    this.shares.push(share);
  }
}
