/** What becomes of a batch, as events and as log lines; never with arguments or results. */
import type { BatchCall, BatchRequest } from '../../domain/batch/batch-request.ts';
import type { DomainEvent } from '../ports.ts';
import type { BatchReport, CallReport } from './run-batch.ts';

/** The stream of all batches. */
export const BATCH_STREAM = 'batches';
const NAME_CHARS_MAX = 256;

export const batchRequested = (batchId: string, request: BatchRequest): DomainEvent => ({
  type: 'BatchInvocationRequested',
  data: {
    batch_id: batchId,
    call_count: request.calls.length,
    mcp_servers: [...new Set(request.calls.map(({ mcpServer }) => mcpServer))],
    max_concurrency: request.maxConcurrency,
    timeout: request.timeoutMs / 1_000,
    fail_fast: request.isFailFast,
  },
});

/** `call_id` is the correlation id of the call: the server was told it, and the events of calls have it. */
export const callCompleted = (
  batchId: string,
  call: BatchCall,
  report: CallReport,
): DomainEvent => ({
  type: 'BatchCallCompleted',
  data: {
    batch_id: batchId,
    call_id: report.callId,
    call_index: call.index,
    mcp_server_id: call.mcpServer,
    tool_name: call.tool.slice(0, NAME_CHARS_MAX),
    success: report.failure === undefined,
    elapsed_ms: report.elapsedMs,
    error_type: report.failure?.type ?? null,
  },
});

export const batchCompleted = (report: BatchReport): DomainEvent => ({
  type: 'BatchInvocationCompleted',
  data: {
    batch_id: report.batchId,
    total: report.calls.length,
    succeeded: report.succeeded,
    failed: report.calls.length - report.succeeded,
    elapsed_ms: report.elapsedMs,
    cancelled: report.calls.filter(({ failure }) => failure?.type === 'CancellationError').length,
  },
});
