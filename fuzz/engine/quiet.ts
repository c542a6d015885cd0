/** Waiting for work that has no end of its own to wait for. */
import { setImmediate as turn } from 'node:timers/promises';

const TURNS_MAX = 400;

/** Resolves when nothing has changed for some turns of the event loop; all that talk are in this process. */
export async function quiet(progress: () => number, still = 4): Promise<void> {
  let seen = progress();
  let unchanged = 0;
  for (let turns = 0; turns < TURNS_MAX && unchanged < still; turns += 1) {
    await turn();
    const now = progress();
    unchanged = now === seen ? unchanged + 1 : 0;
    seen = now;
  }
}
