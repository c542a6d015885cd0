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
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import { RpcRefusal } from '../calls/ask.ts';
import { NOBODY } from '../servers/child.ts';
import { settlesWithin } from '../settles-within.ts';
import type { UseCaseContext, UseCaseDeps } from '../use-case.ts';
import type { OperatorEntry, OperatorWork } from './entry.ts';
import { refusalFault } from './refusal-fault.ts';
import { OPERATOR_ENTRIES } from './table.ts';

/** Whoever may use the local socket is the user that the gateway runs as. */
const OPERATOR = 'operator';

/** Who waits for an answer. */
export interface Asker {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Takes what precedes the answer. Never waits. */
  readonly tell: (item: JsonObject) => void;
}

/**
 * Answers one question of an operator's command, both as lines. Never rejects: what goes wrong is an answer that says
 * so.
 */
export async function answerQuestion(
  deps: UseCaseDeps,
  line: string,
  asker: Asker,
): Promise<string> {
  const question = readQuestion(line);
  try {
    const value = await valueFor(deps, question, asker);
    const text = answerLine({ isOk: true, value });
    const bytes = Buffer.byteLength(text);
    if (bytes <= ANSWER_BYTES_MAX) return text;
    const detail = `the answer has ${bytes} bytes, more than ${ANSWER_BYTES_MAX}`;
    throw new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail);
  } catch (error) {
    const { code, message, data } = asFault(deps, question, error);
    return answerLine({ isOk: false, code, message, data });
  }
}

/** The same without lines, for a command in whose process the gateway is. @throws Fault */
export async function valueFor(
  deps: UseCaseDeps,
  question: Question | undefined,
  asker: Asker,
): Promise<JsonObject> {
  if (question === undefined)
    throw new Fault('INPUT_INVALID', 'what is asked cannot be read', { data: { field: 'query' } });
  const entry = OPERATOR_ENTRIES.get(question.query);
  if (entry === undefined) {
    const detail = `the gateway does not know the question "${question.query}"; it is of another version`;
    throw new Fault('GATEWAY_OTHER_VERSION', detail);
  }
  try {
    return await answerOf(entry, question.input, deps, asker);
  } catch (error) {
    throw error instanceof RpcRefusal ? refusalFault('the MCP server', error) : error;
  }
}

/** Lets an entry work for as long as it may. */
async function answerOf(
  entry: OperatorEntry,
  input: JsonObject,
  deps: UseCaseDeps,
  { signal, tell }: Asker,
): Promise<JsonObject> {
  const limit = new AbortController();
  const context = contextOf(AbortSignal.any([signal, limit.signal]), tell);
  const answer = entry.run(input, { deps, context, tell });
  if (await settlesWithin(answer, entry.msMax)) return answer;
  limit.abort();
  answer.catch(() => undefined); // nobody hears of it any more
  const detail = `the gateway did not answer "${entry.useCase.name}" in ${entry.msMax / 1_000} s`;
  throw new Fault('CALL_TIMED_OUT', detail);
}

function asFault(deps: UseCaseDeps, question: Question | undefined, error: unknown): Fault {
  if (error instanceof Fault) return error;
  deps.logger.error({ query: question?.query, error: stackOf(error) }, 'defect_in_query');
  return new Fault(
    'GATEWAY_DEFECT',
    'the gateway could not answer; its log says why (defect_in_query)',
  );
}

function contextOf(signal: AbortSignal, tell: OperatorWork['tell']): UseCaseContext {
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
    progress: (stage, message) => tell({ stage, message }),
    serverProgress: ({ progress, total, message }) => tell({ progress, total, message }),
    caller: {
      user: { asker, owner: NOBODY, clientInfo: undefined },
      params: {},
      carry: () => undefined,
    },
  };
}
