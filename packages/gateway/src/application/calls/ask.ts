/** A question of the gateway's own to a server: handshake, catalogue, subscriptions. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { ServerText } from '../../domain/protocol/server-message.ts';
import { utf8, utf8Text } from '../byte-text.ts';
import {
  exceedsDepth,
  isObject,
  RPC,
  type JsonObject,
  type RpcError,
} from '../../domain/protocol/json-rpc.ts';
import type { RawAnswer, Routing, UpstreamCall, UpstreamConnection } from '../ports.ts';

/** The server refused: a JSON-RPC error as data. */
export class RpcRefusal extends Error {
  override readonly name = 'RpcRefusal';
  readonly error: RpcError;
  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

const ANSWER_BYTES_MAX = 1_048_576;

export interface AskOptions {
  readonly timeoutMs: number;
  /** Answers above this are refused unread. Bytes. */
  readonly answerBytesMax?: number;
  readonly signal?: AbortSignal | undefined;
  /** Of the resource that it is about. */
  readonly name?: string;
}

/** What a question needs of a connection. */
export type Askable = Pick<UpstreamConnection, 'send' | 'cancel'>;

/** @throws RpcRefusal where the server answers with an error; Fault CALL_TIMED_OUT, UPSTREAM_ENDED and the like */
export function ask(
  connection: Askable,
  method: string,
  params: JsonObject,
  options: AskOptions,
): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      act();
    };
    const call: UpstreamCall = {
      parts: [
        '{"jsonrpc":"2.0","id":',
        `,"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`,
      ],
      answered: (answer) =>
        settle(() => void readAnswer(answer, options.answerBytesMax).then(resolve, reject)),
      notified: () => undefined,
      routing: routingOf(method, options.name),
      lost: (fault) => settle(() => reject(fault)),
    };
    const giveUp = (fault: Fault): void =>
      settle(() => {
        if (id !== undefined) connection.cancel(id, fault.message);
        reject(fault);
      });
    const onAbort = (): void => giveUp(new Fault('UPSTREAM_ENDED', `${method} was given up`));
    const timer = setTimeout(
      () =>
        giveUp(new Fault('CALL_TIMED_OUT', `no answer to ${method} in ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    let id: number | undefined;
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.signal?.aborted === true) {
      onAbort();
      return;
    }
    try {
      id = connection.send(call);
    } catch (error) {
      settle(() => reject(error as Error)); // the timer must not outlive the question
    }
  });
}

async function readAnswer(answer: RawAnswer, bytesMax = ANSWER_BYTES_MAX): Promise<JsonObject> {
  if (answer.bytes > bytesMax) {
    const detail = `the answer has ${answer.bytes} bytes; ${bytesMax} are read at most`;
    throw new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail);
  }
  const message = parseAnswer(answer);
  const { error, result } = message ?? {};
  if (isObject(error)) {
    const { data } = error;
    throw new RpcRefusal({ ...plainError(error), ...(data === undefined ? {} : { data }) });
  }
  if (!isObject(result))
    throw new Fault('UPSTREAM_ANSWER_INVALID', 'the answer has no result object');
  return result;
}

/** Code and message of an error that a server wrote, whatever it wrote there. */
export const plainError = ({ code, message }: JsonObject): RpcError => ({
  code: typeof code === 'number' ? code : RPC.internalError,
  message: typeof message === 'string' ? message : 'the server gave no reason',
});

/** The answer as a value; undefined where it cannot be read. Number texts that do not survive are kept as written. */
export const parseAnswer = (answer: RawAnswer): JsonObject | undefined =>
  readObject(utf8Text([...answer.before, '0', ...answer.after]));

/** What a server wrote; undefined where it is no object, no JSON, or cannot be parsed so. */
function readObject(text: string, parse = parseExactly): JsonObject | undefined {
  try {
    const parsed = parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The parameters of a request or notification of a server, empty where it has none; undefined where it cannot be read:
 * a long line comes unchecked.
 * @param parse `parseExactly` where they are written again; a number that is read must stay one
 */
export const paramsIn = (
  { text }: ServerText,
  parse?: (text: string) => unknown,
): JsonObject | undefined => paramsOf(utf8(text), parse);

/** The same of a text that is decoded. */
export function paramsOf(text: string, parse = parsePlainly): JsonObject | undefined {
  const message = readObject(text, parse);
  if (message === undefined) return undefined;
  const { params } = message;
  return isObject(params) ? params : {};
}

const parsePlainly = (text: string): unknown => JSON.parse(text);

/** Texts up to here are parsed number by number; that costs some 0.5 µs a value and would hold up everybody else. */
const EXACT_CHARS_MAX = 131_072;
/** A number that may not survive: more digits than a double holds, a fraction or an exponent. */
const DELICATE = /\d{16}|\d[.eE]/;

/** Whether writing the parsed text again may write a number in another way. */
export const losesNumbers = (text: string): boolean =>
  text.length <= EXACT_CHARS_MAX && DELICATE.test(text);

/** Writing a value takes stack for each level: what is nested without end would end the process. */
const DEPTH_MAX = 512;

/**
 * Parses JSON so that writing it again gives every number as it was written (in larger texts: its value as a
 * double). Throws like `JSON.parse`, also where the text is nested deeper than can be written again.
 */
export function parseExactly(text: string): unknown {
  const value = parseChecked(text);
  if (exceedsDepth(value, DEPTH_MAX))
    throw new RangeError(`nested deeper than ${DEPTH_MAX} levels`);
  return value;
}

/** The same of what a client wrote: its depth was checked when it came (limits.json_depth_max). Throws for no JSON. */
export const parseChecked = (text: string): unknown =>
  losesNumbers(text) ? JSON.parse(text, keepNumber) : JSON.parse(text);

/** ES2025 JSON source text access, which the compiler's library does not describe yet. */
const rawJson = (text: string): unknown =>
  (JSON as unknown as { rawJSON(source: string): unknown }).rawJSON(text);

/** Keeps 12345678901234567890 and 1.0 as they were written when the value is written again. */
function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return String(value) === context.source ? value : rawJson(context.source);
}

/** A request of the gateway's own: few name anything beside their method. */
export const routingOf = (method: string, name?: string): Routing => ({
  method,
  name,
  paramHeaders: {},
});
