/** The client's side of one request, as a transport implements it. */
import { ERRORS } from '@mcp-hangar/kernel/error-catalogue';
import { Fault, type ErrorCode } from '@mcp-hangar/kernel/errors';
import { isObject, type JsonObject, type RpcError } from '../../domain/protocol/json-rpc.ts';
import type { Bytes, RawAnswer } from '../ports.ts';

export interface ClientReply {
  /** A message that precedes the answer, as bytes without a newline. */
  send(message: readonly Bytes[]): void;
  /** The server's answer; the transport puts the client's id back and leaves every other byte. */
  answer(answer: RawAnswer): void;
  /** An answer of the gateway's own. */
  result(result: JsonObject): void;
  /** An answer of the gateway's own that is kept as bytes: `"result":{…}}`. */
  body(tail: Buffer): void;
  /** An error of the gateway's own. */
  refuse(error: RpcError): void;
  /** Nothing more will be said: the client gave up. */
  drop(): void;
  /** Set by whoever can end the work behind the reply: called where the client does not read what it is sent. */
  onOverflow?: (() => void) | undefined;
}

/** What the transport can still do with a request that was taken. */
export interface Pending {
  /** The client gave up: it closed its stream, or said so. */
  cancel(reason: string): void;
  /** Set for an open-ended stream: ends it kindly. */
  readonly finish?: () => void;
}

/** It is answered. */
export const NOTHING_PENDING: Pending = { cancel: () => undefined };

/** What a client is told of a fault: its code is stable, its message says what to do. */
export function rpcErrorOf(fault: Fault): RpcError {
  return {
    code: ERRORS[fault.code].jsonRpc,
    message: fault.message,
    data: { code: fault.code, retryable: ERRORS[fault.code].retryable, ...fault.data },
  };
}

/** The code of the catalogue that an error of the gateway's own carries; undefined for errors of the protocol. */
export function faultCodeOf({ data }: Pick<RpcError, 'data'>): ErrorCode | undefined {
  const code = isObject(data) ? data['code'] : undefined;
  return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
}

/** Why an answer cannot be given to a client for which `bytesMax` may wait; undefined where it can. */
export function overLimit({ bytes }: RawAnswer, bytesMax: number): RpcError | undefined {
  if (bytes <= bytesMax) return undefined;
  const detail = `the answer has ${bytes} bytes, more than limits.client_buffer_bytes_max allows (${bytesMax})`;
  return rpcErrorOf(new Fault('UPSTREAM_ANSWER_TOO_LARGE', detail));
}
