import type { Buffer } from 'node:buffer';
import { setTimeout as wait } from 'node:timers/promises';
import type { Arm } from './arms.ts';
import { quantile } from './statistics.ts';

const CALL_MS_MAX = 30_000;

/** A request that is sent again and again, and what its answer must be. */
export interface Load {
  readonly method: string;
  /** The parameters as JSON, for an arm's name of the tool. */
  readonly params: (toolName: (tool: string) => string) => string;
  /** Whether the answer, parsed, is the right one. Asked of each small answer, else of the first of a block. */
  readonly isRight: (answer: unknown) => boolean;
}

/** What a block of calls took: each call in ms, the wall time in ms, the CPU of the arm in µs. */
export interface Block {
  readonly callsMs: readonly number[];
  readonly wallMs: number;
  readonly cpuUs: number;
}

export interface BlockSize {
  /** Calls that are under way at any time. */
  readonly inFlight: number;
  /** The block ends after this time, but not before it has made `callsMin` calls. */
  readonly ms: number;
  readonly callsMin: number;
}

const PARSED_ALWAYS_BYTES_MAX = 4096;

/**
 * Checks answers at a small cost: small ones and the first are parsed, the rest must be as long as the
 * first was (equal answers are: see `Client`).
 */
function answerCheck(load: Load): (answer: Buffer) => void {
  let bytes: number | undefined;
  return (answer) => {
    if (answer.length === bytes && bytes > PARSED_ALWAYS_BYTES_MAX) return;
    const text = answer.toString();
    const isSameLength = bytes === undefined || bytes === answer.length;
    if (!isSameLength || !load.isRight(JSON.parse(text))) {
      throw new Error(`wrong answer: ${text.slice(0, 200)}`);
    }
    bytes = answer.length;
  };
}

/** Calls an arm with `inFlight` calls at once until the block is full. Rejects on the first wrong answer. */
export async function runBlock(arm: Arm, load: Load, size: BlockSize): Promise<Block> {
  const params = load.params(arm.toolName);
  const check = answerCheck(load);
  const callsMs: number[] = [];
  const cpuBeforeUs = arm.cpuUs();
  const startedMs = performance.now();
  let started = 0;
  const isFull = (): boolean =>
    started >= size.callsMin && performance.now() - startedMs >= size.ms;
  const callInTurn = async (): Promise<void> => {
    while (!isFull()) {
      started += 1;
      const sentMs = performance.now();
      const answer = await arm.client.request(load.method, params);
      callsMs.push(performance.now() - sentMs);
      check(answer);
    }
  };
  try {
    await Promise.race([
      Promise.all(Array.from({ length: size.inFlight }, callInTurn)),
      failAfter(size.ms + CALL_MS_MAX, 'no answer'),
    ]);
  } catch (error) {
    const problem = `${arm.name}, ${load.method}: ${String(error)}\n${arm.lastWords()}`;
    throw new Error(problem, { cause: error });
  }
  return { callsMs, wallMs: performance.now() - startedMs, cpuUs: arm.cpuUs() - cpuBeforeUs };
}

/** Rejects after that time; does not keep the process alive for it. */
async function failAfter(ms: number, problem: string): Promise<never> {
  await wait(ms, undefined, { ref: false });
  throw new Error(problem);
}

export const p50Ms = (block: Block): number => quantile(block.callsMs, 0.5);
export const callsPerSecond = (block: Block): number =>
  block.callsMs.length / (block.wallMs / 1000);
export const cpuUsPerCall = (block: Block): number => block.cpuUs / block.callsMs.length;
