/** What the tools around batches answer. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { batchErrorType } from '../../domain/batch/error-type.ts';
import type { CallReport } from '../batch/run-batch.ts';
import type { Cut, ShownResult } from '../batch/kept-results.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import type { BatchOutcome } from '../commands/invoke-batch.ts';
import type { FetchedContinuation } from '../queries/fetch-continuation.ts';
import { valueAnswer } from './value-answer.ts';

export function batchAnswer(outcome: BatchOutcome): ToolAnswer {
  if (outcome.kind === 'invalid') return invalidAnswer(outcome.batchId, outcome);
  const { report } = outcome;
  const failed = report.calls.length - report.succeeded;
  return valueAnswer({
    batch_id: report.batchId,
    success: failed === 0,
    total: report.calls.length,
    succeeded: report.succeeded,
    failed,
    elapsed_ms: report.elapsedMs,
    results: report.calls.map((call, index) => entryOf(index, call, report.results.get(index))),
  });
}

function invalidAnswer(
  batchId: string,
  { problems }: Extract<BatchOutcome, { kind: 'invalid' }>,
): ToolAnswer {
  const answer = valueAnswer({
    batch_id: batchId,
    success: false,
    error: 'Validation failed',
    validation_errors: problems,
  });
  return answer.kind === 'value'
    ? { kind: 'value', result: { ...answer.result, isError: true } }
    : answer;
}

/** What is said of a result that is not whole. */
export const cutMembers = (cut: Cut | undefined): JsonObject =>
  cut === undefined
    ? {}
    : {
        truncated: true,
        truncated_reason: cut.reason,
        original_size_bytes: cut.originalBytes,
        continuation_id: cut.continuationId ?? null,
      };

function entryOf(index: number, call: CallReport, shown: ShownResult | undefined): JsonObject {
  const { failure, attempts } = call;
  return {
    index,
    call_id: call.callId,
    success: failure === undefined,
    result: shown?.value ?? null,
    error: failure?.message ?? null,
    error_type: failure?.type ?? null,
    ...(failure?.code === undefined ? {} : { error_code: failure.code }),
    elapsed_ms: call.elapsedMs,
    ...cutMembers(shown?.cut),
    ...(attempts.attempts === 1
      ? {}
      : {
          retry_metadata: {
            attempts: attempts.attempts,
            retries: attempts.retries.map(batchErrorType),
            total_time_ms: call.elapsedMs,
          },
        }),
  };
}

export function pageAnswer({ offset, page }: FetchedContinuation): ToolAnswer {
  if (page === undefined)
    return valueAnswer({ found: false, error: 'Continuation not found (may have expired)' });
  const hasMore = page.nextOffset < page.totalBytes;
  return valueAnswer({
    found: true,
    data: page.data,
    total_size_bytes: page.totalBytes,
    offset,
    next_offset: page.nextOffset,
    has_more: hasMore,
    complete: !hasMore,
  });
}

export const deletedAnswer = ({
  id,
  isDeleted,
}: {
  readonly id: string;
  readonly isDeleted: boolean;
}): ToolAnswer => valueAnswer({ deleted: isDeleted, continuation_id: id });
