/**
 * What an operator's command asks the gateway that runs: after the greeting one line with the question, then any number
 * of lines while the gateway works on it, then one line with the answer. Whoever ends the connection before the answer
 * does not wait for it any more.
 */
import { isObject, type JsonObject } from '../protocol/json-rpc.ts';

export const QUESTION_BYTES_MAX = 1_048_576;
/** Of one line that the gateway says. */
export const ANSWER_BYTES_MAX = 8_388_608;
/** From the greeting to the end of the question. */
export const QUESTION_MS_MAX = 10_000;
/** A gateway that says nothing for this long is stuck. */
export const SILENCE_MS_MAX = 10_000;
/** How often a gateway says that it still works on the answer. */
export const WORKING_MS = 2_500;

export interface Question {
  /** Name of an entry of the registry. */
  readonly query: string;
  readonly input: JsonObject;
}

export type QueryAnswer =
  | { readonly isOk: true; readonly value: unknown }
  | {
      readonly isOk: false;
      /** Of the catalogue of errors; a newer gateway may have others. */
      readonly code: string;
      readonly message: string;
      /** What else is to be known of the error. */
      readonly data?: JsonObject | undefined;
    };

/** One line of the gateway. */
export type Spoken =
  /** Something that precedes the answer: progress, or a part of what goes on without end. */
  | { readonly kind: 'item'; readonly item: JsonObject }
  /** So many items were left out: they came faster than they were read. */
  | { readonly kind: 'missed'; readonly count: number }
  | { readonly kind: 'working' }
  | { readonly kind: 'answer'; readonly answer: QueryAnswer };

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
      : { ok: false, code: answer.code, message: answer.message, data: answer.data },
  )}\n`;

export const itemLine = (item: JsonObject): string => `${JSON.stringify({ item })}\n`;

export const missedLine = (missed: number): string => `${JSON.stringify({ missed })}\n`;

export const WORKING_LINE = '{"working":true}\n';

/** Undefined for what no gateway of ours says. */
export function readSpoken(line: string): Spoken | undefined {
  const said = objectIn(line);
  if (said === undefined) return undefined;
  const { item, missed, working } = said;
  if (isObject(item)) return { kind: 'item', item };
  if (typeof missed === 'number') return { kind: 'missed', count: missed };
  if (working === true) return { kind: 'working' };
  const answer = answerIn(said);
  return answer === undefined ? undefined : { kind: 'answer', answer };
}

/** Undefined for what is no answer of ours. */
export function readAnswer(line: string): QueryAnswer | undefined {
  const said = objectIn(line);
  return said === undefined ? undefined : answerIn(said);
}

function answerIn({ ok, value, code, message, data }: JsonObject): QueryAnswer | undefined {
  if (ok === true) return { isOk: true, value };
  if (ok !== false || typeof code !== 'string' || typeof message !== 'string') return undefined;
  return { isOk: false, code, message, ...(isObject(data) ? { data } : {}) };
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
