/**
 * Tries inputs on one target: those of the repository first, then changed ones, in batches. After each batch it looks
 * whether something new has run; where it has, the inputs of the batch are tried again to find out which.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Corpus } from './corpus.ts';
import type { Coverage } from './coverage.ts';
import { findingOf, type Finding } from './finding.ts';
import { Memory, type MemoryReport } from './memory.ts';
import { Random } from './random.ts';
import type { Subject, Target } from './target.ts';

/** Long enough that looking costs little of it. */
const BATCH_MS = 250;
const BATCH_MAX = 2_000;
const FIRST_BATCH = 16;
const SLOW_MS = 1_000;
const SLOW_MEDIANS = 20;
/** What takes longer is tried, and not changed: its likes would take all the time. */
const SLOW_SEED_MS = 200;
/** Tries to make the input of a finding shorter. */
const SHORTEN_MAX = 400;
/** Durations of which the median is known. */
const DURATIONS_MAX = 1_001;

export interface FuzzerOptions {
  readonly target: Target;
  readonly seeds: readonly Buffer[];
  readonly seed: number;
  readonly untilMs: number;
  readonly executionsMax: number;
  readonly coverage: Coverage;
  /** Inputs that are about to run: whoever survives a crash of this process finds it there. */
  readonly announce: (inputs: readonly Buffer[]) => void;
  readonly found: (finding: Finding) => void;
}

export interface FuzzReport {
  readonly executions: number;
  readonly seconds: number;
  readonly corpus: number;
  readonly blocks: number;
  readonly blocksOfSeeds: number;
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly memory: MemoryReport;
  readonly findings: number;
}

export class Fuzzer {
  readonly #options: FuzzerOptions;
  readonly #subject: Subject;
  readonly #random: Random;
  readonly #corpus: Corpus;
  readonly #memory = new Memory();
  readonly #durationsMs: number[] = [];
  readonly #found = new Set<string>();
  #executions = 0;
  #medianMs = 0;
  #slowestMs = 0;
  #current: Buffer = Buffer.alloc(0);

  constructor(subject: Subject, options: FuzzerOptions) {
    this.#options = options;
    this.#subject = subject;
    this.#random = new Random(options.seed);
    this.#corpus = new Corpus(options.target, this.#random);
  }

  /** Something went wrong beside what a run answered for: it is laid to the input of that moment. */
  stray(error: unknown): void {
    this.#tell(findingOf(error, this.#current));
  }

