/** Why one call of a batch has no result. */
import { messageOf, stackOf } from '@mcp-hangar/kernel/error-text';
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import { batchErrorType, type BatchErrorType } from '../../domain/batch/error-type.ts';
import { RpcRefusal } from '../calls/ask.ts';
import { faultCodeOf } from '../calls/reply.ts';
import { textOf } from '../commands/invoke-tool-with-report.ts';
import type { Logger } from '../ports.ts';
import type { ToolResult } from './tool-result.ts';

export interface CallFailure {
  readonly type: BatchErrorType;
  readonly message: string;
  /** Of the catalogue; undefined for what the server itself said. */
  readonly code: ErrorCode | undefined;
}

/** Why a batch ends before all of its calls have. */
export type Stop = 'deadline' | 'failure' | 'client';

/** What a server says may be long; the result has the whole of it. */
const MESSAGE_CHARS_MAX = 2_000;

export const STOP_WORDS: Readonly<Record<Stop, string>> = {
  deadline: 'the time of the batch is up',
  failure: 'another call of the batch failed (fail_fast)',
  client: 'the client gave up',
};

export const stopped = (stop: Stop): CallFailure => ({
  type: stop === 'deadline' ? 'TimeoutError' : 'CancellationError',
  message: STOP_WORDS[stop],
  code: undefined,
});

/** Of what was thrown instead of an answer. A defect costs its call and no other. */
export function failureOf(error: unknown, logger: Logger): CallFailure {
  if (error instanceof RpcRefusal) return faultFailure(faultCodeOf(error.error), error.message);
  if (error instanceof Fault) return faultFailure(error.code, error.message);
  logger.error({ error: stackOf(error) }, 'defect_in_call');
  return faultFailure('GATEWAY_DEFECT', messageOf(error));
}

const faultFailure = (code: ErrorCode | undefined, message: string): CallFailure => ({
  type: batchErrorType(code),
  message,
  code,
});

/** Of a result that is none: the tool failed, or its server wants to ask something first. */
export function failureIn(result: ToolResult): CallFailure | undefined {
  if (result.isError) {
    const said = result.value === undefined ? '' : textOf(result.value);
    const message = said === '' ? 'the tool failed' : said.slice(0, MESSAGE_CHARS_MAX);
    return { type: 'ToolInvocationError', message, code: undefined };
  }
  if (result.text.length > READ_BYTES_MAX) return undefined;
  if (result.value === undefined)
    return faultFailure('UPSTREAM_ANSWER_INVALID', 'the answer has no result object');
  if (result.value['resultType'] !== 'input_required') return undefined;
  const detail = 'the server wants to ask its client first, which a batch cannot: call it alone';
  return faultFailure('INPUT_NOT_SUPPORTED', detail);
}

/** What is longer is read when the batch is answered. */
const READ_BYTES_MAX = 1_048_576;
