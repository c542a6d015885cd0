import type { PruneStep } from './writer-messages.ts';

/** Prunes of one log: one after the other, each in steps. */
export class Pruning {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Answers how many events went; `onStep` is told how many have, after each step.
   * @throws what a step throws; what earlier steps deleted stays deleted
   */
  run(
    step: (from: number) => Promise<PruneStep>,
    onStep?: (deletedCount: number) => void,
  ): Promise<number> {
    const before = this.#last;
    const pruning = (async (): Promise<number> => {
      await before.catch(() => undefined); // its own caller learns of it
      let deletedCount = 0;
      for (let from: number | undefined = 1; from !== undefined;) {
        const done: PruneStep = await step(from);
        deletedCount += done.deletedCount;
        onStep?.(deletedCount);
        from = done.next;
      }
      return deletedCount;
    })();
    this.#last = pruning;
    return pruning;
  }
}
