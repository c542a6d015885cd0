/** What a modern server wants of a legacy client before it goes on, and how that client is asked for it. */
import type { Result } from '@mcp-hangar/kernel/result';
import { capabilityFor } from './capabilities.ts';
import { mayAsk, QUESTIONS_MAX, type InputRequest } from './input-rounds.ts';
import { isObject, type JsonObject } from './json-rpc.ts';
import { META } from './revisions.ts';

export interface WantedInput {
  /** By the server's own keys. None where the server only wants to be asked again. */
  readonly questions: ReadonlyMap<string, InputRequest>;
  /** Given back as it is; undefined where the server gave none. */
  readonly requestState: string | undefined;
}

/** What an `input_required` result wants, or what is wrong with it. */
export function wantedInput(method: string, result: JsonObject): Result<WantedInput, string> {
  const { inputRequests = {}, requestState } = result;
  if (!mayAsk(method)) return flaw(`${method} cannot be answered "input_required"`);
  if (!isObject(inputRequests)) return flaw('"inputRequests" must be an object');
  if (requestState !== undefined && typeof requestState !== 'string')
    return flaw('"requestState" must be a string');
  const entries = Object.entries(inputRequests);
  if (entries.length === 0 && requestState === undefined)
    return flaw('it has neither "inputRequests" nor "requestState"');
  if (entries.length > QUESTIONS_MAX)
    return flaw(`it has ${entries.length} questions; ${QUESTIONS_MAX} are asked at most`);
  const questions = new Map<string, InputRequest>();
  for (const [key, entry] of entries) {
    const question = questionOf(key, entry);
    if (!question.ok) return question;
    questions.set(key, question.value);
  }
  return { ok: true, value: { questions, requestState } };
}

const flaw = (error: string): Result<never, string> => ({ ok: false, error });

function questionOf(key: string, entry: unknown): Result<InputRequest, string> {
  const name = JSON.stringify(key.slice(0, 100));
  const method = isObject(entry) ? entry['method'] : undefined;
  if (!isObject(entry) || typeof method !== 'string') return flaw(`question ${name} has no method`);
  if (capabilityFor(method) === undefined)
    return flaw(`question ${name} is "${method}", which no client can be asked`);
  const { params = method === 'roots/list' ? {} : undefined } = entry;
  if (!isObject(params)) return flaw(`question ${name} (${method}) has no params`);
  return { ok: true, value: { method, params } };
}

/**
 * The params of a question as a legacy client reads them. @param newId makes the id that 2025-11-25 wants of every page
 * to visit, and that the modern era does not have
 */
export function legacyQuestionParams({ params }: InputRequest, newId: () => string): JsonObject {
  const { _meta: meta, ...rest } = params;
  const isPage = rest['mode'] === 'url' && rest['elicitationId'] === undefined;
  // Nobody would hear the client's progress: an embedded question has no stream.
  const { progressToken: _token, ...own } = isObject(meta) ? meta : {};
  const kept = Object.entries(own).filter(([key]) => !key.startsWith(META.prefix));
  return {
    ...rest,
    ...(isPage && { elicitationId: newId() }),
    ...(kept.length > 0 && { _meta: Object.fromEntries(kept) }),
  };
}
