/** What a process holds: memory of its own, files, handles, descendants. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const MIB = 1_048_576;
const POLL_MS = 5;

/**
 * The collection that gives everything back, the room for young objects included: that room grows with what was
 * busy for a while (to 128 MiB in Node 24), and its size says nothing of leaks.
 */
const COLLECTION = { type: 'major', execution: 'sync', flavor: 'last-resort' };

/** Anonymous memory that is resident, after everything that nobody needs was given back. MiB. */
export async function anonymousMib(): Promise<number> {
  const { gc } = globalThis as { readonly gc?: (options?: object) => unknown };
  if (gc === undefined) throw new Error('run with --expose-gc');
  const readings: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    gc(COLLECTION);
    await delay(20); // the memory is given back by helper threads
    const status = readFileSync('/proc/self/status', 'utf8');
    readings.push(Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) / 1_024);
  }
  return Math.min(...readings);
}

export const heapMib = (): number => process.memoryUsage().heapUsed / MIB;

export const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** What keeps an event loop alive, by kind; only kinds that are a leak when they stay. */
export function handles(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Listeners of the process itself, which everything shares. */
export const processListeners = (): number =>
  process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);

/** Every process whose parent, or whose group, is one of these; what waits to be reaped does not count. */
export function livingOf(parent: number, groups: ReadonlySet<number>): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [state, ppid, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z' || state === 'X') return false;
        return Number(ppid) === parent || groups.has(Number(group));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Waits for a condition; answers whether it came true in time. */
export async function becomesTrue(condition: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
