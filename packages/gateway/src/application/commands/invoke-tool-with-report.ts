import { Fault } from '@mcp-hangar/kernel/errors';
import { z } from 'zod';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { boundedResult, type BoundedResult } from '../batch/long-result.ts';
import { ownerOf } from '../batch/continuation-store.ts';
import type { Call } from '../calls/call.ts';
import { ONE_ATTEMPT, type Attempts } from '../calls/call-gate.ts';
import { inOrder } from '../start-progress.ts';
import { defineCommand, type Stage } from '../use-case.ts';
import { invoke, InvokeInput } from './invoke-tool.ts';

export interface ProgressEntry {
  readonly stage: Stage;
  readonly message: string;
  readonly elapsedMs: number;
}

export interface InvokeReport {
  readonly tool: string;
  /** The tool's result, or why there is none. */
  readonly outcome: BoundedResult | { readonly error: unknown };
  readonly correlationId: string;
  readonly attempts: Attempts;
  readonly totalMs: number;
  readonly progress: readonly ProgressEntry[];
}

const ATTEMPTS_MAX = 100;

export const invokeToolWithReport = defineCommand({
  name: 'invoke_tool_with_report',
  input: () => InvokeInput().extend({ attemptsMax: z.int().min(1).max(ATTEMPTS_MAX).optional() }),
  permission: 'tool:invoke',
  summary:
    'Call a tool of an MCP server and report how that went: stages, time, correlation id, reason of a failure.',
  async run(deps, input, context): Promise<InvokeReport> {
    const startedAtMs = deps.clock.nowMs();
    const entries: ProgressEntry[] = [];
    const progress = inOrder((stage, message) => {
      entries.push({ stage, message, elapsedMs: deps.clock.nowMs() - startedAtMs });
      context.progress(stage, message);
    });
    let made: Call | undefined;
    const carry = (call: Call): void => {
      made = call;
      context.caller.carry(call);
    };
    const outcome = await outcomeOf(async () => {
      const carried = { ...context, progress, caller: { ...context.caller, carry } };
      const answer = await invoke(deps, input, carried);
      return boundedResult(answer, deps.batches, ownerOf(context));
    });
    if ('result' in outcome && outcome.result['isError'] !== true)
      progress('complete', `Tool "${input.tool}" is done`);
    else progress('failed', `Tool "${input.tool}" failed`);
    return {
      tool: input.tool,
      outcome,
      correlationId: context.correlationId,
      attempts: made?.attempts ?? ONE_ATTEMPT,
      totalMs: deps.clock.nowMs() - startedAtMs,
      progress: entries,
    };
  },
});

/** A failure is told, not thrown; what was asked wrongly is not a failure of the call. */
async function outcomeOf(work: () => Promise<BoundedResult>): Promise<InvokeReport['outcome']> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault && WRONGLY_ASKED.has(error.code)) throw error;
    return { error };
  }
}

const WRONGLY_ASKED: ReadonlySet<string> = new Set([
  'INPUT_INVALID',
  'MCP_SERVER_DISABLED',
  'MCP_SERVER_UNKNOWN',
]);

/** The texts of a tool's result, for those who look for a reason in it. */
export const textOf = (result: JsonObject): string =>
  (Array.isArray(result['content']) ? result['content'] : [])
    .flatMap((block: unknown) =>
      isObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
    )
    .join('\n');
