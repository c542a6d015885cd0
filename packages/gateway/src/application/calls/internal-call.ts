/** A tool call that the gateway makes for a client that asked it to, and its outcome as a value. */
import { Fault } from '@mcp-hangar/kernel/errors';
import { utf8Text } from '../byte-text.ts';
import { clientText, type ClientText } from '../../domain/protocol/client-message.ts';
import { isObject, type JsonObject, type Request } from '../../domain/protocol/json-rpc.ts';
import type { RawAnswer } from '../ports.ts';
import type { ServerUser } from '../servers/mcp-server.ts';
import type { Upstream } from '../servers/upstream.ts';
import { timedOut } from './call-ending.ts';
import { paramsOf, parseAnswer, plainError, RpcRefusal } from './ask.ts';
import type { Call } from './call.ts';
import type { Retrying } from './call-gate.ts';
import type { ClientReply } from './reply.ts';

/** What goes the path of calls: the request is in the words of the server already. */
export interface InternalCall {
  readonly server: Upstream;
  readonly user: ServerUser;
  readonly request: Request;
  readonly text: ClientText;
  readonly reply: ClientReply;
  readonly onSent: () => void;
  /** For all attempts together. */
  readonly timeoutMs: number;
  readonly attemptsMax?: number | undefined;
  readonly onRetry?: ((retry: Retrying) => void) | undefined;
}

/** A tool's result: as the server wrote it where it can pass so, else as a value. */
export type ToolAnswer =
  | { readonly kind: 'bytes'; readonly answer: RawAnswer }
  | { readonly kind: 'value'; readonly result: JsonObject };

/** What a server says of a call that it works on. */
export interface Progress {
  readonly progress: number;
  readonly total: number | undefined;
  readonly message: string | undefined;
}

export interface ToolCall {
  readonly server: Upstream;
  readonly user: ServerUser;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** Further members of `params`, `_meta` among them. */
  readonly params: JsonObject;
  /** From the moment that the server has the call. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Attempts that its caller allows, the first included; undefined = as the configuration says (`retry`). */
  readonly attemptsMax?: number | undefined;
  /** Told before each further attempt. */
  readonly onRetry?: ((retry: Retrying) => void) | undefined;
  /** Told once, and again where the client had to answer something in between. */
  readonly onSent: () => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onCall: (call: Call) => void;
}

/**
 * Calls a tool.
 * @throws RpcRefusal where the server or the gateway refused; Fault where nobody waits for it any more
 */
export function callTool(
  send: (call: InternalCall) => Call,
  wanted: ToolCall,
): Promise<ToolAnswer> {
  const { server, user, signal } = wanted;
  if (signal.aborted) return Promise.reject(givenUp());
  const isShorter = wanted.timeoutMs < server.spec.callTimeoutMs;
  const params = { ...wanted.params, name: wanted.tool, arguments: wanted.arguments };
  const request: Request = { kind: 'request', id: 0, method: 'tools/call', params };
  const message = { jsonrpc: '2.0', id: 0, method: request.method, params };
  const text = clientText(JSON.stringify(message), message);
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const giveUp = (): void => call.cancel(reasonOf(signal));
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      act();
    };
    const reply = outcomeReply(
      wanted.onProgress,
      (answer) => settle(() => resolve(answer)),
      (error) => settle(() => reject(error)),
    );
    // Told again where the request goes out again: the time that its client took is not the server's.
    const onSent = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => timeIsUp(), wanted.timeoutMs);
      wanted.onSent();
    };
    const timeIsUp = (): void => {
      const detail = `no answer in ${wanted.timeoutMs / 1_000} s (timeout)`;
      // While the server waits for the client, the time is not the server's.
      if (!call.timeOut(timedOut(detail, isShorter), wanted.timeoutMs) && !call.settled)
        timer = setTimeout(() => timeIsUp(), wanted.timeoutMs);
    };
    const { timeoutMs, attemptsMax, onRetry } = wanted;
    const call = send({
      server,
      user,
      request,
      text,
      reply,
      onSent,
      timeoutMs,
      attemptsMax,
      onRetry,
    });
    wanted.onCall(call);
    if (!call.settled) signal.addEventListener('abort', giveUp, { once: true });
  });
}

/** Why a server is told that nobody waits for it. */
const reasonOf = ({ reason }: AbortSignal): string =>
  typeof reason === 'string' ? reason : 'the client gave up';

const givenUp = (): Fault => new Fault('UPSTREAM_ENDED', 'the call was given up');

/** A reply whose reader is this process. */
function outcomeReply(
  onProgress: (progress: Progress) => void,
  resolve: (answer: ToolAnswer) => void,
  reject: (error: Error) => void,
): ClientReply {
  return {
    send: (message) => {
      const progress = readProgress(utf8Text(message));
      if (progress !== undefined) onProgress(progress);
    },
    answer: (answer) => {
      if (answer.isError) reject(refusalIn(answer));
      else resolve({ kind: 'bytes', answer });
    },
    result: (result) => resolve({ kind: 'value', result }),
    body: () => reject(new Error('a tool call is never answered with a list')),
    refuse: (error) => reject(new RpcRefusal(error)),
    drop: () => reject(givenUp()),
  };
}

function refusalIn(answer: RawAnswer): Error {
  const error = parseAnswer(answer)?.['error'];
  if (!isObject(error))
    return new Fault('UPSTREAM_ANSWER_INVALID', 'the server answered with an unreadable error');
  const { data } = error;
  return new RpcRefusal({ ...plainError(error), ...(data === undefined ? {} : { data }) });
}

function readProgress(text: string): Progress | undefined {
  const { progress, total, message: said } = paramsOf(text) ?? {};
  if (typeof progress !== 'number') return undefined;
  return {
    progress,
    total: typeof total === 'number' ? total : undefined,
    message: typeof said === 'string' ? said : undefined,
  };
}

/** Whether an answer is not parsed any more: that would hold up everybody else. */
export const isTooLong = (answer: ToolAnswer): boolean =>
  answer.kind === 'bytes' && answer.answer.bytes > PARSED_BYTES_MAX;

/** The result as a value. @throws Fault where it is too large or none */
export function resultOf(answer: ToolAnswer): JsonObject {
  if (answer.kind === 'value') return answer.result;
  if (isTooLong(answer)) {
    const detail = `the answer has ${answer.answer.bytes} bytes; ${PARSED_BYTES_MAX} pass here at most`;
    throw new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail);
  }
  const result = parseAnswer(answer.answer)?.['result'];
  if (isObject(result)) return result;
  throw new Fault('UPSTREAM_ANSWER_INVALID', 'the answer has no result object');
}

const PARSED_BYTES_MAX = 8_388_608;