  async run(): Promise<FuzzReport> {
    const { coverage, seeds, untilMs, executionsMax } = this.#options;
    const startMs = performance.now();
    for (const seed of seeds) {
      this.#options.announce([seed]);
      const startMs = performance.now();
      await this.#try(seed);
      const isQuick = performance.now() - startMs < SLOW_SEED_MS;
      coverage.keep(coverage.look());
      if (isQuick) this.#corpus.keep(seed);
    }
    const blocksOfSeeds = coverage.blocks;
    await turn();
    let size = FIRST_BATCH;
    while (performance.now() < untilMs && this.#executions < executionsMax) {
      const batch = Array.from({ length: size }, () => this.#corpus.next());
      const tookMs = await this.#tryAll(batch);
      const ran = coverage.look();
      if (coverage.isNew(ran)) {
        await this.#findNew(batch);
        coverage.keep(ran); // what no input shows a second time is not looked for again
      }
      size = Math.min(BATCH_MAX, Math.max(1, Math.ceil((size * BATCH_MS) / Math.max(1, tookMs))));
      await this.#memory.look(performance.now());
    }
    return {
      executions: this.#executions,
      seconds: (performance.now() - startMs) / 1_000,
      corpus: this.#corpus.size,
      blocks: coverage.blocks,
      blocksOfSeeds,
      medianMs: this.#medianMs,
      slowestMs: this.#slowestMs,
      memory: this.#memory.report(),
      findings: this.#found.size,
    };
  }

  /** Halves the inputs until those are left that reach something new; they are kept. */
  async #findNew(inputs: readonly Buffer[]): Promise<void> {
    const { coverage } = this.#options;
    const middle = Math.ceil(inputs.length / 2);
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      if (half.length === 0) continue;
      await this.#tryAll(half);
      const ran = coverage.look();
      const [only] = half;
      if (!coverage.isNew(ran)) continue;
      if (half.length > 1) await this.#findNew(half);
      else if (only !== undefined) {
        coverage.keep(ran);
        this.#corpus.keep(only);
      }
    }
  }

  async #tryAll(inputs: readonly Buffer[]): Promise<number> {
    this.#options.announce(inputs);
    const startMs = performance.now();
    for (const input of inputs) await this.#try(input);
    await turn(); // timers and rejections, which a target that never waits would keep off
    return performance.now() - startMs;
  }

  async #try(input: Buffer): Promise<void> {
    const { error, tookMs } = await this.#once(input);
    this.#timed(tookMs);
    if (error !== undefined) await this.#shorten(findingOf(error, input));
    if (tookMs > this.#limitMs) await this.#slow(input, tookMs);
  }

  async #once(input: Buffer): Promise<{ readonly error: unknown; readonly tookMs: number }> {
    this.#current = input;
    this.#executions += 1;
    const startMs = performance.now();
    const cpu = process.cpuUsage();
    const loop = performance.eventLoopUtilization();
    try {
      await this.#subject.run(input);
      const wallMs = performance.now() - startMs;
      if (wallMs < SLOW_MS) return { error: undefined, tookMs: wallMs };
      // What others took of the processor is nobody's fault: what counts is work, and waiting for nothing.
      const { user, system } = process.cpuUsage(cpu);
      const { idle } = performance.eventLoopUtilization(loop);
      return { error: undefined, tookMs: Math.min(wallMs, (user + system) / 1_000 + idle) };
    } catch (error) {
      return { error: error ?? new Error('nothing was thrown'), tookMs: 0 };
    }
  }

  #timed(tookMs: number): void {
    this.#slowestMs = Math.max(this.#slowestMs, tookMs);
    this.#durationsMs.push(tookMs);
    if (this.#durationsMs.length < DURATIONS_MAX) return;
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    this.#medianMs = sorted[DURATIONS_MAX >> 1] ?? 0;
    this.#durationsMs.length = 0;
  }

  get #limitMs(): number {
    return Math.max(SLOW_MS, SLOW_MEDIANS * this.#medianMs);
  }

  /** The machine has others to serve: what is slow is slow three times. */
  async #slow(input: Buffer, firstMs: number): Promise<void> {
    let ms = firstMs;
    for (let again = 0; again < 2; again += 1) {
      this.#options.announce([input]);
      ms = Math.min(ms, (await this.#once(input)).tookMs);
    }
    if (ms <= this.#limitMs) return;
    this.#tell(findingOf(new Error(`slow: ${ms.toFixed(0)} ms`), input));
  }

  /** Leaves out stretches as long as the same defect shows. */
  async #shorten(finding: Finding): Promise<void> {
    if (this.#found.has(finding.hash)) return;
    this.#tell(finding);
    let best = finding;
    let tries = SHORTEN_MAX;
    for (let part = best.input.length >> 1; part >= 1; part >>= 1) {
      for (let at = 0; at < best.input.length && tries > 0; tries -= 1) {
        const { input } = best;
        const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + part)]);
        const { error } = await this.#once(shorter);
        const again = error === undefined ? undefined : findingOf(error, shorter);
        if (again?.hash === finding.hash) best = again;
        else at += part;
      }
    }
    if (best !== finding) this.#options.found(best);
  }

  #tell(finding: Finding): void {
    if (this.#found.has(finding.hash)) return;
    this.#found.add(finding.hash);
    this.#options.found(finding);
  }
}
