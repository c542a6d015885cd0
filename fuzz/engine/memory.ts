/** Anonymous memory of this process over time, and how fast it grows. */
import { anonymousMib } from '../../test/load/resources.ts';

const EVERY_MS = 10_000;
const WINDOW_MS = 300_000;
/** A line through less time, or fewer marks, says nothing. */
const SPAN_MS_MIN = 240_000;
const MARKS_MIN = 12;
const SLOPE_MIB_PER_MINUTE_MAX = 1;

interface Mark {
  readonly atMs: number;
  readonly mib: number;
  /** Of that, what JavaScript holds: objects, and the bytes of buffers. */
  readonly heldMib?: number;
}

export interface MemoryReport {
  readonly mib: number;
  /** Over the last five minutes, least squares; undefined where the run was too short to tell. */
  readonly slopeMibPerMinute: number | undefined;
  readonly grows: boolean;
  /** Every mark of those minutes: all of it, and what JavaScript holds of it. */
  readonly marks: readonly string[];
}

export class Memory {
  readonly #marks: Mark[] = [];
  #nextMs = 0;

  /** Measures where it is time to. What nobody needs is collected first: the heap of a busy process breathes by tens of MiB. */
  async look(nowMs: number): Promise<void> {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    const mib = await anonymousMib();
    const { heapUsed, external } = process.memoryUsage();
    this.#marks.push({ atMs: nowMs, mib, heldMib: (heapUsed + external) / 1_048_576 });
  }

  report(): MemoryReport {
    const last = this.#marks.at(-1);
    if (last === undefined)
      return { mib: 0, slopeMibPerMinute: undefined, grows: false, marks: [] };
    const marks = this.#marks.filter(({ atMs }) => atMs >= last.atMs - WINDOW_MS);
    const isLong = last.atMs - (marks[0]?.atMs ?? last.atMs) >= SPAN_MS_MIN;
    const slope = isLong && marks.length >= MARKS_MIN ? slopeOf(marks) * 60_000 : undefined;
    return {
      mib: last.mib,
      slopeMibPerMinute: slope,
      grows: slope !== undefined && slope >= SLOPE_MIB_PER_MINUTE_MAX,
      marks: marks.map(({ mib, heldMib = 0 }) => `${mib.toFixed(1)}/${heldMib.toFixed(1)}`),
    };
  }
}

/** MiB a millisecond. */
export function slopeOf(marks: readonly Mark[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const middleMs = mean(marks.map(({ atMs }) => atMs));
  const middleMib = mean(marks.map(({ mib }) => mib));
  let above = 0;
  let below = 0;
  for (const { atMs, mib } of marks) {
    above += (atMs - middleMs) * (mib - middleMib);
    below += (atMs - middleMs) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
