/**
 * Which of our sources have run, from V8's block coverage. V8 tells of the functions that ran since it was last asked,
 * each as stretches of text with counts; how it cuts them depends on the counts, so what is kept is one mark a
 * character, and every edge that was seen: what lies between two edges is a block.
 */
import { Session, type Profiler } from 'node:inspector';

/** Our own code, as the URLs of scripts show it. */
const OURS = /\/packages\/[^/]+\/src\//;

interface Script {
  marks: Uint8Array;
  readonly edges: Set<number>;
}

/** What ran between two looks, by script: 1 where it ran. */
export type Sample = ReadonlyMap<string, Uint8Array>;

export class Coverage {
  readonly #session = new Session();
  readonly #scripts = new Map<string, Script>();

  start(): void {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** What ran since the last look. */
  look(): Sample {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    // On a session of the same thread the answer is there before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, told) => {
      if (error !== null) throw error;
      scripts = told.result;
    });
    const sample = new Map<string, Uint8Array>();
    for (const { url, functions } of scripts)
      if (OURS.test(url)) sample.set(url, this.#painted(url, functions));
    return sample;
  }

  isNew(sample: Sample): boolean {
    for (const [url, ran] of sample) {
      const known = this.#scripts.get(url)?.marks;
      for (let at = 0; at < ran.length; at += 1)
        if (ran[at] === 1 && known?.[at] !== 1) return true;
    }
    return false;
  }

  keep(sample: Sample): void {
    for (const [url, ran] of sample) {
      const script = this.#script(url);
      if (script.marks.length < ran.length) script.marks = grown(script.marks, ran.length);
      for (let at = 0; at < ran.length; at += 1) if (ran[at] === 1) script.marks[at] = 1;
    }
  }

  /** Blocks that have run. */
  get blocks(): number {
    let count = 0;
    for (const { marks, edges } of this.#scripts.values())
      for (const edge of edges) if (marks[edge] === 1) count += 1;
    return count;
  }

  /** Functions come outer ones first, and stretches too: what is painted later is the truth. */
  #painted(url: string, functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
    const { edges } = this.#script(url);
    const ranges = functions.flatMap((one) => one.ranges);
    const ran = new Uint8Array(
      ranges.reduce((most, { endOffset }) => Math.max(most, endOffset), 0),
    );
    for (const { startOffset, endOffset, count } of ranges) {
      edges.add(startOffset).add(endOffset);
      ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    return ran;
  }

  #script(url: string): Script {
    let script = this.#scripts.get(url);
    if (script === undefined)
      this.#scripts.set(url, (script = { marks: new Uint8Array(0), edges: new Set() }));
    return script;
  }
}

function grown(marks: Uint8Array, length: number): Uint8Array {
  const more = new Uint8Array(length);
  more.set(marks);
  return more;
}
