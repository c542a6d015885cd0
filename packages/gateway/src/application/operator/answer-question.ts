import { randomUUID } from 'node:crypto';
import { stackOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import {
  ANSWER_BYTES_MAX,
  answerLine,
  readQuestion,
  type Question,
} from '../../domain/local-socket/query.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import { NOBODY } from '../servers/child.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import { OPERATOR_ENTRIES } from './table.ts';

/** Whoever may use the local socket is the user that the gateway runs as. */
const OPERATOR = 'operator';

/**
 * Answers one question of an operator's command, both as lines. Never rejects: what goes wrong is an answer that says
 * so.
 */
export async function answerQuestion(
  deps: UseCaseDeps,
  line: string,
  signal: AbortSignal,
): Promise<string> {
  const question = readQuestion(line);
  try {
    return await answered(deps, question, signal);
  } catch (error) {
    if (error instanceof Fault)
      return answerLine({ isOk: false, code: error.code, message: error.message });
    deps.logger.error({ query: question?.query, error: stackOf(error) }, 'defect_in_query');
    const message = 'the gateway could not answer; its log says why (defect_in_query)';
    return answerLine({ isOk: false, code: 'GATEWAY_DEFECT', message });
  }
}

async function answered(
  deps: UseCaseDeps,
  question: Question | undefined,
  signal: AbortSignal,
): Promise<string> {
  const entry = OPERATOR_ENTRIES.get(question?.query ?? '');
  if (question === undefined || entry === undefined) {
    const detail = 'the gateway does not know what is asked; it is of another version';
    throw new Fault('INPUT_INVALID', detail, { data: { field: 'query' } });
  }
  const value = await entry.run(question.input, deps, contextOf(signal));
  const text = answerLine({ isOk: true, value });
  const bytes = Buffer.byteLength(text);
  if (bytes <= ANSWER_BYTES_MAX) return text;
  const detail = `the answer has ${bytes} bytes, more than ${ANSWER_BYTES_MAX}`;
  throw new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail);
}

function contextOf(signal: AbortSignal): UseCaseContext {
  const asker = {
    era: 'legacy',
    owner: OPERATOR,
    capabilities: NO_CAPABILITIES,
    wantsLogs: false,
    isOneClient: false,
  } as const;
  return {
    principal: OPERATOR,
    correlationId: randomUUID(),
    signal,
    progress: () => undefined,
    serverProgress: () => undefined,
    caller: {
      user: { asker, owner: NOBODY, clientInfo: undefined },
      params: {},
      carry: () => undefined,
    },
  };
}
