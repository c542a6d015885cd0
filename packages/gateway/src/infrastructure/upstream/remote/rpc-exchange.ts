/** One question of the gateway's own over HTTP, outside of any session: the first words with a server. */
import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { JsonObject, RpcError } from '../../../domain/protocol/json-rpc.ts';
import { isObject } from '../../../domain/protocol/json-rpc.ts';
import { parseAnswer, plainError } from '../../../application/calls/ask.ts';
import type { RawAnswer } from '../../../application/ports.ts';
import { AnswerReader, type AnswerEvents, type Refusal } from './answer-reader.ts';
import type { HttpClient } from './http-client.ts';

const HELLO_BYTES_MAX = 1_048_576;

export type RpcReply =
  | { readonly kind: 'result'; readonly result: JsonObject; readonly headers: IncomingHttpHeaders }
  /** A JSON-RPC error with a status of success. */
  | { readonly kind: 'error'; readonly error: RpcError }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface RpcQuestion {
  readonly method: string;
  readonly params: JsonObject;
  readonly headers: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const ID = 0;
/** A stream whose answer has come is closed by the server; one that it leaves open is given up. */
const LINGER_MS = 2_000;

/** @throws Fault CALL_TIMED_OUT, or where there was no answer of HTTP or of JSON-RPC */
export function askOverHttp(client: HttpClient, question: RpcQuestion): Promise<RpcReply> {
  const { method, params, headers, timeoutMs, signal } = question;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (fault: Fault): void => {
      exchange.abort();
      settle(() => reject(fault));
    };
    const onAbort = (): void => fail(new Fault('UPSTREAM_ENDED', `${method} was given up`));
    const timer = setTimeout(
      () => fail(new Fault('CALL_TIMED_OUT', `no answer to ${method} in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const reader = new AnswerReader(
      eventsOf((reply) => {
        exchange.limitSilence(LINGER_MS, () => undefined);
        settle(() => resolve(reply));
      }, fail),
      HELLO_BYTES_MAX,
    );
    const body = JSON.stringify({ jsonrpc: '2.0', id: ID, method, params });
    signal.addEventListener('abort', onAbort, { once: true });
    const exchange = client.request(
      { method: 'POST', lane: 'control', headers, body, headersTimeoutMs: 0 },
      reader,
    );
    if (signal.aborted) onAbort();
  });
}

function eventsOf(told: (reply: RpcReply) => void, fail: (fault: Fault) => void): AnswerEvents {
  let headers: IncomingHttpHeaders = {};
  return {
    opened: (_isStream, opened) => {
      headers = opened;
    },
    message: (message) => {
      if (message.kind !== 'answer' || message.id !== ID) return;
      told(replyOf(message.answer, headers));
    },
    overlong: (_id, fault) => fail(fault),
    accepted: () => fail(new Fault('UPSTREAM_ANSWER_INVALID', 'it gave no answer')),
    refused: (refusal) => told({ kind: 'refused', refusal }),
    ended: () => fail(new Fault('UPSTREAM_ANSWER_INVALID', 'its answer is no answer to that')),
    failed: (fault) => fail(fault),
  };
}

function replyOf(answer: RawAnswer, headers: IncomingHttpHeaders): RpcReply {
  const { error, result } = parseAnswer(answer) ?? {};
  if (isObject(result)) return { kind: 'result', result, headers };
  const { data } = isObject(error) ? error : {};
  const plain = plainError(isObject(error) ? error : {});
  return { kind: 'error', error: data === undefined ? plain : { ...plain, data } };
}

/** Posts a message that has no answer. Resolves when the server has it, or in vain after `timeoutMs`. */
export function tell(
  client: HttpClient,
  message: {
    readonly line: string;
    readonly headers: readonly string[];
    readonly timeoutMs: number;
    readonly path?: string | undefined;
  },
): Promise<void> {
  const { line, headers, timeoutMs, path } = message;
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      exchange.abort();
      resolve();
    };
    const timer = setTimeout(() => done(), timeoutMs);
    timer.unref();
    const exchange = client.request(
      { method: 'POST', lane: 'control', headers, body: line, headersTimeoutMs: timeoutMs, path },
      { response: () => undefined, data: () => undefined, end: done, failed: done },
    );
  });
}
