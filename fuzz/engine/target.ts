/** What a target is. Each file in `fuzz/targets` exports one as `target`; its name is that of the file. */
import type { Random } from './random.ts';

export interface Target {
  /** Inputs as a well-behaved sender makes them: mutation begins here and at the files in `fuzz/seeds/NAME`. */
  readonly beginnings: readonly (string | Buffer)[];
  /** Words that mutation puts in. */
  readonly dictionary: readonly string[];
  /** A new input by the rules of its format, where mutated bytes seldom get past a parser. */
  readonly make?: (random: Random) => string | Buffer;
  readonly bytesMax?: number;
  open(): Promise<Subject>;
}

/** What is fuzzed, open. */
export interface Subject {
  /** Throws, or rejects, where the input shows a defect; what is refused as documented is none. */
  run(input: Buffer): void | Promise<void>;
  close(): Promise<void>;
}

/** A promise of the code that an input broke. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** @throws Broken */
export function expect(holds: boolean, promise: string, seen?: unknown): asserts holds {
  if (holds) return;
  const shown = seen === undefined ? '' : `: ${JSON.stringify(seen)?.slice(0, 2_000)}`;
  throw new Broken(`${promise}${shown}`);
}

const PIECES_MAX = 1_024;

/** Bytes cut at places of chance; sometimes into single bytes, where they are not too many. */
export function pieces(bytes: Buffer, random: Random): readonly Buffer[] {
  const cut: Buffer[] = [];
  const least = Math.ceil(bytes.length / PIECES_MAX);
  const most = random.once(4) ? 1 : 1 + random.below(Math.max(2, bytes.length));
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + least + random.below(most));
    cut.push(bytes.subarray(at, end));
    at = end;
  }
  return cut;
}
