/** The client's side of one request, as a transport implements it. */
import { ERRORS, type Fault } from '@mcp-hangar/kernel/errors';
import type { JsonObject, RpcError } from '../../domain/protocol/json-rpc.ts';
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
  /** @param status HTTP status where the protocol asks for one; 200 otherwise */
  refuse(error: RpcError, status?: number): void;
  /** Nothing more will be said: the client gave up. */
  drop(): void;
  /** Set by whoever can end the work behind the reply: called where the client does not read what it is sent. */
  onOverflow?: (() => void) | undefined;
}

/** What a client is told of a fault: its code is stable, its message says what to do. */
export function rpcErrorOf(fault: Fault): RpcError {
  return {
    code: ERRORS[fault.code].jsonRpc,
    message: fault.message,
    data: { code: fault.code, retryable: ERRORS[fault.code].retryable, ...fault.data },
  };
}
