/**
 * Many calls at a time for one client: each goes the way of a call of its own, under one deadline.
 *
 * Invariants
 * 1. Every call has one report, in the order in which they were asked for, whatever became of it.
 * 2. Once the batch is stopped (deadline, first failure, client) nothing new begins, what is under way is cancelled at
 *    its server, and the report does not wait for either.
 */
import { randomUUID } from 'node:crypto';
import { atMost } from '../at-most.ts';
import type { BatchCall, BatchRequest } from '../../domain/batch/batch-request.ts';
import { ONE_ATTEMPT, type Attempts } from '../calls/call-gate.ts';
import type { Call } from '../calls/call.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import { invoke } from '../commands/invoke-tool.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import { ownerOf } from './continuation-store.ts';
import { batchCompleted, batchRequested, callCompleted } from './batch-log.ts';
import {
  failureIn,
  failureOf,
  STOP_WORDS,
  stopped,
  type CallFailure,
  type Stop,
} from './call-failure.ts';
import { KeptResults, type ShownResult } from './kept-results.ts';
import { ToolResult } from './tool-result.ts';

export interface CallReport {
  readonly callId: string;
  readonly failure: CallFailure | undefined;
  readonly elapsedMs: number;
  readonly attempts: Attempts;
}

export interface BatchReport {
  readonly batchId: string;
  readonly calls: readonly CallReport[];
  readonly succeeded: number;
  readonly elapsedMs: number;
  /** By index; a tool that failed has one too. */
  readonly results: ReadonlyMap<number, ShownResult>;
}

/** Carries a batch out. Never rejects for what becomes of its calls. */
export async function runBatch(
  deps: UseCaseDeps,
  request: BatchRequest,
  context: UseCaseContext,
): Promise<BatchReport> {
  const batchId = randomUUID();
  const { clock, logger, batches } = deps;
  const startedAtMs = clock.nowMs();
  const batch = { id: batchId, owner: ownerOf(context), calls: request.calls.length };
  const kept = new KeptResults(batches, batch);
  batches.record(batchRequested(batchId, request));
  const running = new RunningBatch({ deps, request, context, batchId, kept });
  const calls = await running.run();
  const report = {
    batchId,
    calls,
    succeeded: calls.filter(({ failure }) => failure === undefined).length,
    elapsedMs: clock.nowMs() - startedAtMs,
  };
  // Nobody reads the results of a client that has left.
  const results = context.signal.aborted ? new Map<number, ShownResult>() : await kept.shown();
  const told: BatchReport = { ...report, results };
  batches.record(batchCompleted(told));
  logger.debug(
    { batchId, calls: calls.length, succeeded: report.succeeded, durationMs: report.elapsedMs },
    'batch_completed',
  );
  return told;
}

interface BatchWork {
  readonly deps: UseCaseDeps;
  readonly request: BatchRequest;
  readonly context: UseCaseContext;
  readonly batchId: string;
  readonly kept: KeptResults;
}

/** What became of one attempt to have a result. */
interface Outcome {
  readonly failure: CallFailure | undefined;
  readonly attempts: Attempts;
}

class RunningBatch {
  readonly #work: BatchWork;
  readonly #reports: CallReport[] = [];
  readonly #underWay = new Set<AbortController>();
  #stop: Stop | undefined;
  #done = 0;

  constructor(work: BatchWork) {
    this.#work = work;
  }

  /** A report for each call, by index. */
  async run(): Promise<readonly CallReport[]> {
    const { request, context } = this.#work;
    const leave = (): void => this.#end('client');
    const timer = setTimeout(() => this.#end('deadline'), request.timeoutMs);
    context.signal.addEventListener('abort', leave, { once: true });
    if (context.signal.aborted) leave();
    try {
      await atMost(request.maxConcurrency, request.calls, (call) => this.#carryOut(call));
      return this.#reports;
    } finally {
      clearTimeout(timer);
      context.signal.removeEventListener('abort', leave);
    }
  }

  #end(stop: Stop): void {
    if (this.#stop !== undefined) return;
    this.#stop = stop;
    for (const controller of this.#underWay) controller.abort(STOP_WORDS[stop]);
  }

  async #carryOut(call: BatchCall): Promise<void> {
    const { deps, batchId, request } = this.#work;
    const callId = randomUUID();
    const startedAtMs = deps.clock.nowMs();
    const { failure, attempts } =
      this.#stop === undefined
        ? await this.#try(call, callId)
        : { failure: stopped(this.#stop), attempts: ONE_ATTEMPT };
    const report = { callId, failure, elapsedMs: deps.clock.nowMs() - startedAtMs, attempts };
    this.#reports[call.index] = report;
    deps.batches.record(callCompleted(batchId, call, report));
    this.#tell(call, failure);
    if (failure !== undefined && request.isFailFast) this.#end('failure');
  }

  async #try(call: BatchCall, callId: string): Promise<Outcome> {
    const { deps, kept } = this.#work;
    const controller = new AbortController();
    let made: Call | undefined;
    const context = this.#contextOf(callId, controller.signal, (sent) => {
      made = sent;
    });
    this.#underWay.add(controller);
    try {
      const answer = await unlessAborted(this.#invoke(call, context), controller.signal);
      const result = ToolResult.of(answer);
      await kept.add(call.index, result);
      return { failure: failureIn(result), attempts: made?.attempts ?? ONE_ATTEMPT };
    } catch (error) {
      const failure =
        controller.signal.aborted && this.#stop !== undefined
          ? stopped(this.#stop)
          : failureOf(error, deps.logger);
      return { failure, attempts: made?.attempts ?? ONE_ATTEMPT };
    } finally {
      this.#underWay.delete(controller);
    }
  }

  #invoke(call: BatchCall, context: UseCaseContext): Promise<ToolAnswer> {
    const { deps, request } = this.#work;
    const { mcpServer: id, tool, arguments: args, timeoutMs } = call;
    const input = { id, tool, arguments: args, timeoutS: timeoutMs / 1_000 };
    return invoke(deps, { ...input, attemptsMax: request.maxAttempts }, context);
  }

  /** The client's own context, without what belongs to one call alone. */
  #contextOf(
    correlationId: string,
    signal: AbortSignal,
    onCall: (call: Call) => void,
  ): UseCaseContext {
    const { context } = this.#work;
    const { params, carry } = context.caller;
    const { _meta: meta } = params;
    return {
      ...context,
      correlationId,
      signal,
      progress: () => undefined,
      serverProgress: () => undefined,
      caller: {
        ...context.caller,
        params: meta === undefined ? {} : { _meta: meta },
        carry: (call) => {
          onCall(call);
          carry(call);
        },
      },
    };
  }

  #tell({ mcpServer, tool }: BatchCall, failure: CallFailure | undefined): void {
    const { context, request } = this.#work;
    this.#done += 1;
    const outcome = failure === undefined ? 'is done' : `failed (${failure.type})`;
    context.serverProgress({
      progress: this.#done,
      total: request.calls.length,
      message: `${mcpServer}.${tool} ${outcome}`,
    });
  }
}

/** The outcome of work, or a rejection as soon as the signal is aborted; the work is not waited for then. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Error('it was stopped'));
  });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined); // nobody hears of it any more
  }
}
