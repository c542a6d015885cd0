/** Processes that compete for a lease, one of which is stopped while it has it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EventStore, StoredEvent } from '@mcp-hangar/kernel/event-store';
import { until } from '../../../test/support/until.ts';

const SCRIPT = fileURLToPath(new URL('./writing-process.ts', import.meta.url));
const PROCESSES = 3;
const TTL_MS = 250;
/** How many times the lease changes hands after the stopped one goes on. */
const CHANGES = 3;
const TAKEN_MS_MAX = 3_000;
const TRIES_MAX = 20;

export interface Guarded {
  readonly generation: number;
  readonly holder: string;
}

/**
 * What they have stored, in its order. @param log path or URL; the store is one of the same log
 */
export async function storedUnderLeases(
  log: string,
  store: EventStore,
): Promise<readonly Guarded[]> {
  const children = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, ['--conditions=source', SCRIPT, log, 'guarded', String(TTL_MS)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  try {
    await until('it changed hands', async () => (await generationOf(store)) > CHANGES);
    const before = await takenFromStopped(children, store);
    await until('it goes on', async () => (await generationOf(store)) > before + CHANGES);
  } finally {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
  }
  const all: Guarded[] = [];
  for (let from = 1; ;) {
    const page = await store.read('guarded', from);
    all.push(...page.map(guardedOf));
    const last = page.at(-1);
    if (last === undefined) break;
    from = last.version + 1;
  }
  return all;
}

/**
 * Stops the holder until another one has taken over, and lets it go on. One that is stopped while it has the lock of
 * a file holds everybody up: then another moment is tried. Answers the generation that it had.
 */
async function takenFromStopped(
  children: readonly ChildProcess[],
  store: EventStore,
): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const { holder = '', generation = 0 } = (await newest(store)) ?? {};
    const stopped = children.find(({ pid }) => String(pid) === holder);
    stopped?.kill('SIGSTOP');
    try {
      const changed = async (): Promise<boolean> => (await generationOf(store)) > generation + 1;
      await until('another one takes over', changed, TAKEN_MS_MAX);
      return generation;
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
    } finally {
      stopped?.kill('SIGCONT');
    }
  }
}

const guardedOf = ({ data }: StoredEvent): Guarded => ({
  generation: Number(data['generation']),
  holder: typeof data['holder'] === 'string' ? data['holder'] : '',
});

async function newest(store: EventStore): Promise<Guarded | undefined> {
  const { events } = await store.readAllBackward(undefined, 1);
  return events[0] === undefined ? undefined : guardedOf(events[0]);
}

const generationOf = async (store: EventStore): Promise<number> =>
  (await newest(store))?.generation ?? 0;

/** What contradicts that a generation has one holder, and that none is stored behind a later one. */
export function fencingProblems(all: readonly Guarded[]): readonly string[] {
  const holders = new Map<number, string>();
  const problems: string[] = [];
  let last = 0;
  for (const { generation, holder } of all) {
    if (generation < last) problems.push(`generation ${generation} behind ${last}`);
    const known = holders.get(generation) ?? holder;
    if (known !== holder) problems.push(`generation ${generation} of ${known} and ${holder}`);
    holders.set(generation, known);
    last = generation;
  }
  return holders.size > CHANGES ? problems : [...problems, 'it did not change hands'];
}
