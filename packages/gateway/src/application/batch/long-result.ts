/** One result that is too long to be answered with something beside it: its beginning, and its whole page by page. */
import { randomUUID } from 'node:crypto';
import { Fault } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { isTooLong, resultOf, type ToolAnswer } from '../calls/internal-call.ts';
import type { BatchParts } from './batch-parts.ts';
import { KeptResults, type Cut } from './kept-results.ts';
import { ToolResult } from './tool-result.ts';

export interface BoundedResult {
  readonly result: JsonObject;
  /** Of a result that is not whole. */
  readonly cut?: Cut | undefined;
}

/**
 * The result as a value that others can stand beside.
 * @param owner who may read what is cut
 * @throws Fault UPSTREAM_ANSWER_INVALID where there is none
 */
export async function boundedResult(
  answer: ToolAnswer,
  parts: BatchParts,
  owner: string,
): Promise<BoundedResult> {
  if (!isTooLong(answer)) return { result: resultOf(answer) };
  const long = ToolResult.of(answer);
  // `truncation.enabled` is about batches: here only what has no room is cut.
  const truncation = { ...parts.truncation, isEnabled: false };
  const kept = new KeptResults({ ...parts, truncation }, { id: randomUUID(), owner, calls: 1 });
  await kept.add(0, long);
  const { value, cut } = (await kept.shown()).get(0) ?? {};
  if (isObject(value)) return { result: value, cut };
  if (cut === undefined)
    throw new Fault('UPSTREAM_ANSWER_INVALID', 'the answer has no result object');
  const content = [{ type: 'text', text: String(value) }];
  return { result: { content, ...(long.isError ? { isError: true } : {}) }, cut };
}
