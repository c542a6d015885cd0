/**
 * What an operator's command asks the gateway that runs: after the greeting one line with the question, then one line
 * with the answer. Whoever ends the connection before the answer does not wait for it any more.
 */
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';

export const QUESTION_BYTES_MAX = 4_096;
export const ANSWER_BYTES_MAX = 8_388_608;
/** From the greeting to the end of the answer. */
export const QUERY_MS_MAX = 10_000;

export interface Question {
  /** Name of an entry of the registry. */
  readonly query: string;
  readonly input: JsonObject;
}

export type QueryAnswer =
  | { readonly isOk: true; readonly value: unknown }
  /** @param code of the catalogue of errors; a newer gateway may have others */
  | { readonly isOk: false; readonly code: string; readonly message: string };

export const questionLine = ({ query, input }: Question): string =>
  `${JSON.stringify({ query, input })}\n`;

/** Undefined for what no command of ours asks. */
export function readQuestion(line: string): Question | undefined {
  const { query, input } = objectIn(line) ?? {};
  return typeof query === 'string' && isObject(input) ? { query, input } : undefined;
}

export const answerLine = (answer: QueryAnswer): string =>
  `${JSON.stringify(
    answer.isOk
      ? { ok: true, value: answer.value }
      : { ok: false, code: answer.code, message: answer.message },
  )}\n`;

/** Undefined for what no gateway of ours answers. */
export function readAnswer(line: string): QueryAnswer | undefined {
  const answer = objectIn(line);
  if (answer === undefined) return undefined;
  const { ok, value, code, message } = answer;
  if (ok === true) return { isOk: true, value };
  return ok === false && typeof code === 'string' && typeof message === 'string'
    ? { isOk: false, code, message }
    : undefined;
}

/** The object that a line is; undefined for every other line. */
export function objectIn(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // not one of us
  }
}
