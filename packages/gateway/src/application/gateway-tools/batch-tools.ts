/** `hangar_call` and what gives the rest of results that it had to cut. */
import { once } from '@mcp-hangar/kernel/once';
import { z } from 'zod';
import {
  BATCH_NUMBERS,
  CALL_TIMEOUT_S,
  CALLS_MAX,
  TOOL_CHARS_MAX,
} from '../../domain/batch/batch-request.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { PAGE_BYTES, PAGE_BYTES_MAX } from '../queries/fetch-continuation.ts';
import { REGISTRY } from '../registry.ts';
import { runUseCase } from '../use-case.ts';
import { batchAnswer, deletedAnswer, pageAnswer } from './batch-answers.ts';
import { defineTool, type GatewayTool, type Hints } from './tool.ts';
import { HANGAR_WORDS } from './words.ts';

const CALLS: Hints = { readOnlyHint: false, destructiveHint: true, openWorldHint: true };
const READS: Hints = { readOnlyHint: true, openWorldHint: false };
const FORGETS: Hints = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false,
};

const number = (
  type: string,
  field: keyof typeof BATCH_NUMBERS,
  description: string,
): JsonObject => {
  const { min, max, standard } = BATCH_NUMBERS[field];
  return {
    type,
    ...(standard === undefined ? {} : { default: standard }),
    description: `${description} ${min} to ${max}; other values are moved there.`,
  };
};

/** Written by hand: what is wrong with a batch is reported for all of its calls at once, not for the first. */
const CALL_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    calls: {
      type: 'array',
      minItems: 1,
      maxItems: CALLS_MAX,
      description: `The calls, 1 to ${CALLS_MAX}: \`{mcp_server, tool, arguments, timeout?}\`; \`timeout\` is the longest wait for its answer, ${CALL_TIMEOUT_S.min} to ${CALL_TIMEOUT_S.max} seconds.`,
      items: {
        type: 'object',
        properties: {
          mcp_server: {
            type: 'string',
            description: 'Id of the MCP server, as the list shows it.',
          },
          tool: {
            type: 'string',
            minLength: 1,
            maxLength: TOOL_CHARS_MAX,
            description: 'Name of the tool, as the server itself names it.',
          },
          arguments: { type: 'object', description: 'Arguments of the tool.' },
          timeout: { type: 'number', description: 'Longest wait for the answer. Seconds.' },
        },
        required: ['mcp_server', 'tool', 'arguments'],
      },
    },
    max_concurrency: number('integer', 'max_concurrency', 'Calls under way at one time.'),
    timeout: number(
      'number',
      'timeout',
      'Longest wait for all of it; then what is missing is cancelled. Seconds.',
    ),
    fail_fast: {
      type: 'boolean',
      default: false,
      description: 'The first failure cancels every call that has no result yet.',
    },
    max_attempts: number(
      'integer',
      'max_attempts',
      'Attempts for each call, where repeating it is safe; as the configuration says where it is left out.',
    ),
  },
  required: ['calls'],
};

const batchTool: GatewayTool = {
  name: 'hangar_call',
  words: HANGAR_WORDS,
  useCase: REGISTRY.invoke_batch,
  progress: 'server',
  definition: {
    name: 'hangar_call',
    description: REGISTRY.invoke_batch.summary,
    inputSchema: CALL_SCHEMA,
    annotations: CALLS,
  },
  run: async (given, { deps, context }) =>
    batchAnswer(await runUseCase(REGISTRY.invoke_batch, deps, given, context(undefined))),
};

const continuationId = once(() =>
  z
    .string('expected the id of a continuation')
    .min(1, 'expected the id of a continuation')
    .max(256, 'expected at most 256 characters')
    .describe('`continuation_id` of a result that was cut.'),
);
const OFFSET_RULE = 'expected a whole number from 0';

export const BATCH_TOOLS: readonly GatewayTool[] = [
  batchTool,
  defineTool({
    words: HANGAR_WORDS,
    name: 'fetch_continuation',
    useCase: REGISTRY.fetch_continuation,
    args: () =>
      z.strictObject({
        continuation_id: continuationId(),
        offset: z
          .int(OFFSET_RULE)
          .min(0, OFFSET_RULE)
          .default(0)
          .describe('Where the page begins: `next_offset` of the page before. Bytes.'),
        limit: z
          .number('expected a number')
          .default(PAGE_BYTES)
          .describe(`Length of the page, at most ${PAGE_BYTES_MAX}. Bytes; no character is split.`),
      }),
    toInput: ({ continuation_id: id, offset, limit }) => ({
      id,
      offset,
      limit: Math.floor(Math.min(PAGE_BYTES_MAX, limit < 1 ? PAGE_BYTES : limit)),
    }),
    toAnswer: pageAnswer,
    hints: READS,
  }),
  defineTool({
    words: HANGAR_WORDS,
    name: 'delete_continuation',
    useCase: REGISTRY.delete_continuation,
    args: () => z.strictObject({ continuation_id: continuationId() }),
    toInput: ({ continuation_id: id }) => ({ id }),
    toAnswer: deletedAnswer,
    hints: FORGETS,
  }),
];
