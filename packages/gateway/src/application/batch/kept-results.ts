/**
 * The results of one batch until they are answered. What there is no room for is cut, and its whole goes to the
 * continuations.
 *
 * Invariants
 * 1. At most `bytesMax` of results are held; what comes beyond that is cut as it comes.
 * 2. No result is dropped: what is cut has a beginning here, and its whole elsewhere where there was room for it.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { shares } from '../../domain/batch/budgets.ts';
import { cutText, cutValue, VALUE_BYTES_MIN } from '../../domain/batch/cut-value.ts';
import type { BatchParts } from './batch-parts.ts';
import { PARSED_BYTES_MAX, type ToolResult } from './tool-result.ts';

/** A batch is answered as data and once more as text, in which every quote is escaped: four times its results. */
const WRITTEN_TIMES = 4;
/** Results above this make the loop breathe before the next one. */
const TURN_BYTES = 65_536;

export interface ShownResult {
  readonly value: unknown;
  readonly cut: Cut | undefined;
}

export interface Cut {
  readonly reason: 'response_size_exceeded' | 'batch_size_exceeded';
  readonly originalBytes: number;
  /** Undefined where the whole could not be kept. */
  readonly continuationId: string | undefined;
}

export class KeptResults {
  readonly #parts: BatchParts;
  readonly #batch: { readonly id: string; readonly owner: string };
  readonly #bytesMax: number;
  readonly #resultBytesMin: number;
  readonly #held = new Map<number, ToolResult>();
  readonly #shown = new Map<number, ShownResult>();
  #bytes = 0;

  constructor(
    parts: BatchParts,
    batch: { readonly id: string; readonly owner: string; readonly calls: number },
  ) {
    this.#parts = parts;
    this.#batch = batch;
    this.#bytesMax = Math.min(PARSED_BYTES_MAX, Math.floor(parts.clientBytesMax / WRITTEN_TIMES));
    const share = Math.floor(this.#bytesMax / batch.calls);
    this.#resultBytesMin = Math.max(
      VALUE_BYTES_MIN,
      Math.min(parts.truncation.resultBytesMin, share),
    );
  }

  /** Takes a result; resolves when it is held or cut. */
  async add(index: number, result: ToolResult): Promise<void> {
    const bytes = result.text.length;
    if (this.#bytes + bytes <= this.#bytesMax) {
      this.#held.set(index, result);
      this.#bytes += bytes;
      return;
    }
    this.#bytes += this.#resultBytesMin;
    this.#shown.set(index, await this.#cut(index, result, this.#resultBytesMin));
  }

  /** Every result as it is answered, by its index. */
  async shown(): Promise<ReadonlyMap<number, ShownResult>> {
    const { isEnabled, batchBytesMax } = this.#parts.truncation;
    const total = isEnabled ? Math.min(batchBytesMax, this.#bytesMax) : this.#bytesMax;
    const held = [...this.#held];
    const sizes = held.map(([, result]) => result.text.length);
    const left = total - this.#shown.size * this.#resultBytesMin;
    const rooms = shares(sizes, left, this.#resultBytesMin);
    for (const [place, [index, result]] of held.entries()) {
      const [size, room] = [sizes[place] ?? 0, rooms[place] ?? 0];
      this.#shown.set(index, room < size ? await this.#cut(index, result, room) : whole(result));
      if (size > TURN_BYTES) await nextTurn();
    }
    return this.#shown;
  }

  async #cut(index: number, result: ToolResult, bytesMax: number): Promise<ShownResult> {
    const { continuations, truncation } = this.#parts;
    const { keepsStructure, isEnabled, endsAtLines } = truncation;
    const value = keepsStructure ? result.value : undefined;
    const beginning =
      value === undefined
        ? cutText(result.text.toString('utf8', 0, bytesMax), bytesMax, { endsAtLines })
        : cutValue(value, bytesMax, { endsAtLines });
    const id = `cont_${this.#batch.id}_${index}_${randomBytes(4).toString('hex')}`;
    const isKept = await continuations.put({ id, owner: this.#batch.owner }, result.text);
    return {
      value: beginning,
      cut: {
        reason: isEnabled ? 'batch_size_exceeded' : 'response_size_exceeded',
        originalBytes: result.text.length,
        continuationId: isKept ? id : undefined,
      },
    };
  }
}

/** A long line is passed on unread, so that it may turn out to be no JSON. */
const whole = (result: ToolResult): ShownResult => ({
  value: result.value ?? result.text.toString('utf8'),
  cut: undefined,
});
