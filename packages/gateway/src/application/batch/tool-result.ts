/** The result of a tool as a value and as the JSON that the server wrote, each made when it is asked for. */
import { locate, spanText } from '../../domain/protocol/json-spans.ts';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { latin1 } from '../byte-text.ts';
import { errorIn } from '../calls/call-ending.ts';
import { parseAnswer, parseExactly } from '../calls/ask.ts';
import type { ToolAnswer } from '../calls/internal-call.ts';
import type { RawAnswer } from '../ports.ts';

/** A longer text is not parsed: that would hold up everybody else. */
export const PARSED_BYTES_MAX = 10_485_760;

export class ToolResult {
  /** JSON, as UTF-8. */
  readonly text: Buffer;
  readonly isError: boolean;
  #value: JsonObject | undefined;

  private constructor(text: Buffer, isError: boolean, value?: JsonObject) {
    this.text = text;
    this.isError = isError;
    this.#value = value;
  }

  static of(answer: ToolAnswer): ToolResult {
    if (answer.kind === 'bytes')
      return new ToolResult(
        textIn(answer.answer),
        errorIn(answer.answer, 'tools/call') !== undefined,
      );
    const { result } = answer;
    return new ToolResult(Buffer.from(JSON.stringify(result)), result['isError'] === true, result);
  }

  /** Undefined where it is too long to be parsed, or no object. */
  get value(): JsonObject | undefined {
    if (this.#value === undefined && this.text.length <= PARSED_BYTES_MAX)
      this.#value = parsed(this.text);
    return this.#value;
  }
}

/** The result as it was written; the whole line where that is none. */
function textIn(answer: RawAnswer): Buffer {
  const line = [...answer.before, '0', ...answer.after]
    .map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
    .join('');
  const spans = locate(line, { result: 0 }, 1);
  const result = spans === undefined ? undefined : spanText(line, spans, 0);
  return Buffer.from(result ?? readResult(answer) ?? line, 'latin1');
}

/** Of an answer in which the result cannot be told from its place. */
function readResult(answer: RawAnswer): string | undefined {
  const message = parseAnswer(answer);
  return message === undefined ? undefined : latin1(JSON.stringify(message['result'] ?? null));
}

function parsed(text: Buffer): JsonObject | undefined {
  try {
    const value = parseExactly(text.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // a long line is passed on unread, whatever it is
  }
}
